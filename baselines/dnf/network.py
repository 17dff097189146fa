"""DNF (Jin et al., CVPR 2023): a first pass denoises the planes and feeds its features back to a second.

Both passes share their encoder. Every convolution that keeps the size and reaches beyond its pixel is padded
by reflection.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from baselines.attention import ChannelNorm, channel_attention
from llpacknet.padding import PlanePadding, check_mosaic, crop

if TYPE_CHECKING:
    from torch import Tensor

WIDTHS = (32, 64, 128, 256)
HEADS = (1, 2, 4, 8)
EPSILON = 1e-6
PLANE_MULTIPLE = 8
# A 7x7 convolution reflects three pixels, of which the deepest level, at 1/8, must have one more.
SMALLEST_PLANE = 32


def _same(inputs: int, outputs: int, kernel: int, *, bias: bool = True, depthwise: bool = False) -> nn.Conv2d:
    """Build a convolution that keeps the size, padded by reflection."""
    return nn.Conv2d(
        inputs,
        outputs,
        kernel,
        padding=kernel // 2,
        padding_mode="reflect",
        groups=outputs if depthwise else 1,
        bias=bias,
    )


class Denoiser(nn.Module):
    """Depthwise 7x7, then 1x1 to twice the channels, GELU, 1x1 back (CID): keeps the shape; no residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.spread = _same(channels, channels, 7, depthwise=True)
        self.widen = nn.Conv2d(channels, 2 * channels, 1)
        self.narrow = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> (B, channels, h, w)."""
        narrowed: Tensor = self.narrow(F.gelu(self.widen(self.spread(x))))
        return narrowed


class Fuse(nn.Module):
    """1x1 of two features, GELU, depthwise 3x3: twice (B, channels, h, w) to the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.merge = nn.Conv2d(2 * channels, channels, 1)
        self.spread = _same(channels, channels, 3, depthwise=True)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Twice (B, channels, h, w) -> (B, channels, h, w)."""
        spread: Tensor = self.spread(F.gelu(self.merge(torch.cat((x, skip), dim=1))))
        return spread


class Feedback(nn.Module):
    """Gate the second pass with features of the first (GFM): twice (B, channels, h, w) to that shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.widen = nn.Conv2d(2 * channels, 4 * channels, 1)
        self.spread = _same(4 * channels, 4 * channels, 3, depthwise=True)
        self.narrow = nn.Conv2d(2 * channels, channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, denoised: Tensor) -> Tensor:
        """Twice (B, channels, h, w) -> (B, channels, h, w)."""
        gate, passed = self.spread(self.widen(torch.cat((x, denoised), dim=1))).chunk(2, dim=1)
        merged: Tensor = self.out(self.narrow(F.gelu(gate) * passed) + x)
        return merged


class ColourCorrection(nn.Module):
    """Channel attention, then 1x1 and depthwise 3x3 with GELU (MCC): keeps the shape; no biases."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.norm = ChannelNorm(channels, EPSILON)
        self.embed = nn.Conv2d(channels, 3 * channels, 1, bias=False)
        self.spread = _same(3 * channels, 3 * channels, 3, depthwise=True, bias=False)
        self.out = nn.Conv2d(channels, channels, 1, bias=False)
        self.feed = nn.Conv2d(channels, channels, 1, bias=False)
        self.feed_spread = _same(channels, channels, 3, depthwise=True, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> (B, channels, h, w)."""
        query, key, value = self.spread(self.embed(self.norm(x))).chunk(3, dim=1)
        mixed = self.out(channel_attention(query, key, value, self.temperature)) + x
        return F.gelu(self.feed_spread(F.gelu(self.feed(mixed))))


def _ups() -> nn.ModuleList:
    return nn.ModuleList(
        nn.ConvTranspose2d(2 * width, width, 2, stride=2, bias=False) for width in WIDTHS[:-1]
    )


def _fuses() -> nn.ModuleList:
    return nn.ModuleList(Fuse(width) for width in WIDTHS[:-1])


