"""Measures how far two exposures of a scene are shifted, by phase correlation of the green plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from skimage.registration import phase_cross_correlation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llpacknet.raw.frame import RawFrame

# Both halves of the image must agree to this: otherwise noise moved the peak, and nothing was measured.
BELIEVABLE_PX = 3.0

_SMALLEST_SIDE = 64
_PARTS_OF_A_PIXEL = 10


def outline(frame: RawFrame, gain: float) -> tuple[NDArray[np.float64], int]:
    """Green plane, amplified, clipped at white, averaged over blocks and compressed by a square root.

    Returns:
        (h, w) float64 in [0, 1], and how many mosaic pixels one of its pixels spans (8 at full resolution).
    """
    normalised = frame.normalised()
    green = (normalised[0::2, 1::2] + normalised[1::2, 0::2]) / 2
    block = int(np.clip(min(green.shape) // _SMALLEST_SIDE, 1, 4))
    height, width = (side - side % block for side in green.shape)
    blocks = green[:height, :width].reshape(height // block, block, width // block, block)
    amplified = np.clip(blocks.mean((1, 3), dtype=np.float64) * gain, 0, 1)
    return np.sqrt(amplified), 2 * block


def measure_shift(
    long: NDArray[np.float64], short: NDArray[np.float64], scale: int
) -> tuple[float, float] | None:
    """Rows and columns, in mosaic pixels, by which the short exposure's content lies further down and right.

    Good to about a mosaic pixel where the short frame shows anything, none where its two halves disagree.

    Args:
        long: the long exposure's outline.
        short: the short exposure's outline, of the same shape.
        scale: mosaic pixels in one of theirs.
    """
    middle = long.shape[1] // 2
    halves = [_shift(long[:, part], short[:, part]) for part in (slice(middle), slice(middle, None))]
    if np.abs(halves[0] - halves[1]).max() * scale > BELIEVABLE_PX:
        return None
    down, right = _shift(long, short) * scale
    return float(down), float(right)


def _shift(long: NDArray[np.float64], short: NDArray[np.float64]) -> NDArray[np.float64]:
    # Without spectral normalisation: it would lift the noise of a dark frame to the height of its image.
    found, _, _ = phase_cross_correlation(  # type: ignore[no-untyped-call]
        _windowed(short), _windowed(long), upsample_factor=_PARTS_OF_A_PIXEL, normalization=None
    )
    return np.asarray(found, np.float64)


def _windowed(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Subtract the mean and fade to the edges, which otherwise correlate with themselves at no shift."""
    height, width = image.shape
    faded: NDArray[np.float64] = (image - image.mean()) * np.hanning(height)[:, None] * np.hanning(width)
    return faded
