"""SGN (Gu et al., ICCV 2019) as behind the published tables: the coarse scales guide the finer ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from llpacknet.padding import check_mosaic, crop, pad_to_multiple

if TYPE_CHECKING:
    from torch import Tensor

SIZE_MULTIPLE = 8
SLOPE = 0.2


class Convolution(nn.Module):
    """3x3 convolution and LeakyReLU 0.2: (B, inputs, h, w) -> (B, outputs, h, w)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) -> (B, outputs, h, w)."""
        return F.leaky_relu(self.conv(x), SLOPE)


class ResidualBlock(nn.Module):
    """Three 3x3 convolutions; the input is added before the last LeakyReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Convolution(channels, channels)
        self.second = Convolution(channels, channels)
        self.third = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> (B, channels, h, w)."""
        return F.leaky_relu(self.third(self.second(self.first(x))) + x, SLOPE)


class Scale(nn.Module):
    """One guiding scale: what it sees itself, joined with what the coarser scale hands down, doubled in size.

    Args:
        factor: how far the mosaic is unshuffled for this scale.
        channels: width of the scale.
        guide: channels handed down by the coarser scale; 0 for the coarsest.

    """

    def __init__(self, factor: int, channels: int, guide: int) -> None:
        super().__init__()
        self.factor = factor
        self.own = Convolution(factor**2, channels)
        self.join = Convolution(channels + guide, channels) if guide else None
        self.residual = ResidualBlock(channels)
        self.out = Convolution(channels, channels)

    def forward(self, mosaic: Tensor, guide: Tensor | None) -> Tensor:
        """(B, 1, H, W) and (B, guide, H/factor, W/factor) -> (B, channels/4, 2H/factor, 2W/factor)."""
        x: Tensor = self.own(F.pixel_unshuffle(mosaic, self.factor))
        if self.join is not None and guide is not None:
            x = self.join(torch.cat((x, guide), dim=1))
        return F.pixel_shuffle(self.out(self.residual(x)), 2)


class Sgn(nn.Module):
    """SGN: amplified mosaic (B, 1, H, W) -> RGB (B, 3, H, W), unclipped.

    H and W may be any even numbers from 16 up (padded to multiples of 8 inside, cropped after).

    Raises:
        InputError: from forward, a mosaic of unusable shape, dtype or content.

    """

    def __init__(self) -> None:
        super().__init__()
        self.scales = nn.ModuleList((Scale(8, 256, 0), Scale(4, 128, 64), Scale(2, 64, 32)))
        self.own = Convolution(1, 32)
        self.join = Convolution(48, 32)
        self.body = nn.Sequential(*(Convolution(32, 32) for _ in range(5)))
        self.out = Convolution(32, 3)

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) amplified mosaic -> (B, 3, H, W) RGB."""
        check_mosaic(mosaic, self)
        padded, margins = pad_to_multiple(mosaic, SIZE_MULTIPLE)
        guide: Tensor | None = None
        for scale in self.scales:
            guide = scale(padded, guide)
        assert guide is not None
        rgb = self.out(self.body(self.join(torch.cat((self.own(padded), guide), dim=1))))
        return crop(rgb, margins)