class RawDecoder(nn.Module):
    """The decoder of the first pass, whose features are fed back, and the head that turns them into planes.

    Only the training loss uses the planes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Denoiser(width) for width in WIDTHS)
        self.ups = _ups()
        self.fuses = _fuses()
        self.head: nn.Module | None = nn.Sequential(_same(32, 32, 3), nn.GELU(), nn.Conv2d(32, 4, 1))

    def forward(self, x: Tensor, encoded: list[Tensor]) -> list[Tensor]:
        """(B, 256, h/8, w/8) and three levels' skips -> four levels' denoised features, fine to coarse."""
        denoised = [self.blocks[-1](x) + x]
        for level in (2, 1, 0):
            x = self.fuses[level](self.ups[level](denoised[-1]), encoded[level])
            denoised.append(self.blocks[level](x) + x)
        return denoised[::-1]


class Dnf(nn.Module):
    """DNF: amplified mosaic (B, 1, H, W), at most 1, negatives kept -> RGB (B, 3, H, W), unclipped.

    H and W may be any even numbers from 16 up. The four planes are padded by reflection on both sides to
    multiples of 8, as in the authors' code, which refuses sides below 50: those are padded to 64 here. The
    colour decoder attends to the whole frame, so that a frame cut into parts gives a different image.

    Raises:
        InputError: from forward and outputs, a mosaic of unusable shape, dtype or content.

    """

    pad = PlanePadding(PLANE_MULTIPLE, smallest=SMALLEST_PLANE)

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Sequential(_same(4, 32, 5), nn.GELU(), _same(32, 32, 5))
        self.denoisers = nn.ModuleList(Denoiser(width) for width in WIDTHS)
        self.downs = nn.ModuleList(
            nn.Conv2d(width, 2 * width, 2, stride=2, bias=False) for width in WIDTHS[:-1]
        )
        self.raw_decoder = RawDecoder()
        self.feedbacks = nn.ModuleList(Feedback(width) for width in WIDTHS)
        self.corrections = nn.ModuleList(
            ColourCorrection(width, heads) for width, heads in zip(WIDTHS, HEADS, strict=True)
        )
        self.ups = _ups()
        self.fuses = _fuses()
        self.out = nn.Sequential(_same(32, 32, 3), nn.GELU(), nn.Conv2d(32, 12, 1))

    def slim(self) -> Dnf:
        """Copy the network without the head for planes: the same image for 28 GMAC less."""
        slim = copy.deepcopy(self)
        slim.raw_decoder.head = None
        return slim

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) amplified mosaic -> (B, 3, H, W) RGB."""
        return self.outputs(mosaic)[0]

    def outputs(self, mosaic: Tensor) -> tuple[Tensor, Tensor | None]:
        """(B, 1, H, W) amplified mosaic -> RGB (B, 3, H, W) and the denoised mosaic (B, 1, H, W).

        None instead of the latter from a slim copy.
        """
        check_mosaic(mosaic, self)
        planes, margins = self.pad.planes(F.pixel_unshuffle(mosaic, 2))
        embedded = self.embed(planes)
        denoised = self._denoise(embedded)
        head = self.raw_decoder.head
        restored = None
        if head is not None:
            restored = crop(F.pixel_shuffle(head(denoised[0] + embedded), 2), margins)
        return crop(F.pixel_shuffle(self._colour(embedded, denoised), 2), margins), restored

    def _denoise(self, x: Tensor) -> list[Tensor]:
        encoded: list[Tensor] = []
        for level, down in enumerate(self.downs):
            encoded.append(self.denoisers[level](x))
            x = down(encoded[-1])
        features: list[Tensor] = self.raw_decoder(self.denoisers[-1](x), encoded)
        return features

    def _colour(self, x: Tensor, denoised: list[Tensor]) -> Tensor:
        skips = []
        for level, (feedback, denoiser) in enumerate(zip(self.feedbacks, self.denoisers, strict=True)):
            x = feedback(x, denoised[level])
            x = denoiser(x) + x
            if level < len(self.downs):
                skips.append(x)
                x = self.downs[level](x)
        for level in (2, 1, 0):
            x = self.fuses[level](self.ups[level](self.corrections[level + 1](x)), skips[level])
        colours: Tensor = self.out(self.corrections[0](x))
        return colours
