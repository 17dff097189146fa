"""RED (Lamba and Mitra, CVPR 2021), written from its published description.

Three scales side by side: most of the work at 1/32 of the mosaic's sides, one residual block at 1/8, a single
convolution at 1/2. Every convolution is weight-normed and keeps the size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from llpacknet.network import convolution
from llpacknet.padding import check_mosaic, crop, pad_to_multiple

if TYPE_CHECKING:
    from torch import Tensor

SIZE_MULTIPLE = 32
SLOPE = 0.2
WIDTH = 64
GROWTH = 32


def _conv(inputs: int, outputs: int, kernel: int, *, bias: bool = True, groups: int = 1) -> nn.Conv2d:
    return convolution(inputs, outputs, kernel, bias=bias, groups=groups, weight_norm=True)


class DenseBlock(nn.Module):
    """Dense 3x3 convolutions, 1x1 of everything, plus the input; no biases: (B, 64, h, w) to the same shape.

    Unlike LLPackNet's block the activation stands before the convolution, and the first and the last
    convolution have none.
    """

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            _conv(WIDTH + GROWTH * index, GROWTH, 3, bias=False) for index in range(layers)
        )
        self.fuse = _conv(WIDTH + GROWTH * layers, WIDTH, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 64, h, w) -> (B, 64, h, w)."""
        features = x
        for index, layer in enumerate(self.layers):
            inner = 0 < index < len(self.layers) - 1
            seen = F.leaky_relu(features, SLOPE) if inner else features
            features = torch.cat((features, layer(seen)), dim=1)
        fused: Tensor = self.fuse(features)
        return fused + x


class ResidualBlock(nn.Module):
    """3x3 convolution, LeakyReLU 0.2, 3x3 convolution, plus the input: (B, 64, h, w) to the same shape."""

    def __init__(self) -> None:
        super().__init__()
        self.first = _conv(WIDTH, WIDTH, 3)
        self.second = _conv(WIDTH, WIDTH, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 64, h, w) -> (B, 64, h, w)."""
        change: Tensor = self.second(F.leaky_relu(self.first(x), SLOPE))
        return change + x


class Red(nn.Module):
    """RED: amplified mosaic (B, 1, H, W), not clipped -> RGB (B, 3, H, W) in [0, 1].

    H and W may be any even numbers from 16 up (padded to multiples of 32 inside, cropped after). The final
    clip is left out while a training step records gradients.

    Raises:
        InputError: from forward, a mosaic of unusable shape, dtype or content.

    """

    def __init__(self) -> None:
        super().__init__()
        self.coarse = nn.Sequential(_conv(1024, 128, 3, groups=128), _conv(128, WIDTH, 3))
        self.blocks = nn.ModuleList(DenseBlock(layers) for layers in (4, 5, 5))
        self.gather = _conv(3 * WIDTH, WIDTH, 1, bias=False)
        self.lift = _conv(4, WIDTH, 3)
        self.residual = ResidualBlock()
        self.mix = nn.Sequential(_conv(2 * WIDTH, 32, 3, groups=4), _conv(32, 192, 3))
        self.fine = _conv(4, 12, 5)
        self.out = _conv(24, 12, 5)

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) amplified mosaic -> (B, 3, H, W) RGB."""
        check_mosaic(mosaic, self)
        padded, margins = pad_to_multiple(mosaic, SIZE_MULTIPLE)
        half = F.pixel_unshuffle(padded, 2)
        eighth = self._eighth(half)
        x = self.out(torch.cat((self.fine(half), F.pixel_shuffle(eighth, 4)), dim=1))
        rgb = crop(F.pixel_shuffle(x, 2), margins)
        return rgb if self.training and torch.is_grad_enabled() else rgb.clamp(0, 1)

    def _eighth(self, half: Tensor) -> Tensor:
        """(B, 4, H/2, W/2) -> (B, 192, H/8, W/8): this scale and the coarse one, channel by channel."""
        own = self.residual(F.pixel_unshuffle(half, 4))
        lifted = self.lift(F.pixel_shuffle(self._coarse(half), 4))
        interleaved = torch.stack((own, lifted), dim=2).flatten(1, 2)
        return F.leaky_relu(self.mix(interleaved), SLOPE)

    def _coarse(self, half: Tensor) -> Tensor:
        """(B, 4, H/2, W/2) -> (B, 64, H/32, W/32)."""
        # From the half-resolution planes: the channel order is not that of the mosaic unshuffled by 32.
        features: Tensor = self.coarse(F.pixel_unshuffle(half, 16))
        x = features
        outputs = []
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        gathered: Tensor = self.gather(torch.cat(outputs, dim=1)) + features
        return gathered
