"""The reference workload: fixed work in plain torch, against which a recorded baseline states its times.

Rearranged pixels and residual 3x3 convolutions of 64 channels at an eighth of the frame's sides, the kind of
work that most of a restoring network consists of. It must never change: a ratio to it that was recorded
elsewhere would lose its meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from collections.abc import Callable

CHANNELS = 64
LAYERS = 6


def build(height: int, width: int, device: str = "cpu") -> Callable[[], Any]:
    """Make the reference workload for a frame of height x width; calling the result does it once, fp32."""
    generator = torch.Generator().manual_seed(0)
    rows, columns = max(height // 16, 1) * 16, max(width // 16, 1) * 16
    mosaic = torch.rand(1, 1, rows, columns, generator=generator)
    shape = (LAYERS, CHANNELS, CHANNELS, 3, 3)
    weights = (torch.randn(shape, generator=generator) / (9 * CHANNELS) ** 0.5).to(device)
    frame = mosaic.to(device)

    def work() -> Any:
        with torch.inference_mode():
            x = F.pixel_unshuffle(frame, 8)
            for weight in weights:
                x = x + F.relu(F.conv2d(x, weight, padding=1))
            return F.pixel_shuffle(x, 8).sum()

    return work
