"""DID (Maharjan et al., ICME 2019): thirty-two residual blocks on the half-resolution planes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import nn

from llpacknet.padding import check_mosaic, crop, pad_to_multiple

if TYPE_CHECKING:
    from torch import Tensor

SIZE_MULTIPLE = 2
SLOPE = 0.2
WIDTH = 64
BLOCKS = 32


class ResidualBlock(nn.Module):
    """3x3 convolution, LeakyReLU 0.2, 3x3 convolution, plus the input: (B, 64, h, w) to the same shape."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.second = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 64, h, w) -> (B, 64, h, w)."""
        change: Tensor = self.second(F.leaky_relu(self.first(x), SLOPE))
        return change + x


class Did(nn.Module):
    """DID: amplified mosaic (B, 1, H, W) -> RGB (B, 3, H, W), unclipped.

    H and W may be any even numbers from 16 up.

    Raises:
        InputError: from forward, a mosaic of unusable shape, dtype or content.

    """

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(4, WIDTH, 3, padding=1)
        self.blocks = nn.Sequential(*(ResidualBlock() for _ in range(BLOCKS)))
        self.gather = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.widen = nn.Conv2d(WIDTH, 4 * WIDTH, 3, padding=1)
        self.out = nn.Conv2d(WIDTH, 3, 3, padding=1)

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) amplified mosaic -> (B, 3, H, W) RGB."""
        check_mosaic(mosaic, self)
        padded, margins = pad_to_multiple(mosaic, SIZE_MULTIPLE)
        head = self.head(F.pixel_unshuffle(padded, 2))
        x = self.gather(self.blocks(head)) + head
        return crop(self.out(F.pixel_shuffle(self.widen(x), 2)), margins)
