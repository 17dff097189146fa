"""Structural similarity in the definitions that papers on dark raw photographs have used."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np

from bench.metrics import images
from bench.metrics.windows import LUMA, WINDOWS, Definition
from llpacknet.errors import InputError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from bench.metrics.images import Image
    from bench.metrics.windows import Window


def ssim(
    prediction: Image | torch.Tensor,
    truth: Image | torch.Tensor,
    data_range: float | None = None,
    *,
    definition: Definition = "uniform",
    threads: int | None = None,
) -> float:
    """Mean structural similarity (Wang et al., IEEE TIP 2004), K1 = 0.01, K2 = 0.03.

    Args:
        prediction: (H, W, 3) uint8, uint16 or float; a CUDA tensor is scored on its own device.
        truth: the same shape and kind.
        data_range: distance from black to white; 255 and 65535 for integers if None, required for floats.
        definition: which SSIM: "uniform" is scikit-image's default (7x7, sample covariance), "gaussian" its
            `gaussian_weights=True` (sigma 1.5, 11x11, sample covariance), "gaussian-population" the same with
            `use_sample_covariance=False`, "wang-luma" that one on BT.601 luma without downsampling, and
            "matlab-rgb" MATLAB's `ssim` of an RGB array, which it takes for a volume.
        threads: processors to use; the result does not depend on it.

    Returns:
        At most 1, which identical images have; higher is better. Negative where structures are inverted.

    Raises:
        InputError: the images cannot be compared, are smaller than the window, or hold NaN or infinity.
    """
    if definition not in WINDOWS:
        raise InputError(f"there is no SSIM {definition!r}: choose from {', '.join(get_args(Definition))}")
    window = WINDOWS[definition]
    peak = images.checked_range(prediction, truth, data_range)
    smallest = 1 if window.volume else len(window.weights)
    if min(prediction.shape[:2]) < smallest:
        raise InputError(
            f"an image of {images.size(prediction)} is smaller than the {smallest}x{smallest} window: "
            "pass a larger one"
        )
    if images.is_cuda(prediction) and images.is_cuda(truth):
        from bench.metrics import cuda

        return cuda.ssim(prediction, truth, peak, window)
    a, b = images.as_array(prediction), images.as_array(truth)
    if definition == "uniform" and a.dtype.kind == "u":
        return _integer_boxes(a, b, peak, threads)
    return _weighted(a, b, peak, window, threads)


def _constants(peak: float) -> tuple[float, float]:
    return (0.01 * peak) ** 2, (0.03 * peak) ** 2


def _integer_boxes(a: Image, b: Image, peak: float, threads: int | None) -> float:
    from bench.metrics import compiled

    height, width, _ = a.shape
    flat_a, flat_b = a.reshape(height, -1), b.reshape(height, -1)
    sums = np.int32 if a.dtype == np.uint8 else np.int64

    def band(first: int, last: int) -> float:
        columns, windows = np.empty((4, 3 * width), sums), np.empty((4, 3 * (width - 6)), sums)
        rows = slice(first, last + 6)
        value: float = compiled.box_ssim(flat_a[rows], flat_b[rows], columns, windows, *_constants(peak))
        return value

    count: int = (height - 6) * (width - 6) * 3
    return images.sum_of_bands(height - 6, band, threads) / count


def _weighted(a: Image, b: Image, peak: float, window: Window, threads: int | None) -> float:
    from bench.metrics import compiled

    height, width, _ = a.shape
    mix = window.mix
    reach = 0 if window.volume else len(window.weights) - 1

    def band(first: int, last: int) -> float:
        rows_a, rows_b = (_band(image, first, last, window) for image in (a, b))
        value: float = compiled.weighted_ssim(
            rows_a, rows_b, window.weights, mix, window.correction, *_constants(peak)
        )
        return value

    windows: int = (height - reach) * (width - reach) * len(mix)
    return images.sum_of_bands(height - reach, band, threads) / windows


def _band(image: Image, first: int, last: int, window: Window) -> NDArray[np.float64]:
    """Rows that the windows of output rows [first, last) see, (rows, columns * colours) float64."""
    reach = len(window.weights) - 1
    if window.volume:
        radius = reach // 2
        rows = np.clip(np.arange(first - radius, last + radius), 0, len(image) - 1)
        wide = np.pad(image[rows].astype(np.float64), ((0, 0), (radius, radius), (0, 0)), mode="edge")
        return wide.reshape(len(rows), -1)
    band = image[first : last + reach].astype(np.float64)
    if window.luma:
        luma: NDArray[np.float64] = band[..., 0] * LUMA[0] + band[..., 1] * LUMA[1] + band[..., 2] * LUMA[2]
        return luma
    return band.reshape(len(band), -1)
