"""PSNR and SSIM on the GPU that holds the images: the same formulas in float64, band after band of rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from bench.metrics.windows import LUMA
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from bench.metrics.windows import Window

# Large enough to fill a GPU, small enough that float64 copies of a band take a few hundred megabytes.
BAND_ROWS = 512


def mean_squared_error(prediction: Tensor, truth: Tensor) -> float:
    """Mean of (prediction - truth)^2 over two tensors (H, W, 3) of one kind on one device.

    Raises:
        InputError: an image holds NaN or infinity.
    """
    sums = [
        (prediction[rows].double() - truth[rows].double()).square().sum()
        for rows in _bands(prediction.shape[0], 0)
    ]
    return _finite_sum(sums) / prediction.numel()


def ssim(prediction: Tensor, truth: Tensor, peak: float, window: Window) -> float:
    """Mean SSIM of two tensors (H, W, 3) of one kind on one device; within 1e-9 of the CPU's value.

    Args:
        prediction: (H, W, 3), any supported kind.
        truth: the same shape, kind and device.
        peak: data range.
        window: the definition, see `bench.metrics.windows.WINDOWS`.

    Raises:
        InputError: an image holds NaN or infinity.
    """
    weights = torch.from_numpy(window.weights).to(prediction.device)
    mix = torch.from_numpy(window.mix).to(prediction.device)
    reach = len(weights) - 1
    height = prediction.shape[0] + (reach if window.volume else 0)
    sums, count = [], 0
    for rows in _bands(height - reach, reach):
        a, b = (_planes(image, rows, window) for image in (prediction, truth))
        values = _map(a, b, weights, mix, window.correction, peak)
        sums.append(values.sum())
        count += values.numel()
    return _finite_sum(sums) / count


def _bands(rows: int, reach: int) -> Iterator[slice]:
    for first in range(0, rows, BAND_ROWS):
        yield slice(first, min(first + BAND_ROWS, rows) + reach)


def _finite_sum(sums: list[Tensor]) -> float:
    values = [float(value) for value in sums]
    if not all(math.isfinite(value) for value in values):
        raise InputError(
            "an image contains NaN, infinity or values too large to square: clip it to its range first"
        )
    return math.fsum(values)


def _planes(image: Tensor, rows: slice, window: Window) -> Tensor:
    """(colours, 1, rows, columns) float64 of a band; for a volume `rows` counts in the padded image."""
    if window.volume:
        radius = len(window.weights) // 2
        inside = torch.arange(rows.start - radius, rows.stop - radius, device=image.device)
        band = image[inside.clamp(0, image.shape[0] - 1)].double().permute(2, 0, 1)[:, None]
        return F.pad(band, (radius, radius, 0, 0), mode="replicate")
    band = image[rows].double()
    if window.luma:
        return (band @ torch.tensor(LUMA, dtype=torch.float64, device=band.device))[None, None]
    return band.permute(2, 0, 1)[:, None]


def _map(a: Tensor, b: Tensor, weights: Tensor, mix: Tensor, correction: float, peak: float) -> Tensor:
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2

    def mean(planes: Tensor) -> Tensor:
        filtered = F.conv2d(F.conv2d(planes, weights.view(1, 1, -1, 1)), weights.view(1, 1, 1, -1))
        return torch.einsum("cd,dkij->ckij", mix, filtered)

    p, q = mean(a), mean(b)
    cross, squares = p * q, p * p + q * q
    covariance = correction * (mean(a * b) - cross)
    variances = correction * (mean(a * a + b * b) - squares)
    return (2 * cross + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2))
