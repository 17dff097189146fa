"""Losses: L1, RED's L1 + MS-SSIM, and the loss that LLPackNet was published with in 2020.

All of them compare a restored batch with the truth, both (B, 3, H, W) RGB after the tone curve, in [0, 1].
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Protocol

import torch
import torch.nn.functional as F

from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor

# Exponents per scale, finest first (Wang, Simoncelli and Bovik 2003).
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)

# Side of the Gaussian window, sigma 1.5.
MS_SSIM_SIDE = 11

# After this many steps the 2020 training lowered the weights of its two smoothness terms.
EARLY_STEPS_2020 = 20_000


class Loss(Protocol):
    """Compares a restored batch with its truth; some losses also look at the parameters and the step."""

    def __call__(self, restored: Tensor, truth: Tensor, parameters: Iterable[Tensor], step: int) -> Tensor:
        """Return the scalar to minimise."""


def l1(restored: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference."""
    return F.l1_loss(restored, truth)


def gaussian_window(side: int = MS_SSIM_SIDE, sigma: float = 1.5) -> Tensor:
    """(side,) float32 Gaussian whose sum is 1."""
    offset = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    window = torch.exp(-(offset**2) / (2 * sigma**2))
    return (window / window.sum()).float()


@cache
def _placed_window(device: torch.device) -> Tensor:
    """Return the window on a device; while a CUDA graph is recorded nothing can be copied there."""
    return gaussian_window().to(device)


def _blur(image: Tensor, window: Tensor) -> Tensor:
    """Separable filtering of every channel, without padding."""
    channels = image.shape[1]
    line = window.to(image).expand(channels, 1, -1)
    image = F.conv2d(image, line.unsqueeze(-1), groups=channels)
    return F.conv2d(image, line.unsqueeze(-2), groups=channels)


def _ssim_terms(a: Tensor, b: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
    """Mean SSIM and mean contrast-structure term of each image and channel, (B, C) each."""
    c1, c2 = 0.01**2, 0.03**2
    mean_a, mean_b = _blur(a, window), _blur(b, window)
    variance_a = _blur(a * a, window) - mean_a**2
    variance_b = _blur(b * b, window) - mean_b**2
    covariance = _blur(a * b, window) - mean_a * mean_b
    contrast = (2 * covariance + c2) / (variance_a + variance_b + c2)
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return (luminance * contrast).mean(dim=(2, 3)), contrast.mean(dim=(2, 3))


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Multi-scale SSIM (Wang, Simoncelli and Bovik 2003), data range 1, mean over images and channels.

    Five scales, 2x2 averages between them; a negative term counts as 1e-6, so that its power has a gradient.

    Raises:
        InputError: a side is too short for the window at the coarsest scale (below 176 pixels).
    """
    least = MS_SSIM_SIDE * 2 ** (len(MS_SSIM_WEIGHTS) - 1)
    if min(a.shape[-2:]) < least:
        raise InputError(
            f"MS-SSIM needs patches of at least {least} pixels; got {min(a.shape[-2:])}: raise --patch"
        )
    window = _placed_window(a.device)
    product = torch.ones(a.shape[:2], dtype=a.dtype, device=a.device)
    for scale, weight in enumerate(MS_SSIM_WEIGHTS):
        full, contrast = _ssim_terms(a, b, window)
        last = scale == len(MS_SSIM_WEIGHTS) - 1
        product = product * (full if last else contrast).clamp(min=1e-6) ** weight
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return product.mean()


def l1_ms_ssim(restored: Tensor, truth: Tensor) -> Tensor:
    """RED's loss: L1 + 0.2 (1 - MS-SSIM)."""
    return l1(restored, truth) + 0.2 * (1 - ms_ssim(restored, truth))


def total_variation(image: Tensor) -> Tensor:
    """Total variation as the 2020 training computed it.

    2 (sum of squared vertical differences / (C (H-1) W) + the same, horizontal / (C H (W-1))) / (B C H W).
    """
    batch, channels, height, width = image.shape
    vertical = (image[:, :, 1:] - image[:, :, :-1]).square().sum() / (channels * (height - 1) * width)
    horizontal = (image[..., 1:] - image[..., :-1]).square().sum() / (channels * height * (width - 1))
    return 2 * (vertical + horizontal) / (batch * channels * height * width)


def blur_2020(image: Tensor) -> Tensor:
    """3x3 blur of the 2020 training: no padding, and its kernel sums to 0.384, not to 1."""
    channels = image.shape[1]
    kernel = _placed_kernel_2020(image.device).to(image.dtype)
    return F.conv2d(image, kernel.expand(channels, 1, 3, 3), groups=channels)


@cache
def _placed_kernel_2020(device: torch.device) -> Tensor:
    corner, edge, centre = 0.03797616, 0.044863533, 0.053
    kernel = torch.tensor([[corner, edge, corner], [edge, centre, edge], [corner, edge, corner]])
    return kernel.to(device)


def published_2020(restored: Tensor, truth: Tensor, parameters: Iterable[Tensor], step: int) -> Tensor:
    """Loss of the 2020 training: L1 + 1e-6 sum|parameters| + 1000 TV + 10 MSE of blurred images.

    After 20,000 steps the last two weigh 400 and 1. The published code adds a VGG19 term that it computes
    without gradient; it moves the printed value and not the weights, and is left out here.
    """
    early = step < EARLY_STEPS_2020
    smoothness, blurred = (1000.0, 10.0) if early else (400.0, 1.0)
    size = torch.stack([parameter.abs().sum() for parameter in parameters]).sum()
    return (
        l1(restored, truth)
        + 1e-6 * size
        + smoothness * total_variation(restored)
        + blurred * F.mse_loss(blur_2020(restored), blur_2020(truth))
    )


def _plain(function: Callable[[Tensor, Tensor], Tensor]) -> Loss:
    def loss(restored: Tensor, truth: Tensor, parameters: Iterable[Tensor], step: int) -> Tensor:  # noqa: ARG001
        return function(restored, truth)

    return loss


# What `--loss` takes.
LOSSES: dict[str, Loss] = {"l1": _plain(l1), "l1+ms-ssim": _plain(l1_ms_ssim), "2020": published_2020}

# Losses that are the same at every step: only their steps can be recorded and replayed.
STEADY = frozenset({"l1", "l1+ms-ssim"})
