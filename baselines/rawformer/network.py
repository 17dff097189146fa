"""RawFormer (Xu et al., SPL 2022): a U-Net of blocks that are half convolution, half transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from baselines.attention import ChannelNorm, channel_attention
from llpacknet.padding import check_mosaic, crop, pad_to_multiple

if TYPE_CHECKING:
    from torch import Tensor

SIZE_MULTIPLE = 16
SLOPE = 0.2
HEADS = 8
EPSILON = 1e-5
LEVELS = 4


class Attention(nn.Module):
    """Channel attention with eight heads; query, key and value from one 1x1 and one depthwise 3x3."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(HEADS, 1, 1))
        self.embed = nn.Conv2d(channels, 3 * channels, 1)
        self.spread = nn.Conv2d(3 * channels, 3 * channels, 3, padding=1, groups=3 * channels)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> (B, channels, h, w)."""
        query, key, value = self.spread(self.embed(x)).chunk(3, dim=1)
        mixed: Tensor = self.out(channel_attention(query, key, value, self.temperature))
        return mixed


class FeedForward(nn.Module):
    """1x1 to twice the channels, depthwise 3x3, GELU, 1x1 back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.widen = nn.Conv2d(channels, 2 * channels, 1)
        self.spread = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels)
        self.narrow = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> (B, channels, h, w)."""
        narrowed: Tensor = self.narrow(F.gelu(self.spread(self.widen(x))))
        return narrowed


class ConvTransformer(nn.Module):
    """A convolution beside a transformer, merged by 1x1 and 3x3: (B, channels, h, w) to the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1)
        self.attention_norm = ChannelNorm(channels, EPSILON)
        self.attention = Attention(channels)
        self.feed_norm = ChannelNorm(channels, EPSILON)
        self.feed_forward = FeedForward(channels)
        self.merge = nn.Conv2d(2 * channels, channels, 1)
        self.out = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> (B, channels, h, w)."""
        local = F.leaky_relu(self.convolution(x), SLOPE)
        x = x + self.attention(self.attention_norm(x))
        x = x + self.feed_forward(self.feed_norm(x))
        return F.leaky_relu(self.out(self.merge(torch.cat((local, x), dim=1))), SLOPE)


class RawFormer(nn.Module):
    """RawFormer: amplified mosaic (B, 1, H, W), not clipped above -> RGB (B, 3, H, W), unclipped.

    H and W may be any even numbers from 16 up (padded to multiples of 16 inside, cropped after). Every block
    attends to the whole frame, so that a frame cut into parts gives a different image.

    Args:
        width: channels of the first level: 32 (S), 48 (B) or 64 (L).

    Raises:
        InputError: from forward, a mosaic of unusable shape, dtype or content.

    """

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width << level for level in range(LEVELS)]
        self.embedding = nn.Conv2d(4, width, 3, padding=1)
        self.down_blocks = nn.ModuleList(ConvTransformer(channels) for channels in widths)
        self.downs = nn.ModuleList(
            nn.Conv2d(channels, channels // 2, 3, padding=1, bias=False) for channels in widths[:-1]
        )
        narrowing = widths[-2::-1]
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(2 * channels, channels, 2, stride=2) for channels in narrowing
        )
        self.merges = nn.ModuleList(nn.Conv2d(2 * channels, channels, 1) for channels in narrowing)
        self.up_blocks = nn.ModuleList(ConvTransformer(channels) for channels in narrowing)
        self.out = nn.Conv2d(width, 12, 3, padding=1)

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) amplified mosaic -> (B, 3, H, W) RGB."""
        check_mosaic(mosaic, self)
        padded, margins = pad_to_multiple(mosaic, SIZE_MULTIPLE)
        x = self.embedding(F.pixel_unshuffle(padded, 2))
        skips = []
        for block, down in zip(self.down_blocks[:-1], self.downs, strict=True):
            skips.append(block(x))
            x = F.pixel_unshuffle(down(skips[-1]), 2)
        x = self.down_blocks[-1](x)
        for up, merge, block in zip(self.ups, self.merges, self.up_blocks, strict=True):
            x = block(merge(torch.cat((up(x), skips.pop()), dim=1)))
        return crop(F.pixel_shuffle(F.leaky_relu(self.out(x), SLOPE), 2), margins)


def small() -> RawFormer:
    """Build RawFormer-S."""
    return RawFormer(32)


def base() -> RawFormer:
    """Build RawFormer-B."""
    return RawFormer(48)


def large() -> RawFormer:
    """Build RawFormer-L."""
    return RawFormer(64)
