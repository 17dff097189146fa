"""The network: three convolutions at a quarter of the resolution."""

from __future__ import annotations

from importlib import resources

import torch
import torch.nn.functional as F
from safetensors.torch import load
from torch import Tensor, nn

from llpacknet.padding import check_mosaic, crop, pad_to_multiple


class Tiny(nn.Module):
    """Maps a normalised RGGB mosaic (B, 1, H, W), times the gain, to RGB (B, 3, H, W) in [0, 1]."""

    # The caller multiplies the mosaic by the protocol's gain; False if the network amplifies by itself.
    needs_gain = True

    # The amplified mosaic comes unclipped; 1.0 if it is to be clipped at saturation, as SID does.
    input_clip = None

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.first = nn.Conv2d(16, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.last = nn.Conv2d(channels, 48, 3, padding=1)

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, 3, H, W), for any even H and W from 16 up."""
        check_mosaic(mosaic, self)
        padded, margins = pad_to_multiple(mosaic, 4)
        features = F.relu(self.first(F.pixel_unshuffle(padded, 4)))
        features = features + F.relu(self.second(features))
        return crop(torch.sigmoid(F.pixel_shuffle(self.last(features), 4)), margins)


def tiny() -> Tiny:
    """Build the network with the weights of this package; llbench calls this."""
    network = Tiny()
    weights = resources.files("llbench_tiny").joinpath("weights", "tiny.safetensors")
    if weights.is_file():
        network.load_state_dict({name: value.float() for name, value in load(weights.read_bytes()).items()})
    return network
