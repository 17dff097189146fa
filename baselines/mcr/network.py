"""MCR (Dong et al., CVPR 2022): a monochrome image is made from the mosaic, then both give the colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from baselines.sid_unet.network import DoubleConvolution
from llpacknet.padding import check_mosaic, crop, pad_to_multiple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

SIZE_MULTIPLE = 32
SLOPE = 0.2
MONO_WIDTHS = (8, 16, 32, 64, 128)
WIDTHS = (32, 64, 128, 256, 512)
REDUCTION = 16


def _levels(inputs: int, widths: tuple[int, ...]) -> nn.ModuleList:
    return nn.ModuleList(
        DoubleConvolution(before, after) for before, after in zip((inputs, *widths), widths, strict=False)
    )


def _encode(levels: Iterable[nn.Module], x: Tensor) -> list[Tensor]:
    """Return every level's features, from fine to coarse, each from the 2x2 maxima of the one before."""
    features: list[Tensor] = []
    for level in levels:
        features.append(level(F.max_pool2d(features[-1], 2) if features else x))
    return features


class MonoBranch(nn.Module):
    """A U-Net on the mosaic at full size: (B, 1, H, W) to what a monochrome sensor would have seen."""

    def __init__(self) -> None:
        super().__init__()
        self.down = _levels(1, MONO_WIDTHS)
        narrowing = list(zip(MONO_WIDTHS[:0:-1], MONO_WIDTHS[-2::-1], strict=True))
        self.widen = nn.ModuleList(
            nn.ConvTranspose2d(inputs, outputs, 2, stride=2) for inputs, outputs in narrowing
        )
        self.up = nn.ModuleList(DoubleConvolution(inputs, outputs) for inputs, outputs in narrowing)
        self.out = nn.Conv2d(MONO_WIDTHS[0], 1, 3, padding=1)

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, 1, H, W)."""
        *skips, x = _encode(self.down, mosaic)
        for widen, level in zip(self.widen, self.up, strict=True):
            x = level(torch.cat((widen(x), skips.pop()), dim=1))
        return F.leaky_relu(self.out(x), SLOPE)


class ChannelGate(nn.Module):
    """Scales each channel by a sigmoid of two 1x1 convolutions of the means over all pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(channels, channels // REDUCTION, 1)
        self.widen = nn.Conv2d(channels // REDUCTION, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> (B, channels, h, w)."""
        means = x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.widen(F.relu(self.narrow(means))))


class Mcr(nn.Module):
    """MCR: amplified mosaic (B, 1, H, W), not clipped above -> RGB (B, 3, H, W), unclipped.

    H and W may be any even numbers from 16 up (padded to multiples of 32 inside, cropped after). The gates
    take means over the whole frame, so that a frame cut into parts gives a different image.

    Raises:
        InputError: from forward and outputs, a mosaic of unusable shape, dtype or content.

    """

    def __init__(self) -> None:
        super().__init__()
        self.mono = MonoBranch()
        self.colour_down = _levels(4, WIDTHS)
        self.mono_down = _levels(4, WIDTHS)
        self.colour_widen = nn.ConvTranspose2d(WIDTHS[-1], WIDTHS[-2], 2, stride=2)
        self.mono_widen = nn.ConvTranspose2d(WIDTHS[-1], WIDTHS[-2], 2, stride=2)
        # The deepest level joins two upsampled encoders with their skips, the others one with two.
        joined = (4 * WIDTHS[3], *(3 * width for width in WIDTHS[2::-1]))
        self.gates = nn.ModuleList(ChannelGate(channels) for channels in joined)
        self.up = nn.ModuleList(
            DoubleConvolution(inputs, outputs) for inputs, outputs in zip(joined, WIDTHS[3::-1], strict=True)
        )
        self.widen = nn.ModuleList(
            nn.ConvTranspose2d(2 * width, width, 2, stride=2) for width in WIDTHS[2::-1]
        )
        self.out = nn.Conv2d(WIDTHS[0], 12, 1)

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) amplified mosaic -> (B, 3, H, W) RGB."""
        return self.outputs(mosaic)[0]

    def outputs(self, mosaic: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1, H, W) amplified mosaic -> RGB (B, 3, H, W) and the monochrome image (B, 1, H, W)."""
        check_mosaic(mosaic, self)
        padded, margins = pad_to_multiple(mosaic, SIZE_MULTIPLE)
        mono = self.mono(padded)
        return crop(self._colours(padded, mono), margins), crop(mono, margins)

    def _colours(self, mosaic: Tensor, mono: Tensor) -> Tensor:
        *colours, colour = _encode(self.colour_down, F.pixel_unshuffle(mosaic, 2))
        *monos, deep = _encode(self.mono_down, F.pixel_unshuffle(mono, 2))
        below = [self.colour_widen(colour), self.mono_widen(deep)]
        for level, (gate, merge) in enumerate(zip(self.gates, self.up, strict=True)):
            x = merge(gate(torch.cat((*below, colours.pop(), monos.pop()), dim=1)))
            if level < len(self.widen):
                below = [self.widen[level](x)]
        return F.pixel_shuffle(F.leaky_relu(self.out(x), SLOPE), 2)
