"""Opens photographs to be made dark: JPEG, PNG, and TIFF of 8 or 16 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llpacknet.errors import InputError
from llpacknet.raw.dng import SMALLEST_SIDE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
LARGEST_PIXELS = 200_000_000


def find_photographs(folder: Path) -> dict[str, Path]:
    """List the photographs of a folder by their names without suffix, sorted.

    Raises:
        InputError: no such folder, no photograph in it, or two photographs with the same name.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: name one that holds photographs")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith(".") or not path.is_file():
            continue
        if path.stem in found:
            raise InputError(f"{path} and {found[path.stem].name} have the same name: rename one of them")
        found[path.stem] = path
    if not found:
        raise InputError(f"{folder} holds no photograph ({', '.join(SUFFIXES)}): name a folder that does")
    return found


def read_photograph(path: Path) -> NDArray[Any]:
    """Read (H, W, 3) uint8 or uint16, cropped to even sides; grey is repeated, transparency dropped.

    Raises:
        InputError: not a readable photograph of 8 or 16 bits, too small or too large.
    """
    try:
        picture = _decode(path)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - decoders raise whatever they like on a damaged file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"cannot read photograph {path} ({reason}): replace or remove it") from None
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    if picture.ndim != 3 or picture.shape[2] not in (3, 4) or picture.dtype not in (np.uint8, np.uint16):
        raise InputError(
            f"photograph {path} is {picture.dtype} of shape {picture.shape}: "
            "give an RGB picture of 8 or 16 bits"
        )
    height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
    if min(height, width) < SMALLEST_SIDE:
        raise InputError(
            f"photograph {path} is {width}x{height}: give one of at least {SMALLEST_SIDE} pixels a side"
        )
    return np.ascontiguousarray(picture[:height, :width, :3])


def _decode(path: Path) -> NDArray[Any]:
    if path.suffix.lower() in (".tif", ".tiff"):
        return _decode_tiff(path)
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        _refuse_huge(path, image.width * image.height)
        if image.format == "PNG":
            deep = _decode_deep_png(path)
            if deep is not None:
                return deep
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def _decode_deep_png(path: Path) -> NDArray[Any] | None:
    """PNG of 16 bits, which Pillow would reduce to 8; None for any other."""
    import imagecodecs

    with path.open("rb") as file:
        header = file.read(26)
        if header[24] != 16:
            return None
        file.seek(0)
        picture = np.asarray(imagecodecs.png_decode(file.read()))
    # Grey with transparency comes as two channels.
    return picture[..., 0] if picture.ndim == 3 and picture.shape[2] == 2 else picture


def _decode_tiff(path: Path) -> NDArray[Any]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        _refuse_huge(path, int(np.prod(page.shape[:2])))
        picture = np.asarray(page.asarray())
    if picture.ndim == 3 and picture.shape[0] in (3, 4) and picture.shape[2] not in (3, 4):
        picture = np.moveaxis(picture, 0, 2)
    return picture


def _refuse_huge(path: Path, pixels: int) -> None:
    if pixels > LARGEST_PIXELS:
        raise InputError(f"photograph {path} has {pixels} pixels: give one of at most {LARGEST_PIXELS}")
