"""What stands around an exported network: the gain it finds itself, and margins up to its multiple.

An export is the trunk alone, for any size that is a multiple of the network's own. The amplifier stays in
torch and in fp32: it gives one number per image, an error of which would change the whole image, and its
histogram has no counterpart worth having in ONNX.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from llpacknet.amplifier import ConvAmplifier, HistogramAmplifier
from llpacknet.errors import UsageError
from llpacknet.network import for_inference
from llpacknet.padding import Margins, check_mosaic, crop, pad_to_multiple

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

NO_MARGINS = Margins(0, 0, 0, 0)


class _Unit(nn.Module):
    """Stands in the amplifier's place where the mosaic comes amplified."""

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B,) ones."""
        return torch.ones_like(mosaic[:, 0, 0, 0])


@dataclass(frozen=True)
class Framing:
    """Brings mosaics to a trunk, and its images back to the frame's size.

    Attributes:
        multiple: the trunk's sides are multiples of this.
        amplifier: finds the gain of an unamplified mosaic; None for a network that is given it.
        pad: the network's own way to bring a mosaic to its multiple; None for the mosaic's reflection.
        channels: of what the trunk gives: 3 for an image, 1 for a mosaic.
    """

    multiple: int = 2
    amplifier: Any = None
    pad: Callable[[Tensor], tuple[Tensor, Margins]] | None = None
    channels: int = 3

    def trunk_size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns that the trunk sees of a frame."""
        return height + -height % self.multiple, width + -width % self.multiple

    def enter(self, mosaic: Tensor) -> tuple[Tensor, Margins]:
        """(B, 1, H, W) float32 mosaic -> what the trunk takes, and the margins that were added to it.

        Raises InputError: no mosaic that a network takes.
        """
        check_mosaic(mosaic)
        if mosaic.dtype != torch.float32:
            raise UsageError(f"a normalised mosaic must be torch.float32, got {mosaic.dtype}")
        if self.amplifier is not None:
            mosaic = mosaic * self.amplifier(mosaic).view(-1, 1, 1, 1)
        padded, margins = self.pad(mosaic) if self.pad else pad_to_multiple(mosaic, self.multiple)
        return padded.contiguous(), margins

    @staticmethod
    def leave(rgb: Tensor, margins: Margins) -> Tensor:
        """Take the margins off: (B, 3, H', W') -> (B, 3, H, W)."""
        return rgb if margins == NO_MARGINS else crop(rgb, margins)


def split(network: nn.Module, multiple: int) -> tuple[Framing, nn.Module]:
    """Take a network apart into its framing and its trunk, made ready for inference; it stays as it is."""
    amplifier = getattr(network, "amplifier", None)
    trunk: Any = for_inference(network)
    if not isinstance(amplifier, (HistogramAmplifier, ConvAmplifier)):
        channels = getattr(network, "channels", 3)
        return Framing(multiple, pad=getattr(network, "pad", None), channels=channels), trunk
    trunk.amplifier = _Unit()
    return Framing(multiple, amplifier), trunk
