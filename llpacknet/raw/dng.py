"""Write a Bayer mosaic as a DNG file that LibRaw and other readers read back exactly."""

from __future__ import annotations

import hashlib
import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import imagecodecs
import numpy as np
import tifffile

from llpacknet.errors import DataError
from llpacknet.whole import whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

# XYZ (D65) to camera RGB of the Sony A7S II, the camera of SID's Sony set.
A7S2_XYZ_TO_CAMERA: NDArray[np.float64] = (
    np.array([[5838, -1430, -246], [-3497, 11477, 2297], [-748, 1885, 5778]], np.float64) / 10000
)

# What a written file names as its camera, so that nobody takes it for a photograph.
CAMERA = "Synthetic A7S II model (llbench)"

# LibRaw takes a file with fewer rows or columns for something other than a raw photograph.
SMALLEST_SIDE = 22

_COLOURS = {"R": 0, "G": 1, "B": 2}
_SHORT, _LONG, _RATIONAL, _SRATIONAL, _BYTE, _ASCII = 3, 4, 5, 10, 1, 2
_LOSSLESS_JPEG = 7
Tag = tuple[int, int, int, object, bool]


def write_dng(
    target: str | os.PathLike[str] | BinaryIO,
    mosaic: NDArray[np.uint16],
    *,
    black: float | Sequence[float] | NDArray[np.float64] = 512,
    white: int = 16383,
    white_balance: ArrayLike = (2.09, 1.0, 2.43),
    xyz_to_camera: ArrayLike = A7S2_XYZ_TO_CAMERA,
    pattern: str = "RGGB",
    compress: bool = True,
    description: str = "",
    exposure_s: float | None = None,
    iso: int | None = None,
    orientation: int = 1,
    taken: str | None = None,
) -> None:
    """Write one raw frame; the same arguments always give the same bytes.

    A file appears under its name only when it is complete. Compressed frames hold one lossless-JPEG strip
    (about 6 MB for a dark frame of 2848x4256 and 11 MB for a bright one, instead of 24 MB).

    Args:
        target: a file name, or a binary stream to write to.
        mosaic: (H, W) uint16 digital numbers, H and W even.
        black: black level in digital numbers: one, or one per pixel of the 2x2 pattern in row order.
        white: saturation level in digital numbers.
        white_balance: multipliers of R, G, B; the file stores their inverse (AsShotNeutral).
        xyz_to_camera: (3, 3), XYZ (D65) to camera RGB (ColorMatrix1).
        pattern: colours of the 2x2 pattern in row order, as "RGGB".
        compress: lossless JPEG, or plain 16-bit numbers.
        description: free text for ImageDescription; characters outside ASCII are escaped.
        exposure_s: exposure time in seconds (ExposureTime).
        iso: ISO speed (PhotographicSensitivity).
        orientation: TIFF's orientation code, 1 for upright.
        taken: local time of the exposure as EXIF writes it, "2020:11:07 21:30:00".

    Raises:
        InputError: the mosaic is not two-dimensional uint16 with even sides of at least 22 pixels (LibRaw
            opens nothing smaller).
    """
    good = mosaic.ndim == 2 and mosaic.dtype == np.uint16
    if not good or any(side % 2 or side < SMALLEST_SIDE for side in mosaic.shape):
        raise DataError(
            f"a mosaic of shape {mosaic.shape} and type {mosaic.dtype} cannot be written as DNG: "
            f"give a two-dimensional uint16 array with even sides of at least {SMALLEST_SIDE}"
        )
    tags: list[Tag] = [
        (271, _ASCII, 0, "llbench", True),  # Make
        (272, _ASCII, 0, "Synthetic ILCE-7SM2", True),  # Model
        (50708, _ASCII, 0, CAMERA, True),  # UniqueCameraModel
        *mosaic_tags(black, white, white_balance, xyz_to_camera, pattern),
        *_capture_tags(exposure_s, iso, orientation, taken),
        (50972, _BYTE, 16, sample_digest(mosaic), True),
    ]
    stream = BytesIO()
    write_mosaic(stream, mosaic, tags, compress=compress, description=description)
    if isinstance(target, str | os.PathLike):
        with whole(Path(target)) as partial:
            partial.write_bytes(stream.getbuffer())
    else:
        target.write(stream.getbuffer())


