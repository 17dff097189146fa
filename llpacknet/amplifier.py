"""The two published amplifiers: one scalar gain per image, found from the dark mosaic itself.

Both replace a gain that is not positive by 1e-4.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from llpacknet.histogram import logarithmic_edges

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST_GAIN = 1e-4
BINS = 63


def histogram_edges() -> Tensor:
    """(64,) float32 edges of the amplifier's half-open bins; the last is one step up, as numpy closes it."""
    edges = logarithmic_edges(BINS)
    edges[-1] = torch.nextafter(edges[-1], edges.new_tensor(torch.inf))
    return edges


def raw_histogram(mosaic: Tensor, edges: Tensor) -> Tensor:
    """Histogram of each image over half-open bins, as fractions of its pixels; pixels outside are ignored.

    Args:
        mosaic: (B, 1, H, W) unamplified mosaic.
        edges: (N+1,) ascending.

    Returns:
        (B, N) float32.

    """
    return raw_counts(mosaic, edges).float() / (mosaic.shape[2] * mosaic.shape[3])


def raw_counts(mosaic: Tensor, edges: Tensor) -> Tensor:
    """Pixels of each image in each half-open bin: (B, 1, H, W) and (N+1,) -> (B, N) int32."""
    places = torch.bucketize(mosaic.detach().float().squeeze(1), edges.to(mosaic.device), right=True)
    # One histogram per row, then their sum: on a GPU, counting into few places from many threads is slow.
    rows = torch.zeros(*places.shape[:2], len(edges) + 1, dtype=torch.int32, device=mosaic.device)
    rows.scatter_add_(2, places, torch.ones((), dtype=torch.int32, device=mosaic.device).expand_as(places))
    return rows.sum(dim=1, dtype=torch.int32)[:, 1:-1]


class HistogramAmplifier(nn.Module):
    """Linear 63 -> 128 -> 1 on the raw's histogram, no activation between (2020 training and test code)."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(BINS, 128)
        self.out = nn.Linear(128, 1)
        # No buffer: converting the network to half precision must not move the edges.
        self.edges = histogram_edges()

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) unamplified mosaic -> (B,) gain, at least 1e-4."""
        if self.edges.device != mosaic.device:
            self.edges = self.edges.to(mosaic.device)
        with _full_precision(mosaic):
            return self.of_histogram(raw_histogram(mosaic, self.edges))

    def of_histogram(self, histogram: Tensor) -> Tensor:
        """(B, 63) fractions of the pixels -> (B,) gain, at least 1e-4."""
        return _positive(self.out(self.hidden(histogram.to(self.hidden.weight.dtype))).flatten())


class ConvAmplifier(nn.Module):
    """3x3 conv 4 -> 16 on the half-resolution planes, global average, 1x1 16 -> 128 -> 1 (2020 ablation)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(4, 16, 3, padding=1)
        self.hidden = nn.Conv2d(16, 128, 1)
        self.out = nn.Conv2d(128, 1, 1)

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) unamplified mosaic -> (B,) gain, at least 1e-4."""
        planes = F.pixel_unshuffle(mosaic, 2)
        with _full_precision(mosaic):
            return self.of_means(self.features(planes).mean(dim=(2, 3), keepdim=True))

    def of_means(self, means: Tensor) -> Tensor:
        """(B, 16, 1, 1) means of the features -> (B,) gain, at least 1e-4."""
        return _positive(self.out(self.hidden(means)).flatten())


def _full_precision(mosaic: Tensor) -> AbstractContextManager[object]:
    """Turn autocast off: one number for a whole image must not be rounded to eight bits."""
    kind = mosaic.device.type
    if mosaic.is_meta or not torch.is_autocast_enabled(kind):  # the meta device knows no autocast
        return nullcontext()
    return torch.autocast(kind, enabled=False)


def _positive(gain: Tensor) -> Tensor:
    # Written out, because exporters know no threshold with another value than zero.
    return torch.where(gain > 0, gain, SMALLEST_GAIN)
