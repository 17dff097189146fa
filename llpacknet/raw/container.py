"""What a raw file declares about itself, read before LibRaw sees the file.

LibRaw trusts sizes and offsets, which may be wrong in a damaged or hostile file, and fills missing parts of a
half-copied one with zeros. So they are checked here first, with bounds on everything: TIFF-like files (DNG,
ARW, NEF, CR2, RW2, ORF, …) entry by entry, CR3, RAF, CRW and MRW by how far they reach. Other families are
left to LibRaw, and `Container.checked` says so.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from llpacknet.errors import DataError, InputError
from llpacknet.raw import tiff
from llpacknet.raw.lengths import reach

if TYPE_CHECKING:
    from pathlib import Path

    from llpacknet.raw.tiff import Directory

# No camera records more in one frame; a header that declares more is damaged or hostile.
MAX_PIXELS = 300_000_000

# No single raw frame is larger.
MAX_BYTES = 2_000_000_000

# Why arrays are refused, a phrase to follow a file's name.
NPY = (
    "is a NumPy array, neither a raw file nor an image: the SID data shared as .npy files are 960x512 "
    "images, rendered and shrunk, not SID's raws of 2848x4256 (docs/two-sids.md): take the ARW files"
)
_NPY_MAGIC = b"\x93NUM"

_COLOUR_FILTERS = 32803
_SENSOR_DATA = (_COLOUR_FILTERS, 34892)  # photometric interpretations: colour filter array, linear raw
_UNUSED = 0xFFFFFFFF
_PANASONIC_BLOCK, _PANASONIC_PIXELS, _PANASONIC_SLACK = 16, 14, 0x8000
_PANASONIC_ENTROPY_CODED = 8
_D65 = 21


@dataclass(frozen=True)
class Container:
    """Contents of a raw file's header.

    Attributes:
        camera: DNG's UniqueCameraModel, or "".
        digest: DNG's RawImageDigest, the MD5 of all samples as 16-bit little-endian numbers, or None.
        checked: whether the header says how long the file has to be.
        black_rows: DNG's BlackLevelDeltaV, what each row of the active area adds to the black level, or ().
        black_columns: DNG's BlackLevelDeltaH, the same for columns, or ().
        corrections: whether DNG's OpcodeList1 or 2 asks for corrections of the sensor's values.
        matrix: DNG's matrix from XYZ (D65) to camera, by rows, where the white is given as chromaticity alone
            and no calibration stands between; else ().
        white_xy: whether DNG's white is given as chromaticity (AsShotWhiteXY) alone.
    """

    camera: str = ""
    digest: bytes | None = None
    checked: bool = True
    black_rows: tuple[float, ...] = ()
    black_columns: tuple[float, ...] = ()
    corrections: bool = False
    matrix: tuple[float, ...] = ()
    white_xy: bool = False


def inspect(path: Path) -> Container:
    """Check that a file is a plain, readable one and that its header keeps to what it holds.

    Raises:
        InputError: there is no such file, it is a folder or a device, it is empty or unreadable, its header
            points outside it, its image data are cut short, or it declares an absurd size.
    """
    size = _plain_size(path)
    try:
        with path.open("rb") as file:
            if path.suffix.lower() == ".npy" or file.read(4) == _NPY_MAGIC:
                raise DataError(f"{path} {NPY}")
            file.seek(0)
            directories = tiff.Reader(file, size, path).directories()
            file.seek(0)
            magic = file.read(4)
            known = bool(directories) or _check_reach(file, size, path)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): allow reading it (chmod u+r) or repair the disk"
        ) from error
    _check_images(directories, magic, size, path)
    return _described(directories, known)


def _described(directories: list[Directory], known: bool) -> Container:
    first = directories[0] if directories else {}
    sensor = next((one for one in directories if one.get(tiff.PHOTOMETRIC) == (_COLOUR_FILTERS,)), first)
    digest = tiff.bytes_of(first.get(tiff.DIGEST, ()))
    camera = tiff.bytes_of(first.get(tiff.CAMERA, ())).split(b"\0")[0].decode("ascii", "replace")
    white_xy = tiff.WHITE_XY in first and tiff.NEUTRAL not in first
    return Container(
        camera,
        digest if len(digest) == 16 else None,
        known,
        sensor.get(tiff.BLACK_ROWS, ()),
        sensor.get(tiff.BLACK_COLUMNS, ()),
        any(len(sensor.get(tag, ())) > 4 for tag in (tiff.BEFORE_LINEAR, tiff.BEFORE_COLOUR)),
        _daylight_matrix(first) if white_xy else (),
        white_xy,
    )


def _daylight_matrix(first: Directory) -> tuple[float, ...]:
    if any(tag in first for tag in (tiff.BALANCE, tiff.CALIBRATION_1, tiff.CALIBRATION_2)):
        return ()
    for illuminant, matrix in (
        (tiff.ILLUMINANT_2, tiff.MATRIX_2),
        (tiff.ILLUMINANT_1, tiff.MATRIX_1),
    ):
        if first.get(illuminant) == (_D65,) and len(first.get(matrix, ())) == 9:
            return first[matrix]
    return ()


def _plain_size(path: Path) -> int:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise DataError(f"there is no file {path}: check the name") from None
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): check the name and its permissions"
        ) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device"
        raise DataError(f"{path} is {kind}, not a raw file: remove it or give the file itself")
    if status.st_size == 0:
        raise DataError(f"{path} is empty: copy it again from its source")
    if status.st_size > MAX_BYTES:
        raise DataError(
            f"{path} has {status.st_size / 1e9:.1f} GB, more than any raw frame: give the raw file itself"
        )
    return status.st_size


def _check_reach(file: BinaryIO, size: int, path: Path) -> bool:
    """Refuse a file that is not a TIFF and ends before it should; False if nothing tells."""
    needed = reach(file, size)
    if needed is not None and needed > size:
        raise _cut(path, size, needed)
    return needed is not None


def _check_images(directories: list[Directory], magic: bytes, size: int, path: Path) -> None:
    """Check where pixels lie: of what is marked as the sensor's data, or of everything where nothing is."""
    sensor = [one for one in directories if one.get(tiff.PHOTOMETRIC, (0,))[0] in _SENSOR_DATA]
    for directory in sensor or directories:
        _check_end(directory, size, path)
    for directory in sensor if magic in tiff.TIFF else ():
        _check_image(directory, path)
    if magic == tiff.PANASONIC:
        _check_panasonic(directories[0], size, path)


