"""Reads a raw photograph into a Bayer frame whose first pixel is red."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rawpy

from llpacknet.errors import DataError
from llpacknet.raw.black import masked_level
from llpacknet.raw.container import Container, inspect
from llpacknet.raw.dng import CAMERA, sample_digest
from llpacknet.raw.frame import RawFrame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Linear sRGB to XYZ (D65).
SRGB_TO_XYZ: NDArray[np.float64] = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)

# Saturation of Sony's 14-bit files as every published protocol on SID takes it. LibRaw instead names the
# end of the tone curve stored in the file, which for compressed ARW (17220) no pixel can reach.
SONY_WHITE = 16383

# LibRaw's codes for a frame that is upright, or becomes so by quarter turns.
UPRIGHT_FLIPS = (0, 3, 5, 6)


def read_raw(path: Path) -> RawFrame:
    """Read any Bayer raw file that LibRaw opens; phases other than RGGB lose a row or column at each side.

    Returns:
        The visible frame: (H, W) uint16 with even sides, black levels, white level, white balance and colour.

    Raises:
        InputError: no such file, not a raw photograph, cut short, damaged, X-Trans, monochrome, more than
            three colours, or an odd number of rows or columns.
    """
    path = Path(path)
    with open_raw(path) as raw:
        return frame_of(raw, path)


@contextmanager
def open_raw(path: Path) -> Iterator[Any]:
    """Open a raw file in rawpy after checking its header; LibRaw's errors become InputErrors."""
    container = inspect(path)
    try:
        with _opened(path) as raw:
            if container.camera == CAMERA and container.digest is not None:
                _check_digest(raw, container.digest, path)
            yield raw
    except rawpy.LibRawFileUnsupportedError as error:
        raise DataError(
            f"{path} is not a raw photograph that LibRaw knows: give a camera's own file (ARW, CR2, CR3, "
            "NEF, ORF, RW2, …) or a DNG"
        ) from error
    except (rawpy.LibRawError, rawpy.NotSupportedError, MemoryError) as error:
        said = error.args[0] if error.args else error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise DataError(
            f"{path} cannot be decoded (LibRaw: {text}): copy it again from its source"
        ) from error


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        str(path).encode()
    except UnicodeEncodeError:  # rawpy takes a name in UTF-8 alone, but any open file
        with path.open("rb") as file, rawpy.imread(file) as raw:
            yield raw
        return
    with rawpy.imread(str(path)) as raw:
        yield raw


def frame_of(raw: Any, path: Path) -> RawFrame:
    """Copy an open raw file's visible frame in RGGB phase; raises like `read_raw`."""
    container = inspect(path)
    rows, columns = rggb_window(raw, path)
    indices = _colour_indices(raw)[np.ix_(_phase(rows), _phase(columns))].ravel()
    xyz_to_camera, matrix_note = _xyz_to_camera(raw, container)
    balance, balance_note = _white_balance(raw)
    if container.white_xy:  # of which LibRaw makes the multipliers that it calls daylight's
        balance_note = []
    mosaic, black_note = _level(np.array(raw.raw_image_visible), container)
    black = np.array([raw.black_level_per_channel[index] for index in indices], np.float64)
    white = _white(raw, path)
    if white <= black.max():
        raise DataError(f"{path} declares white {white} at or below black {black.max():g}: copy it again")
    return RawFrame(
        mosaic=np.array(mosaic[rows, columns], order="C"),
        black=black,
        white=white,
        white_balance=balance[indices],
        color_matrix=color_matrix(xyz_to_camera),
        xyz_to_camera=xyz_to_camera,
        path=path,
        flip=int(raw.sizes.flip),
        notes=(*balance_note, *matrix_note, *black_note, *_other_notes(raw, container)),
        masked=masked_level(raw.raw_image, raw.sizes.top_margin, raw.sizes.left_margin, float(black.mean())),
    )


def rggb_window(raw: Any, path: Path) -> tuple[slice, slice]:
    """Rows and columns of the visible frame that begin at a red pixel, an even number of each.

    LibRaw makes odd margins even by hiding one more row or column; what this leaves over is dropped too.

    Raises:
        InputError: the sensor has no Bayer pattern, or the frame an odd side.
    """
    pattern = bayer_pattern(raw, path)
    height, width = raw.raw_image_visible.shape
    if (height % 2 and not raw.sizes.top_margin) or (width % 2 and not raw.sizes.left_margin):
        raise DataError(f"{path} has an odd-sized mosaic of {height}x{width}: crop it to even sides")
    down, right = divmod(pattern.index("R"), 2)
    return slice(down, height - (height - down) % 2), slice(right, width - (width - right) % 2)


def bayer_pattern(raw: Any, path: Path) -> str:
    """Colours of the visible frame's first 2x2 pixels in row order, as "RGGB".

    Raises:
        InputError: the sensor has no Bayer pattern.
    """
    if raw.raw_type != rawpy.RawType.Flat or raw.raw_pattern is None or raw.num_colors == 1:
        raise DataError(
            f"{path} has no Bayer pattern (monochrome, Foveon or already demosaicked): unusable here"
        )
    if raw.raw_pattern.shape != (2, 2):
        side = raw.raw_pattern.shape[0]
        raise DataError(
            f"{path} has a {side}x{side} colour pattern (X-Trans): only Bayer raws can be restored"
        )
    pattern = "".join(chr(raw.color_desc[index]) for index in _colour_indices(raw).ravel())
    if pattern not in {"RGGB", "GRBG", "GBRG", "BGGR"}:
        raise DataError(f"{path} has the colour pattern {pattern}, not one of Bayer's: unusable here")
    return pattern


