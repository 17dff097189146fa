"""Read image files, for every part of the suite: upright, in sRGB, opaque, at full bit depth.

What changes the meaning of pixels is applied (orientation, colour profiles, palettes, channel order) or
refused with the reason (transparency, colour spaces without a profile, several images in one file).
"""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from llpacknet.errors import InputError
from llpacknet.raw.container import NPY

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
LARGEST_PIXELS = 200_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ORIENTATION, _COLOUR_SPACE, _INTEROP, _EXIF_FOLDER = 0x0112, 0xA001, 0x0001, 0x8769
_INTEROP_FOLDER, _PROFILE = 0xA005, 34675
_UNCALIBRATED, _ADOBE_CLOSE = 0xFFFF, 2
_SRGB_GAMMA, _GAMMA_STEP = 0.45455, 0.02
# Primaries, transfer, matrix and range of a PNG's cICP chunk (ITU-T H.273).
_SRGB_POINTS = (1, 13, 0, 1)
_SRGB_CHROMATICITIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
# Levels of 255: profiles that come so near to sRGB are its many spellings, and change nothing.
_SAME_COLOUR = 2.0
# White point, primaries and gamma of Adobe RGB (1998).
_ADOBE = ((0.3127, 0.3290), (0.64, 0.33, 0.21, 0.71, 0.15, 0.06), 563 / 256)


def read(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Read an image by its content, whatever its suffix says.

    Returns:
        (H, W, 3) uint8 or uint16, upright, in sRGB; grey is repeated, an opaque alpha channel dropped.

    Raises:
        InputError: a phrase to follow the file's name. A damaged file raises whatever its decoder raises.
    """
    with path.open("rb") as file:
        magic = file.read(8)
    if magic[1:6] == b"NUMPY" or path.suffix.lower() == ".npy":
        raise InputError(NPY)
    if magic[:4] in _TIFF:
        pixels, orientation, profile = _tiff(path)
    else:
        pixels, orientation, profile = _by_pillow(path, png=magic == _PNG)
    pixels = _in_srgb(_opaque(pixels), profile)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    return np.ascontiguousarray(turned(pixels, orientation))


def refuse_arrays(folder: Path) -> None:
    """Raise InputError, with the reason, for a folder with NumPy arrays where images are expected."""
    for path in sorted(folder.glob("*.npy")):
        raise InputError(f"{path} {NPY}")


def turned(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Rotate stored pixels upright by EXIF's orientation, 1 to 8; any other number changes nothing."""
    if orientation in {5, 6, 7, 8}:
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    return pixels


def _by_pillow(path: Path, *, png: bool) -> tuple[NDArray[Any], int, bytes | None]:
    from PIL import Image

    with Image.open(path) as image:
        _refuse_huge(image.width * image.height)
        if getattr(image, "n_frames", 1) > 1 and image.format not in {"JPEG", "MPO"}:
            raise InputError(f"holds {getattr(image, 'n_frames', 1)} images: save the one you mean by itself")
        orientation = int(image.getexif().get(_ORIENTATION, 1))
        profile = image.info.get("icc_profile")
        if png and _says_srgb(path):
            profile = None
        elif profile is None and png:
            _refuse_other_space(image)
        elif profile is None:
            profile = _exif_space(image)
        if image.mode in {"CMYK", "YCCK", "LAB", "HSV"}:
            raise InputError(f"is stored as {image.mode}: save it as RGB")
        if image.mode.startswith(("I", "F")) or (png and _png_bits(path) == 16):
            return _sixteen_bits(path), orientation, profile
        wanted = "LA" if image.mode in {"1", "L", "LA"} else "RGBA"
        if "transparency" not in image.info and image.mode in {"1", "L", "RGB", "P", "YCbCr"}:
            wanted = "L" if image.mode in {"1", "L"} else "RGB"
        return np.asarray(image.convert(wanted)), orientation, profile


def _png_bits(path: Path) -> int:
    with path.open("rb") as file:
        return file.read(25)[24]


def _says_srgb(path: Path) -> bool:
    """Whether a PNG's coding points, which override all other chunks, say sRGB; refuse any others.

    Raises:
        InputError: they say something else, as in HDR images and those in Display P3 or BT.2020.
    """
    with path.open("rb") as file:
        file.seek(len(_PNG))
        while len(head := file.read(8)) == 8:
            length, name = struct.unpack(">I4s", head)
            if name == b"cICP":
                points = tuple(file.read(4))
                if points == _SRGB_POINTS:
                    return True
                raise InputError(
                    f"has the coding points {'/'.join(map(str, points))} and so is not sRGB "
                    "(HDR, or other primaries): convert it to sRGB"
                )
            if name in {b"IDAT", b"IEND"}:
                break
            file.seek(length + 4, 1)
    return False


def _sixteen_bits(path: Path) -> NDArray[Any]:
    import imagecodecs  # Pillow reduces 16-bit colour to 8

    return np.asarray(imagecodecs.png_decode(path.read_bytes()))


def _refuse_other_space(image: Image.Image) -> None:
    """Refuse a PNG without a profile that says that its values are not sRGB."""
    if "srgb" in image.info:
        return
    gamma = image.info.get("gamma")
    if gamma and abs(gamma - _SRGB_GAMMA) > _GAMMA_STEP:
        raise InputError(f"has values with gamma {gamma:g}, not sRGB: convert it to sRGB")
    chromaticities = image.info.get("chromaticity")
    if (
        chromaticities
        and np.abs(np.array(chromaticities) - np.array(_SRGB_CHROMATICITIES) / 100000).max() > 0.01
    ):
        raise InputError("has other primaries than sRGB: convert it to sRGB")


def _exif_space(image: Image.Image) -> bytes | None:
    """Return the profile of Adobe RGB for a camera's JPEG that says so by EXIF alone."""
    exif = image.getexif()
    space = exif.get_ifd(_EXIF_FOLDER).get(_COLOUR_SPACE)
    interop = exif.get_ifd(_INTEROP_FOLDER).get(_INTEROP)
    wide = space == _ADOBE_CLOSE or (space == _UNCALIBRATED and str(interop).startswith("R03"))
    return _adobe() if wide else None


@cache
def _adobe() -> bytes:
    import imagecodecs

    white, primaries, gamma = _ADOBE
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=[*white, 1.0], primaries=primaries, gamma=gamma))


