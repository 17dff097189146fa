"""LibRaw's own image of a raw file: the published protocols' truth, and the control that restores nothing.

The orientation is the mosaic's own, so that truth and restoration match pixel by pixel; SID's files need no
rotation.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rawpy

from llpacknet.errors import InputError
from llpacknet.raw.dng import write_dng
from llpacknet.raw.read import open_raw, rggb_window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llpacknet.raw.frame import RawFrame

# What SID and every later protocol pass to rawpy's postprocess for a long exposure, and no turning.
ARGUMENTS: dict[str, Any] = {
    "use_camera_wb": True,
    "half_size": False,
    "no_auto_bright": True,
    "output_bps": 16,
    "user_flip": 0,
}


def render(path: Path) -> NDArray[np.uint16]:
    """Render a raw file as the published protocols render the truth, LibRaw's brightening included.

    Returns:
        (H, W, 3) uint16, sRGB primaries and BT.709 tone curve, the same window and orientation as `read_raw`.

    Raises:
        InputError: like `read_raw`.
    """
    path = Path(path)
    with open_raw(path) as raw:
        rows, columns = rggb_window(raw, path)
        image = np.asarray(raw.postprocess(**ARGUMENTS), np.uint16)
        if image.shape[:2] != raw.raw_image_visible.shape:
            raise InputError(f"{path} renders to {image.shape[:2]}, not to its mosaic's size: unusable here")
    return np.ascontiguousarray(image[rows, columns])


def render_frame(frame: RawFrame, gain: float = 1.0) -> NDArray[np.uint16]:
    """Render a frame whose digital numbers above black are multiplied by a gain and clipped at white.

    The same pipeline as `render`, through a DNG in memory that carries the frame's own white balance and
    colour matrix. LibRaw's brightening is off: the image's level follows from the gain alone.

    Returns:
        (H, W, 3) uint16.

    Raises:
        InputError: the gain is not a positive number, or LibRaw refuses the frame (sides below 22).
    """
    if not (np.isfinite(gain) and gain > 0):
        raise InputError(f"gain {gain} cannot be applied: give a positive number")
    stream = BytesIO()
    write_dng(
        stream,
        _amplified(frame, gain),
        black=frame.black,
        white=frame.white,
        white_balance=frame.white_balance[[0, 1, 3]],
        xyz_to_camera=frame.xyz_to_camera,
        compress=False,
    )
    stream.seek(0)
    with rawpy.imread(stream) as raw:
        return np.asarray(raw.postprocess(**ARGUMENTS, adjust_maximum_thr=0.0), np.uint16)


def _amplified(frame: RawFrame, gain: float) -> NDArray[np.uint16]:
    """Return black + gain * (raw - black), between 0 and white, (H, W) uint16."""
    amplified = np.empty_like(frame.mosaic)
    for index, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        black = frame.black[index]
        plane = frame.mosaic[row::2, column::2].astype(np.float32)
        plane = np.rint(black + np.float32(gain) * (plane - np.float32(black)))
        amplified[row::2, column::2] = np.clip(plane, 0, frame.white).astype(np.uint16)
    return amplified
