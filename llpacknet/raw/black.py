"""Estimate a frame's own black level, which cameras keep constant only to about one digital number.

A dark frame of SID has a mean level of 1 to 28 digital numbers, so that an error of the black level is a
large part of it; a gain of 100 to 300 turns it into haze, or removes the shadows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llpacknet.raw.frame import RawFrame

# Side of the blocks that are compared, in pixels; in small frames less, so that there are enough of them.
BLOCK = 32
# The share of blocks that is taken for the darkest.
DARKEST = 0.01
# What lies above black by more than this share of a pixel's noise is light, not an error of the black level.
LARGEST_RISE = 0.5

# Masked pixels beside the visible ones may catch light, and the outermost ones their own faults.
_EDGE = 8
_FEWEST_COLUMNS, _FEWEST_ROWS = 32, 24

Source = Literal["optical black", "darkest pixels"]


@dataclass(frozen=True)
class Drift:
    """Difference between a frame's actual black level and the one its file states.

    Attributes:
        dn: digital numbers, positive where black lies higher; None if even the darkest pixels hold light.
        source: what it was estimated from.
    """

    dn: float | None
    source: Source


def black_drift(frame: RawFrame) -> Drift:
    """Estimate the error of a frame's black level from masked pixels, else from the darkest visible ones.

    The darkest hundredth of the frame's blocks is chosen by two rows of every four and measured on the other
    two, so that noise does not choose what it is measured by; then the other way round. On a full frame of
    SID noise moves the result by a hundredth of a digital number. What light the darkest blocks hold counts
    as black: the result is an upper bound, and good as far as a hundredth of the frame is dark.
    """
    if frame.masked is not None:
        return Drift(frame.masked, "optical black")
    above = _above(frame)
    found, noise = _darkest(above)
    return Drift(found if found <= LARGEST_RISE * noise else None, "darkest pixels")


def with_own_black(frame: RawFrame) -> tuple[RawFrame, Drift]:
    """Give a frame the black level that `black_drift` estimates, for all four planes alike."""
    drift = black_drift(frame)
    return (replace(frame, black=frame.black + drift.dn) if drift.dn else frame), drift


def masked_level(whole: NDArray[np.uint16], top: int, left: int, black: float) -> float | None:
    """Mean of a sensor's masked pixels above the black level that a file states; None if it has none.

    Args:
        whole: (H, W) every pixel of the file, masked ones too.
        top: rows above the visible frame.
        left: columns left of it.
        black: the stated black level, the mean of its planes.
    """
    if left >= _FEWEST_COLUMNS:
        margin: NDArray[Any] = whole[top:, _EDGE : left - _EDGE]
    elif top >= _FEWEST_ROWS:
        margin = whole[_EDGE : top - _EDGE, left:]
    else:
        return None
    middle = float(np.median(margin))
    spread = 1.4826 * float(np.median(np.abs(margin - middle)))
    # Padding does not vary, and a margin that is far from black is no masked one.
    if spread == 0 or abs(middle - black) > 3 * spread:
        return None
    kept = margin[np.abs(margin - middle) <= 5 * spread]  # hot pixels apart
    return float(kept.mean(dtype=np.float64)) - black


def _above(frame: RawFrame) -> NDArray[np.float32]:
    """(H, W) float32 digital numbers above black, negative ones kept."""
    above = np.asarray(frame.mosaic, np.float32)
    for index, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        above[row::2, column::2] -= np.float32(frame.black[index])
    return above


def _darkest(above: NDArray[np.float32]) -> tuple[float, float]:
    """Mean of the darkest blocks, and the standard deviation of a pixel in them."""
    side = int(np.clip(min(above.shape) // 16 // 4 * 4, 4, BLOCK))
    height, width = (length // side * side for length in above.shape)
    blocks = above[:height, :width].reshape(height // side, side // 4, 2, 2, width // side, side)
    halves = [blocks[:, :, half].transpose(0, 3, 1, 2, 4).reshape(-1, side * side // 2) for half in (0, 1)]
    means = [half.mean(axis=1, dtype=np.float64) for half in halves]
    count = max(1, round(DARKEST * len(means[0])))
    chosen = [np.argpartition(mean, count - 1)[:count] for mean in means]
    found = (means[1][chosen[0]].mean() + means[0][chosen[1]].mean()) / 2
    # Within a colour and a row, where neither the scene's colours nor the rows' offsets are.
    pixels = halves[1][chosen[0]].reshape(count, -1, side)
    steps = pixels[:, :, 2:] - pixels[:, :, :-2]
    return float(found), float(np.sqrt(np.mean(steps**2, dtype=np.float64) / 2))
