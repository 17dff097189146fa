"""SID's U-Net (Chen et al., CVPR 2018), and the same behind LLPackNet's amplifier (LLPackNet's Table 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from llpacknet.amplifier import ConvAmplifier
from llpacknet.padding import check_mosaic, crop, pad_to_multiple

if TYPE_CHECKING:
    from torch import Tensor

SIZE_MULTIPLE = 32
WIDTHS = (32, 64, 128, 256, 512)
SLOPE = 0.2
SATURATION = 1.0


class DoubleConvolution(nn.Module):
    """Two 3x3 convolutions, each followed by LeakyReLU 0.2: (B, inputs, h, w) -> (B, outputs, h, w)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) -> (B, outputs, h, w)."""
        return F.leaky_relu(self.second(F.leaky_relu(self.first(x), SLOPE)), SLOPE)


class SidUNet(nn.Module):
    """SID's U-Net: amplified mosaic (B, 1, H, W), clipped at 1 by the caller -> RGB (B, 3, H, W), unclipped.

    H and W may be any even numbers from 16 up (padded to multiples of 32 inside, cropped after).

    Args:
        channels: of the output: 3 for RGB; 1 for a mosaic, as denoisers from raw to raw have it.

    Raises:
        InputError: from forward, a mosaic of unusable shape, dtype or content.

    """

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.channels = channels
        self.down = nn.ModuleList(
            DoubleConvolution(inputs, outputs) for inputs, outputs in zip((4, *WIDTHS), WIDTHS, strict=False)
        )
        narrowing = list(zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True))
        self.widen = nn.ModuleList(
            nn.ConvTranspose2d(inputs, outputs, 2, stride=2) for inputs, outputs in narrowing
        )
        self.up = nn.ModuleList(DoubleConvolution(inputs, outputs) for inputs, outputs in narrowing)
        self.out = nn.Conv2d(WIDTHS[0], 4 * channels, 1)

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) amplified mosaic in [0, 1] -> (B, channels, H, W)."""
        check_mosaic(mosaic, self)
        padded, margins = pad_to_multiple(mosaic, SIZE_MULTIPLE)
        return crop(self._restore(F.pixel_unshuffle(padded, 2)), margins)

    def _restore(self, x: Tensor) -> Tensor:
        skips = []
        for level in self.down[:-1]:
            x = level(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.down[-1](x)
        for widen, level in zip(self.widen, self.up, strict=True):
            x = level(torch.cat((widen(x), skips.pop()), dim=1))
        return F.pixel_shuffle(self.out(x), 2)


class AmplifiedSidUNet(nn.Module):
    """LLPackNet's convolutional amplifier before SID's U-Net, to be trained together.

    Takes the unamplified mosaic (B, 1, H, W), gives RGB (B, 3, H, W), unclipped. Between the two the
    amplified mosaic is clipped at 1, as SID's own code clips what it feeds the U-Net; the publication does
    not say.

    Raises:
        InputError: from forward and gain, a mosaic of unusable shape, dtype or content.

    """

    def __init__(self) -> None:
        super().__init__()
        self.amplifier = ConvAmplifier()
        self.unet = SidUNet()

    def gain(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) unamplified mosaic -> (B,) the gain the amplifier gives it."""
        check_mosaic(mosaic, self)
        gain: Tensor = self.amplifier(mosaic)
        return gain

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) unamplified mosaic -> (B, 3, H, W) RGB."""
        return self.restore(mosaic, self.gain(mosaic))

    def restore(self, mosaic: Tensor, gain: Tensor) -> Tensor:
        """(B, 1, H, W) unamplified mosaic, or a part of one, and (B,) gain -> (B, 3, H, W) RGB."""
        amplified = mosaic * gain.view(-1, 1, 1, 1)
        rgb: Tensor = self.unet(amplified.clamp(max=SATURATION))
        return rgb
