"""RED's closed-form amplification (Lamba and Mitra, CVPR 2021): a gain from the dark mosaic alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from llpacknet.errors import UsageError
from llpacknet.histogram import logarithmic_edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 127
SMALLEST = 1.0
LARGEST = 300.0
# Pixels looked at in one go: keeps the float64 intermediates of a 12-megapixel frame small.
_CHUNK = 1 << 20


def red_gain(mosaic: NDArray[np.floating] | torch.Tensor, m: float = 5.0) -> float:
    """Estimate the amplification of a dark mosaic.

    clip(0.01 * m * sum(w(x)) / sum(x * w(x)), 1, 300) over all pixels x, where w falls from 1 in the darkest
    of 127 logarithmic bins to 1e-5 in the brightest, and is 0 from saturation on. The authors train with
    m = 5, and demonstrate with m = 1, restoring with 1, 5 and 8 times the estimate.

    Args:
        mosaic: normalised raw of any shape, 0 black and 1 saturation; all its pixels make one estimate.
        m: the publication's factor, positive.

    Returns:
        A gain in [1, 300]: 300 where every unsaturated pixel is black, 1 where every pixel is saturated.

    Raises:
        InputError: an empty mosaic, one that is not floating point, one with NaN, or m not positive.

    """
    if not m > 0 or math.isinf(m):
        raise UsageError(f"red_gain needs a positive m, got {m}")
    values = torch.from_numpy(mosaic) if isinstance(mosaic, np.ndarray) else mosaic.detach()
    if values.numel() == 0 or not values.is_floating_point():
        found = f"{values.dtype} of shape {tuple(values.shape)}"
        raise UsageError(f"red_gain needs a normalised floating-point mosaic, got {found}")
    weight_sum, weighted_sum = _sums(values)
    if math.isnan(weighted_sum):
        raise UsageError(
            f"the mosaic of shape {tuple(values.shape)} contains NaN; check the file and its levels"
        )
    if weighted_sum == 0:
        return LARGEST if weight_sum > 0 else SMALLEST
    return min(max(0.01 * m * weight_sum / weighted_sum, SMALLEST), LARGEST)


def _sums(values: torch.Tensor) -> tuple[float, float]:
    """Sum of w(x), and of x * w(x), in float64."""
    edges = logarithmic_edges(BINS).to(values.device)
    weights = _weights().to(values.device)
    weight_sum = weighted_sum = torch.zeros((), dtype=torch.float64, device=values.device)
    for chunk in torch.split(values.reshape(-1), _CHUNK):
        # Bins count from 1; place 0 is below the first edge, the last place at or above the last.
        pixels = chunk.float()
        weight = weights[torch.bucketize(pixels, edges, out_int32=True, right=True)]
        weight_sum = weight_sum + weight.sum()
        # Clamped pixels weigh 0; without it an infinite one would make NaN of that.
        weighted_sum = weighted_sum + (pixels.clamp(0, 1) * weight).sum()
    return float(weight_sum), float(weighted_sum)


def _weights() -> torch.Tensor:
    """(BINS + 2,) float64: 1 in the darkest bin, 1e-5 in the brightest, 0 outside."""
    rising = 10.0 ** np.linspace(0, 5, BINS)
    falling = (rising / rising.max())[::-1]
    return torch.from_numpy(np.concatenate(([0.0], falling, [0.0])))
