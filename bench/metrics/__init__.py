"""Image quality: pure functions of two pictures, each exact to a named reference library."""

from __future__ import annotations

from bench.metrics.psnr import psnr
from bench.metrics.quantise import quantise
from bench.metrics.ssim import ssim

__all__ = ["psnr", "quantise", "ssim"]
