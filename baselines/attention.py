"""Attention between channels over all pixels, and the norm before it: shared by DNF and RawFormer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class ChannelNorm(nn.Module):
    """Normalises each pixel over its channels, then scales and shifts: (B, channels, h, w) to the same shape.

    The variance is the biased one.
    """

    def __init__(self, channels: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> (B, channels, h, w)."""
        centred = x - x.mean(dim=1, keepdim=True)
        scale = torch.rsqrt(centred.square().mean(dim=1, keepdim=True) + self.epsilon)
        return centred * scale * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)


def channel_attention(query: Tensor, key: Tensor, value: Tensor, temperature: Tensor) -> Tensor:
    """Mix channels by their similarity over the whole frame, head by head.

    Every channel of query and key is normalised to length 1 over all pixels; a head's products of the two,
    times its temperature, go through a softmax over the key's channels and weight the value's.

    Args:
        query: (B, C, h, w).
        key: (B, C, h, w).
        value: (B, C, h, w).
        temperature: (heads, 1, 1); head i has the channels i C / heads to (i + 1) C / heads - 1.

    Returns:
        (B, C, h, w).

    """
    batch, channels, height, width = query.shape
    heads = len(temperature)
    q, k, v = (x.reshape(batch, heads, channels // heads, -1) for x in (query, key, value))
    products = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
    weights = (products * temperature).softmax(dim=-1)
    return (weights @ v).reshape(batch, channels, height, width)
