"""ADU-Net (Huang et al., TOMM 2024): dilated residual blocks at 1/8 and 1/32 of the frame's sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from llpacknet.network import convolution
from llpacknet.padding import PlanePadding, check_mosaic, crop

if TYPE_CHECKING:
    from torch import Tensor

PLANE_MULTIPLE = 32
SLOPE = 0.2


class DilatedBlock(nn.Module):
    """Two dilated 3x3 convolutions, each with LeakyReLU 0.2, plus a 1x1 of the input: keeps the shape."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.shortcut = convolution(channels, channels, 1, weight_norm=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> (B, channels, h, w)."""
        change = F.leaky_relu(self.second(F.leaky_relu(self.first(x), SLOPE)), SLOPE)
        kept: Tensor = self.shortcut(x)
        return change + kept


class Fusion(nn.Module):
    """Merge features from the level below with the encoder's features of the same shape.

    A 1x1 convolution refines their sum, whose channels are then scaled by another 1x1 of the means over all
    pixels.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.refine = nn.Conv2d(2 * channels, channels, 1, bias=False)
        self.attention = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, below: Tensor, encoded: Tensor) -> Tensor:
        """Twice (B, channels, h, w) -> (B, channels, h, w)."""
        both = torch.cat((below, encoded), dim=1)
        refined = F.relu(self.refine(both) + below)
        scale: Tensor = self.attention(both.mean(dim=(2, 3), keepdim=True))
        return refined * (1 + scale)


class Stage(nn.Module):
    """Dilated blocks in a row, 1x1 of all their results, 4x bilinear upsampling, fusion.

    Maps (B, inputs, h, w), with features (B, outputs, 4h, 4w), to (B, outputs, 4h, 4w).
    """

    def __init__(self, inputs: int, outputs: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(DilatedBlock(inputs, 1 + (index + 1) // 2) for index in range(blocks))
        self.gather = convolution(blocks * inputs, inputs, 1, weight_norm=True)
        self.narrow = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.fusion = Fusion(outputs)

    def forward(self, x: Tensor, encoded: Tensor) -> Tensor:
        """(B, inputs, h, w) and (B, outputs, 4h, 4w) -> (B, outputs, 4h, 4w)."""
        outputs = []
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        x = self.narrow(self.gather(torch.cat(outputs, dim=1)))
        wide = F.interpolate(x, scale_factor=4, mode="bilinear", align_corners=True)
        fused: Tensor = self.fusion(wide, encoded)
        return fused


class AduNet(nn.Module):
    """ADU-Net: amplified mosaic (B, 1, H, W), clipped to [0, 1] by the caller -> RGB (B, 3, H, W) in [0, 1].

    H and W may be any even numbers from 16 up: the four planes are padded by reflection at the bottom and on
    the right to multiples of 32, as in the authors' code. The means in `Fusion` include that margin, so that
    a frame cut into parts gives a different image. The final clip is skipped while a training
    step records gradients.

    Raises:
        InputError: from forward, a mosaic of unusable shape, dtype or content.

    """

    pad = PlanePadding(PLANE_MULTIPLE, after=True)

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Conv2d(4, 12, 3, padding=1)
        self.eighth = nn.Conv2d(192, 32, 3, padding=1)
        self.coarse = nn.Sequential(
            nn.Conv2d(512, 128, 3, padding=1, groups=128), nn.Conv2d(128, 64, 3, padding=1)
        )
        self.stages = nn.ModuleList((Stage(64, 32, blocks=5), Stage(32, 12, blocks=3)))
        self.out = nn.Conv2d(12, 12, 3, padding=1, padding_mode="reflect")

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) amplified mosaic in [0, 1] -> (B, 3, H, W) RGB."""
        check_mosaic(mosaic, self)
        planes, margins = self.pad.planes(F.pixel_unshuffle(mosaic, 2))
        fine = F.leaky_relu(self.fine(planes), SLOPE)
        eighth = F.leaky_relu(self.eighth(F.pixel_unshuffle(fine, 4)), SLOPE)
        x = F.leaky_relu(self.coarse(F.pixel_unshuffle(eighth, 4)), SLOPE)
        for stage, encoded in zip(self.stages, (eighth, fine), strict=True):
            x = stage(x, encoded)
        rgb = crop(F.pixel_shuffle(self.out(x), 2), margins)
        return rgb if self.training and torch.is_grad_enabled() else rgb.clamp(0, 1)
