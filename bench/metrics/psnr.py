"""Peak signal-to-noise ratio."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bench.metrics import images

if TYPE_CHECKING:
    import torch

    from bench.metrics.images import Image


def psnr(
    prediction: Image | torch.Tensor,
    truth: Image | torch.Tensor,
    data_range: float | None = None,
    *,
    threads: int | None = None,
) -> float:
    """10 log10(data_range^2 / MSE) in decibels, the mean taken over all pixels and colours at once.

    Equals scikit-image's `peak_signal_noise_ratio`; integers are summed exactly.

    Args:
        prediction: (H, W, 3) uint8, uint16 or float; a CUDA tensor is scored on its own device.
        truth: the same shape and kind.
        data_range: distance from black to white; 255 and 65535 for integers if None, required for floats.
        threads: processors to use; the result does not depend on it.

    Returns:
        Decibels, higher is better; infinity for identical images.

    Raises:
        InputError: the images cannot be compared, or hold NaN or infinity.
    """
    peak = images.checked_range(prediction, truth, data_range)
    if images.is_cuda(prediction) and images.is_cuda(truth):
        from bench.metrics import cuda

        error = cuda.mean_squared_error(prediction, truth)
    else:
        error = _mean_squared_error(images.as_array(prediction), images.as_array(truth), threads)
    return math.inf if error == 0 else 10 * math.log10(peak * peak / error)


def _mean_squared_error(a: Image, b: Image, threads: int | None) -> float:
    flat_a, flat_b = a.reshape(len(a), -1), b.reshape(len(b), -1)

    def of_integers(first: int, last: int) -> float:
        from bench.metrics import compiled

        return int(compiled.squared_difference(flat_a[first:last], flat_b[first:last]))

    def of_floats(first: int, last: int) -> float:
        with np.errstate(invalid="ignore", over="ignore"):  # sum_of_bands tells what was wrong
            difference = flat_a[first:last].astype(np.float64) - flat_b[first:last]
            return float(np.sum(difference * difference))

    band = of_integers if a.dtype.kind == "u" else of_floats
    return images.sum_of_bands(len(a), band, threads) / a.size