def color_matrix(xyz_to_camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """White-balanced camera RGB to linear sRGB, (3, 3), rows summing to 1, derived as LibRaw does."""
    srgb_to_camera = xyz_to_camera @ SRGB_TO_XYZ
    inverse: NDArray[np.float64] = np.linalg.inv(srgb_to_camera / srgb_to_camera.sum(1, keepdims=True))
    return inverse


def _colour_indices(raw: Any) -> NDArray[np.intp]:
    """LibRaw's colour index of the visible frame's first 2x2 pixels, in place."""
    top, left = raw.sizes.top_margin, raw.sizes.left_margin
    return np.array(
        [[raw.raw_color(top + row, left + column) for column in (0, 1)] for row in (0, 1)], np.intp
    )


def _phase(window: slice) -> list[int]:
    """Which of the visible frame's two rows (columns) the window's first two are."""
    return [window.start % 2, (window.start + 1) % 2]


def _white(raw: Any, path: Path) -> int:
    white = int(raw.white_level)
    near = abs(white - SONY_WHITE) < SONY_WHITE // 10
    return SONY_WHITE if near and path.suffix.lower() == ".arw" else white


def _white_balance(raw: Any) -> tuple[NDArray[np.float64], list[str]]:
    """Multipliers by colour index (4,), green 1: as the camera chose, else for daylight, else none."""
    said = ["records no white balance: daylight is assumed", "records no white balance: none is applied"]
    for levels, note in (
        (raw.camera_whitebalance, []),
        (raw.daylight_whitebalance, said[:1]),
    ):
        balance = np.array(levels, np.float64)
        if np.isfinite(balance).all() and (balance[:3] > 0).all():
            balance[3] = balance[3] if balance[3] > 0 else balance[1]
            balance /= balance[1]
            return balance, note
    return np.ones(4), said[1:]


def _xyz_to_camera(raw: Any, container: Container) -> tuple[NDArray[np.float64], list[str]]:
    """(3, 3): from LibRaw's table of cameras; for DNG from its camera-to-sRGB matrix, turned back.

    LibRaw derives another matrix where a DNG gives its white as chromaticity; the file's own is used then.
    """
    table = np.array(container.matrix or np.ravel(raw.rgb_xyz_matrix[:3]), np.float64).reshape(3, 3)
    if _usable(table):
        return table, []
    to_srgb = np.array(raw.color_matrix[:, :3], np.float64)
    known = _usable(to_srgb)
    if not known:
        to_srgb = np.eye(3)
    daylight = np.array(raw.daylight_whitebalance[:3], np.float64)
    scale = np.diag(1 / daylight) if (daylight > 0).all() else np.eye(3)
    restored: NDArray[np.float64] = scale @ np.linalg.inv(to_srgb) @ np.linalg.inv(SRGB_TO_XYZ)
    return restored, [] if known else ["has no colour matrix: its colours are assumed to be sRGB"]


def _level(mosaic: NDArray[np.uint16], container: Container) -> tuple[NDArray[np.uint16], list[str]]:
    """Take away what a black level that varies over rows or columns has beside its mean, to whole numbers.

    LibRaw, whose black level is subtracted later, knows the mean alone.
    """
    notes = []
    offset = np.zeros((1, 1))
    for deltas, axis, name in (
        (container.black_rows, 0, "rows"),
        (container.black_columns, 1, "columns"),
    ):
        if not deltas or max(deltas) - min(deltas) < 1:
            continue
        if len(deltas) == mosaic.shape[axis]:
            apart = np.array(deltas) - np.floor(np.mean(deltas) + 0.5)
            offset = offset + (apart[:, None] if axis == 0 else apart[None])
        else:
            notes.append(
                f"has a black level that varies by {max(deltas) - min(deltas):.3g} over its {name}, of which "
                "the mean is subtracted"
            )
    if not offset.any():
        return mosaic, notes
    return np.clip(mosaic - np.rint(offset), 0, 65535).astype(np.uint16), notes


def _other_notes(raw: Any, container: Container) -> list[str]:
    """List what the file asks for that is not done, and what cannot be checked."""
    notes = []
    if container.corrections:
        notes.append("asks for corrections of sensor values (OpcodeList), which are not applied")
    aspect = float(getattr(raw.sizes, "pixel_aspect", 1.0) or 1.0)
    if abs(aspect - 1) > 0.01:
        notes.append(f"has pixels {aspect:.3g} times as high as wide, which are not resampled")
    if int(raw.sizes.flip) not in UPRIGHT_FLIPS:
        notes.append(f"is stored mirrored (LibRaw's flip {int(raw.sizes.flip)}), and is left so")
    if not container.checked:
        notes.append(
            "has a header that does not say how long the file should be: a truncated copy would not be "
            "noticed"
        )
    return notes


def _usable(matrix: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(matrix).all() and abs(np.linalg.det(matrix)) > 1e-6)


def _check_digest(raw: Any, expected: bytes, path: Path) -> None:
    if sample_digest(raw.raw_image) != expected:
        raise DataError(
            f"{path} is damaged: its pixels do not match the digest inside it; copy or create it again"
        )
