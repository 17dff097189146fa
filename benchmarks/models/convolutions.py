"""Networks whose work is known: stacks of equal convolutions, a copy that does the same, one that does more.

Named as convolutions:base and so on, with this folder among Python's.
"""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

CHANNELS = 32
LAYERS = 20
REST_S = 0.2


class Convolutions(nn.Module):
    """Mosaic (B, 1, H, W) to RGB (B, 3, H, W) through equal 3x3 convolutions at half the resolution.

    Args:
        layers: how many there are: twenty-one take one twentieth more arithmetic and memory traffic than
            twenty.
    """

    needs_gain = True

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.head = nn.Conv2d(4, CHANNELS, 3, padding=1)
        self.body = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), nn.ReLU(inplace=True))
                for _ in range(layers)
            )
        )
        self.tail = nn.Conv2d(CHANNELS, 12, 3, padding=1)

    def forward(self, mosaic: Tensor) -> Tensor:
        """Restore a mosaic, after a fashion."""
        return pixel_shuffle(self.tail(self.body(self.head(pixel_unshuffle(mosaic, 2)))), 2)


class Rest(nn.Module):
    """Does nothing but wait for `REST_S`, then shows the mosaic as grey."""

    needs_gain = True

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, mosaic: Tensor) -> Tensor:
        """Wait, and show the mosaic."""
        time.sleep(REST_S)
        return (mosaic * self.scale).expand(-1, 3, -1, -1)


def base() -> Convolutions:
    """Return the network that the others are compared with."""
    return Convolutions(LAYERS)


def same() -> Convolutions:
    """Return the same under another name."""
    return Convolutions(LAYERS)


def slower() -> Convolutions:
    """Return the same with one convolution in twenty more."""
    return Convolutions(LAYERS + 1)


def rest() -> Rest:
    """Return the one that waits."""
    return Rest()
