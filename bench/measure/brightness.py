"""How much brighter a restored image is than its truth, in stops: the first sign of a wrong gain."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.making.camera import inverse_tone

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEVELS = 65536
_ROWS = 256
# The last bits of a power differ between processors; results hold none of them.
_PLACES = 6


def stops(image: NDArray[np.float32], truth: NDArray[np.uint16]) -> float | None:
    """Return log2 of the mean linear light of an image over that of its truth.

    Both are taken back through rawpy's tone curve (BT.709) first; the mean is over all pixels and colours.

    Args:
        image: (H, W, 3) float32 in [0, 1].
        truth: (H, W, 3) uint16, 65535 white.

    Returns:
        0 for equal brightness, 1 for an image of twice the light; None if either is completely black.
    """
    own, true = _light(image), _light(truth)
    return round(math.log2(own / true), _PLACES) if own > 0 and true > 0 else None


def _light(image: NDArray[Any]) -> float:
    """Mean linear light, of how often each of 65536 levels occurs."""
    counts = np.zeros(_LEVELS, np.int64)
    for first in range(0, len(image), _ROWS):
        band = image[first : first + _ROWS]
        levels = (
            band if band.dtype == np.uint16 else np.rint(band * np.float32(_LEVELS - 1)).astype(np.uint16)
        )
        counts += np.bincount(levels.ravel(), minlength=_LEVELS)
    return float(counts @ _curve()) / image.size


@cache
def _curve() -> NDArray[np.float64]:
    """Linear light of each level."""
    return inverse_tone(np.arange(_LEVELS) / (_LEVELS - 1))