def sample_digest(mosaic: NDArray[np.uint16]) -> bytes:
    """MD5 of all samples as little-endian uint16: DNG's RawImageDigest, which reveals damage on reading."""
    samples = np.ascontiguousarray(mosaic, "<u2")
    return hashlib.md5(samples.data, usedforsecurity=False).digest()


def write_mosaic(
    stream: BinaryIO,
    mosaic: NDArray[np.uint16],
    tags: list[Tag],
    *,
    compress: bool = True,
    description: str = "",
) -> None:
    """Write a mosaic (H, W) as the one image of a TIFF file, with these tags; arguments as of `write_dng`."""
    height, width = mosaic.shape
    escaped = description.encode("ascii", "backslashreplace").decode("ascii")
    bits = 14 if compress and int(mosaic.max(initial=0)) < 1 << 14 else 16
    with tifffile.TiffWriter(stream, byteorder="<") as tiff:
        tiff.write(
            iter([_lossless_jpeg(mosaic, bits)]) if compress else mosaic,
            bitspersample=bits,
            shape=(height, width),
            dtype=np.uint16,
            photometric="cfa",
            compression=_LOSSLESS_JPEG if compress else None,
            rowsperstrip=height,
            software="llbench",
            description=escaped or None,
            metadata=None,
            subfiletype=0,
            extratags=tags,
        )


def _lossless_jpeg(mosaic: NDArray[np.uint16], bits: int) -> bytes:
    """One strip; two mosaic rows make one row of the JPEG, so that a pixel is predicted from its own colour.

    The coder predicts from the row above: laid out in pairs of rows, that is the same colour two rows up.
    DNG readers take the samples in order and do not care where the JPEG's rows end (DNG 1.4, chapter 3,
    compression). It halves the size of a bright frame.
    """
    height, width = mosaic.shape
    pairs = np.ascontiguousarray(mosaic).reshape(height // 2, 2 * width)
    return bytes(imagecodecs.ljpeg_encode(pairs, bitspersample=bits))


def mosaic_tags(
    black: float | Sequence[float] | NDArray[np.float64],
    white: int,
    white_balance: ArrayLike,
    xyz_to_camera: ArrayLike,
    pattern: str,
) -> list[Tag]:
    """Tags of a Bayer mosaic: its pattern, levels and colours; arguments as of `write_dng`."""
    blacks = np.broadcast_to(np.asarray(black, np.float64), (4,))
    neutral = 1 / np.asarray(white_balance, np.float64)
    matrix = np.asarray(xyz_to_camera, np.float64).reshape(9)
    return [
        (33421, _SHORT, 2, (2, 2), True),  # CFARepeatPatternDim
        (33422, _BYTE, 4, bytes(_COLOURS[colour] for colour in pattern), True),  # CFAPattern
        (50706, _BYTE, 4, bytes((1, 4, 0, 0)), True),  # DNGVersion
        (50707, _BYTE, 4, bytes((1, 1, 0, 0)), True),  # DNGBackwardVersion
        (50710, _BYTE, 3, bytes((0, 1, 2)), True),  # CFAPlaneColor
        (50711, _SHORT, 1, 1, True),  # CFALayout: rectangular
        (50713, _SHORT, 2, (2, 2), True),  # BlackLevelRepeatDim
        (50714, _RATIONAL, 4, fractions(blacks, 1000), True),  # BlackLevel
        (50717, _LONG, 1, int(white), True),  # WhiteLevel
        (50721, _SRATIONAL, 9, fractions(matrix, 10000), True),  # ColorMatrix1
        (50728, _RATIONAL, 3, fractions(neutral, 10_000_000), True),  # AsShotNeutral
        (50778, _SHORT, 1, 21, True),  # CalibrationIlluminant1: D65
    ]


def _capture_tags(
    exposure_s: float | None, iso: int | None, orientation: int, taken: str | None
) -> list[Tag]:
    tags: list[Tag] = [(274, _SHORT, 1, orientation, True)]
    if taken is not None:
        tags.append((36867, _ASCII, 0, taken, True))  # DateTimeOriginal
    if exposure_s is not None:
        tags.append((33434, _RATIONAL, 1, fractions(np.array([exposure_s]), 1_000_000), True))
    if iso is not None:
        tags.append((34855, _SHORT, 1, min(iso, 65535), True))
    return tags


def fractions(values: NDArray[np.float64], denominator: int) -> tuple[int, ...]:
    """Write numbers as TIFF's rationals: numerator and denominator in turn."""
    return tuple(int(part) for value in values for part in (round(float(value) * denominator), denominator))
