"""How far a restored image's colours are from LibRaw's own rendering of the same frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from llpacknet.raw.render import render_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llpacknet.raw.frame import RawFrame

# Side of the squares that are averaged: noise of a dark frame is no difference of colour.
BLOCK = 16
SMALLEST_SIDE = 24 * BLOCK
_WHITE = 65535
# An image is black if no more than this share of its values lies above this share of white (8 of 255).
BLACK_LEVEL, BLACK_SHARE = 8.5 / 255, 0.001
_LIGHTNESS_IGNORED = 1e9


@dataclass(frozen=True)
class Difference:
    """Mean CIEDE2000 over squares of a frame.

    Attributes:
        whole: lightness included.
        colour: of hue and chroma alone.
    """

    whole: float
    colour: float


def load() -> None:
    """Import what `difference` needs, which takes a fifth of a second, while something else is waited for."""
    from skimage.color import deltaE_ciede2000, rgb2lab  # noqa: F401


def black(image: NDArray[Any]) -> bool:
    """Whether an image, uint8 or uint16, shows nothing: 99.9 % of its values are at most 3 % of white."""
    level = int(BLACK_LEVEL * np.iinfo(image.dtype).max)
    return bool(np.count_nonzero(image > level) <= BLACK_SHARE * image.size)


def difference(frame: RawFrame, gain: float, image: NDArray[Any]) -> Difference | None:
    """Compare an image with rawpy's rendering of the frame, amplified by the same gain.

    Both are averaged over squares of 16x16 pixels: the raw before it is rendered (as shot white balance and
    the camera's own matrix, no brightening), the image after it was restored.

    Args:
        frame: the raw frame.
        gain: what its mosaic was multiplied by.
        image: (H, W, 3) uint8 or uint16, in the frame's own orientation.

    Returns:
        None for a frame of fewer than 384 pixels per side, which leaves too few squares to render, and where
        rawpy's rendering is black, which resembles any dark image.
    """
    from skimage.color import deltaE_ciede2000, rgb2lab  # no image waits for it, see `load`

    if min(frame.mosaic.shape) < SMALLEST_SIDE:
        return None
    reference = render_frame(_averaged(frame, gain))
    if black(reference):
        return None
    rendered = reference.astype(np.float64) / _WHITE
    # Demosaicking at the edge of so small a frame knows half of the neighbours.
    theirs = rgb2lab(rendered.reshape(rendered.shape[0] // 2, 2, -1, 2, 3).mean(axis=(1, 3))[1:-1, 1:-1])
    ours = rgb2lab(_blocks(image)[1:-1, 1:-1])
    ciede2000: Any = deltaE_ciede2000
    return Difference(
        float(ciede2000(theirs, ours).mean()), float(ciede2000(theirs, ours, kL=_LIGHTNESS_IGNORED).mean())
    )


def _averaged(frame: RawFrame, gain: float) -> RawFrame:
    """Average each colour over a square, amplified: a small frame from 0 to 65535."""
    height, width = (side // BLOCK * BLOCK for side in frame.mosaic.shape)
    small = np.empty((height // BLOCK * 2, width // BLOCK * 2), np.uint16)
    for index, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        plane = frame.mosaic[row:height:2, column:width:2]
        half = BLOCK // 2
        mean = _sums(plane.reshape(height // BLOCK, half, width // BLOCK, half)) / half**2
        light = (mean - frame.black[index]) / (frame.white - frame.black[index]) * gain
        small[row::2, column::2] = np.rint(np.clip(light, 0, 1) * _WHITE)
    return replace(frame, mosaic=small, black=np.zeros(4), white=_WHITE, path=None, flip=0)


def _blocks(image: NDArray[Any]) -> NDArray[np.float64]:
    """Means over squares, (H/16, W/16, 3) in [0, 1]."""
    height, width = (side // BLOCK for side in image.shape[:2])
    part = image[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK, 3)
    return _sums(part) / (BLOCK**2 * np.iinfo(image.dtype).max)


def _sums(part: NDArray[Any]) -> NDArray[np.float64]:
    """Sum integers over axes 1 and 3: first over whole rows, which is many times as fast as both at once."""
    rows = part.sum(axis=1, dtype=np.uint32)
    total: NDArray[np.float64] = rows.sum(axis=2, dtype=np.float64)
    return total
