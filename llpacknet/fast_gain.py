"""The amplifiers' gains of one frame in little memory: the same numbers as `llpacknet.amplifier` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from llpacknet.amplifier import HistogramAmplifier, raw_counts

if TYPE_CHECKING:
    from torch import Tensor

    from llpacknet.amplifier import ConvAmplifier

# Rows that are looked at at a time.
ROWS = 256


def frame_gain(amplifier: HistogramAmplifier | ConvAmplifier, frame: Tensor) -> Tensor:
    """(H, W) unamplified float32 mosaic -> () the gain that an amplifier gives it."""
    if isinstance(amplifier, HistogramAmplifier):
        parts = (raw_counts(part[None, None], amplifier.edges) for part in torch.split(frame, ROWS))
        counts = torch.stack(list(parts)).sum(dim=0)
        return amplifier.of_histogram(counts.float() / frame.numel())[0]
    weight = amplifier.features.weight.double()
    means = torch.einsum("okyx,kyx->o", weight, _shifted_means(frame))
    assert amplifier.features.bias is not None
    return amplifier.of_means((means.float() + amplifier.features.bias).view(1, -1, 1, 1))[0]


def _shifted_means(frame: Tensor) -> Tensor:
    """(H, W) mosaic -> (4, 3, 3) float64 means of the R, G1, G2, B planes as each weight of a 3x3 sees them.

    The mean of a convolution is the convolution of the mean: nothing stands between the two in the amplifier.
    A shifted plane has lost the rows and columns that went out over its edge, and zeros came in for them.
    """
    height, width = frame.shape[0] // 2, frame.shape[1] // 2
    columns = torch.zeros(2, 3, 2 * width, dtype=torch.float64)
    for part in torch.split(frame, ROWS):
        columns += part.view(-1, 2, 2 * width).sum(dim=0, dtype=torch.float64).unsqueeze(1)
    columns[:, 0] -= frame[-2:]
    columns[:, 2] -= frame[:2]
    places = columns.view(2, 3, width, 2)
    sums = places.sum(dim=2, keepdim=True).repeat(1, 1, 3, 1)
    sums[:, :, 0] -= places[:, :, -1]
    sums[:, :, 2] -= places[:, :, 0]
    return sums.permute(0, 3, 1, 2).reshape(4, 3, 3) / (height * width)