def _check_end(directory: Directory, size: int, path: Path) -> None:
    offsets, counts = _pieces(directory)
    ends = [int(a + b) for a, b in zip(offsets, counts, strict=False) if a != _UNUSED]
    if max(ends, default=0) > size:
        raise _cut(path, size, max(ends))


def _check_image(directory: Directory, path: Path) -> None:
    """Sides, and enough data if they are not compressed."""
    width, height = tiff.whole_number(directory, tiff.WIDTH, 0), tiff.whole_number(directory, tiff.HEIGHT, 0)
    if min(width, height) <= 0 or width * height > MAX_PIXELS:
        raise DataError(f"{path} declares a frame of {height}x{width} pixels: it is damaged, copy it again")
    offsets, counts = _pieces(directory)
    bits = tiff.whole_number(directory, tiff.BITS, 16) * tiff.whole_number(directory, tiff.SAMPLES, 1)
    plain = tiff.whole_number(directory, tiff.COMPRESSION, 1) == 1
    if len(offsets) != len(counts) or (plain and sum(counts) < width * height * bits // 8):
        raise DataError(f"{path} holds less data than the {height}x{width} pixels it declares: copy it again")


def _pieces(directory: Directory) -> tuple[tuple[float, ...], tuple[float, ...]]:
    offsets = directory.get(tiff.STRIPS) or directory.get(tiff.TILES) or ()
    return offsets, directory.get(tiff.STRIP_BYTES) or directory.get(tiff.TILE_BYTES) or ()


def _check_panasonic(directory: Directory, size: int, path: Path) -> None:
    """RW2 tells where the sensor's data begin, not how long they are; they end the file.

    Of its formats the densest of a fixed length puts 14 pixels into 16 bytes; the newest is entropy-coded,
    and can be held only to one bit a pixel.
    """
    sides = [tiff.whole_number(directory, tag, 0) for tag in (tiff.SENSOR_HEIGHT, tiff.SENSOR_WIDTH)]
    begin = tiff.whole_number(directory, tiff.PANASONIC_DATA, 0)
    if min(sides) <= 0 or sides[0] * sides[1] > MAX_PIXELS:
        raise DataError(
            f"{path} declares a frame of {sides[0]}x{sides[1]} pixels: it is damaged, copy it again"
        )
    pixels = sides[0] * sides[1]
    fixed = tiff.whole_number(directory, tiff.PANASONIC_FORMAT, 0) < _PANASONIC_ENTROPY_CODED
    length = pixels * _PANASONIC_BLOCK // _PANASONIC_PIXELS if fixed else pixels // 8
    if begin + length > size + _PANASONIC_SLACK:  # the last block of the file may be short
        raise _cut(path, size, begin + length)


def _cut(path: Path, size: int, needed: int) -> InputError:
    return InputError(f"{path} is cut short: {size} of at least {needed} bytes are present, copy it again")