def _tiff(path: Path) -> tuple[NDArray[Any], int, bytes | None]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        whole = [page for page in file.pages if not getattr(page, "subfiletype", 0) & 1]
        if not whole:
            return np.empty((0, 0, 3), np.uint8), 1, None
        if len(whole) > 1:
            raise InputError(f"holds {len(whole)} images: save the one you mean by itself")
        page = whole[0].aspage()
        _refuse_huge(int(np.prod(page.shape[:2])) if page.shape[-1] in {3, 4} else int(np.prod(page.shape)))
        photometric = int(page.photometric)
        pixels = np.asarray(page.asarray())
        if pixels.ndim == 3 and int(page.planarconfig) == 2:
            pixels = np.moveaxis(pixels, 0, 2)
        if photometric != 3:  # a palette
            pixels = _all_levels(pixels, page.bitspersample)
        if photometric == 0:  # white is zero
            pixels = np.iinfo(pixels.dtype).max - pixels if pixels.dtype.kind == "u" else pixels
        elif photometric == 3 and page.colormap is not None:
            pixels = np.moveaxis(np.asarray(page.colormap), 0, -1)[pixels]
        elif photometric not in {1, 2} and not (photometric == 6 and page.compression in {6, 7}):
            raise InputError(f"is stored as {tifffile.PHOTOMETRIC(photometric).name}: save it as RGB")
        tag = page.tags.get(_ORIENTATION)
        profile = page.tags.get(_PROFILE)
        return pixels, int(tag.value) if tag else 1, bytes(profile.value) if profile else None


def _all_levels(pixels: NDArray[Any], bits: int) -> NDArray[Any]:
    """Spread samples of 1 to 7 bits over all of eight, of 9 to 15 over all of sixteen."""
    if pixels.dtype.kind not in "bu" or bits in {8, 16, 32, 64}:
        return pixels
    full, kind = (255, "u1") if bits < 8 else (65535, "u2")
    spread: NDArray[Any] = np.rint(pixels * (full / (2**bits - 1))).astype(kind)
    return spread


def _opaque(pixels: NDArray[Any]) -> NDArray[Any]:
    """Drop an alpha channel that is opaque everywhere, refuse any other; refuse what is not an image."""
    if pixels.dtype not in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        raise InputError(f"holds {pixels.dtype} values: save it with 8 or 16 bits")
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.ndim not in {2, 3} or channels not in {1, 2, 3, 4}:
        shape = "x".join(map(str, pixels.shape))
        raise InputError(f"is not an RGB image (its array is {shape}): save it with three channels")
    if channels in {2, 4}:
        full = np.iinfo(pixels.dtype).max
        least = int(pixels[..., -1].min(initial=full))
        if least < full:
            raise InputError(f"is transparent (alpha down to {least} of {full}): save it flattened")
        pixels = pixels[..., :-1]
    return pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels


def _in_srgb(pixels: NDArray[Any], profile: bytes | None) -> NDArray[Any]:
    """Convert by an embedded profile, relative colorimetric, unless it is sRGB's in another spelling."""
    if not profile or pixels.size == 0:
        return pixels
    try:
        kind = _profile_kind(profile)
        if (kind == b"GRAY") != (pixels.ndim == 2):
            raise InputError(
                f"has a colour profile for {kind.decode('ascii', 'replace').strip()}: convert it to sRGB"
            )
        if _is_srgb(profile):
            return pixels
        return _transformed(pixels, profile)
    except (RuntimeError, ValueError, struct.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("has a colour profile that cannot be applied: convert it to sRGB") from error


def _profile_kind(profile: bytes) -> bytes:
    (kind,) = struct.unpack_from("4s", profile, 16)
    return bytes(kind)


@cache
def _is_srgb(profile: bytes) -> bool:
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    if _profile_kind(profile) == b"GRAY":
        return _apart(_transformed(steps[None], profile), np.repeat(steps[None, :, None], 3, axis=2))
    colours = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(27, 27, 3)
    return _apart(_transformed(colours, profile), colours)


def _apart(found: NDArray[Any], wanted: NDArray[Any]) -> bool:
    return bool(np.abs(found.astype(int) - wanted).max() <= _SAME_COLOUR)


def _transformed(pixels: NDArray[Any], profile: bytes) -> NDArray[Any]:
    import imagecodecs

    return np.asarray(
        imagecodecs.cms_transform(
            np.ascontiguousarray(pixels),
            profile,
            imagecodecs.cms_profile("srgb"),
            colorspace="gray" if pixels.ndim == 2 else "rgb",
            outcolorspace="rgb",
            intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
        )
    )


def _refuse_huge(pixels: int) -> None:
    if pixels > LARGEST_PIXELS:
        raise InputError(f"has {pixels} pixels: give an image of at most {LARGEST_PIXELS}")
