"""Image quality: pure functions of two images, each exact to a named reference library.

`bench.metrics.lpips` is the function; `from bench.metrics.lpips import available` reaches into its module.
"""

from __future__ import annotations

from bench.metrics.lpips import lpips
from bench.metrics.psnr import psnr
from bench.metrics.quantise import quantise
from bench.metrics.ssim import ssim

__all__ = ["lpips", "psnr", "quantise", "ssim"]
