"""LLPackNet for inference on a CPU: the same function as `llpacknet.network` in less time and memory.

The plain form computes each activation for the whole frame before the next: none of them fits the cache, all
are written to fresh memory, and dense blocks copy their inputs at every layer. This one goes down the frame
once, a band of rows at a time (`llpacknet.banded`). Apart from input and output, its memory does not depend
on the frame's height, so that even large frames need not be cut into strips.
"""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from llpacknet.amplifier import ConvAmplifier, HistogramAmplifier
from llpacknet.banded import FACTOR, Pass, Trunk
from llpacknet.fast_gain import frame_gain
from llpacknet.network import SIZE_MULTIPLE, LLPackNet, for_inference, fuse_weight_norm
from llpacknet.padding import check_mosaic, mirrored

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from llpacknet.banded import Take

# Pixels at 1/16 of the frame's sides that are worked on at a time: fewer make more calls of the same work,
# more hold more memory (at the A7S II's width this is 64 rows).
BAND_PIXELS = 17024


def _references_of_one() -> int:
    alone = np.empty(1)
    return sys.getrefcount(alone)


# What Python counts of an array that one local name refers to: it differs between versions.
_ALONE = _references_of_one()


def fast(network: nn.Module, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Make a network's fastest eager form for inference, called like the network itself.

    Args:
        network: in eval mode; it is not changed; later changes of its weights have no effect here.
        dtype: of weights and activations, float32 or bfloat16.

    Returns:
        FastLLPackNet for an LLPackNet; for any other network `for_inference`'s copy, channels-last.

    """
    if can_be_banded(network):
        return FastLLPackNet(cast("LLPackNet", network), dtype)
    other: nn.Module = for_inference(network).to(dtype)
    return other.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def can_be_banded(network: nn.Module) -> bool:
    """Whether a network has the form that processes the frame in bands of rows."""
    return isinstance(network, LLPackNet) and network.upsampler != "unpack-2020"


class FastLLPackNet(nn.Module):
    """An LLPackNet for inference: mosaic (B, 1, H, W) -> RGB (B, 3, H, W), channels-last in memory.

    In float32, equal to the plain form except for the order of summation. In bfloat16 (mosaic and image
    stay float32) weights and activations are rounded to 8 bits of mantissa; amplifier, sums of products and
    everything after UnPack stay in float32. A mosaic that is not float32 on the CPU is given to the plain
    form with weight-norm fused. Buffers are kept for the size of the last frame, and the last image's
    memory is reused once nothing refers to it any more: on some machines fresh pages take a large share of
    the time.

    Args:
        network: any variant but the experiment's "unpack-2020"; it is not changed.
        dtype: of weights and activations, float32 or bfloat16.

    """

    def __init__(self, network: LLPackNet, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.network = fuse_weight_norm(copy.deepcopy(network)).eval().requires_grad_(requires_grad=False)
        self.amplifier = self.network.amplifier
        self._trunk = Trunk.of(self.network, dtype)
        self._passes: dict[tuple[int, int], Pass] = {}
        self._last: NDArray[np.generic] | None = None

    def gain(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) unamplified mosaic -> (B,) the gain it is given; ones for "2022", which has none."""
        if self.amplifier is None or not self._banded(mosaic):
            return self.network.gain(mosaic)
        check_mosaic(mosaic, self.network)
        with torch.no_grad():
            return torch.stack([self._gain(frame[0]) for frame in mosaic])

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) normalised mosaic -> (B, 3, H, W) RGB."""
        if not self._banded(mosaic):
            with torch.no_grad():
                return cast("Tensor", self.network(mosaic))
        return self._restore(mosaic, torch.float32).permute(0, 3, 1, 2)

    def image(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) normalised mosaic -> (B, H, W, 3) uint8 RGB, clipped to [0, 1], times 255, rounded."""
        if not self._banded(mosaic):
            with torch.no_grad():
                rgb: Tensor = self.network(mosaic).permute(0, 2, 3, 1)
                return rgb.clamp(0, 1).mul_(255).round_().to(torch.uint8)
        return self._restore(mosaic, torch.uint8)

    def _banded(self, mosaic: Tensor) -> bool:
        parameter = next(self.network.parameters())
        return mosaic.device.type == parameter.device.type == "cpu" and parameter.dtype == torch.float32

    def _gain(self, frame: Tensor) -> Tensor:
        assert isinstance(self.amplifier, (HistogramAmplifier, ConvAmplifier))
        return frame_gain(self.amplifier, frame)

    def _restore(self, mosaic: Tensor, dtype: torch.dtype) -> Tensor:
        """(B, 1, H, W) -> (B, H, W, 3) of that dtype."""
        check_mosaic(mosaic, self.network)
        height, width = mosaic.shape[-2:]
        rows, top = mirrored(height, SIZE_MULTIPLE)
        columns, left = mirrored(width, SIZE_MULTIPLE)
        # Ordinary tensors even where the caller is in inference mode: the buffers outlive the call.
        with torch.inference_mode(mode=False), torch.no_grad():
            memory = self._memory((len(mosaic), len(rows), len(columns), 3), dtype)
            rgb = torch.from_numpy(memory)
            # Taken out while at work, so that a call from another thread makes its own.
            key = len(rows) // SIZE_MULTIPLE, len(columns) // SIZE_MULTIPLE
            run = self._passes.pop(key, None) or Pass(self._trunk, *key, max(1, BAND_PIXELS // key[1]))
            for frame, image in zip(mosaic[:, 0], rgb, strict=True):
                gain = None if self.amplifier is None else self._gain(frame)
                run(_Source(frame, rows, columns, gain), self._sink(image))
            self._passes, self._last = {key: run}, memory
        return rgb[:, top : top + height, left : left + width]

    def _memory(self, shape: tuple[int, ...], dtype: torch.dtype) -> NDArray[np.generic]:
        kind = np.dtype(np.uint8 if dtype == torch.uint8 else np.float32)
        last, self._last = self._last, None
        # Referred to by `last` alone: every tensor that shares it would count too.
        if last is not None and sys.getrefcount(last) == _ALONE and (last.shape, last.dtype) == (shape, kind):
            return last
        del last
        # NumPy asks for huge pages, whose first touch costs a fraction of small ones'.
        return np.empty(shape, kind)

    def _sink(self, image: Tensor) -> Take:
        """Return what turns bands of UnPack into rows of an image (H, W, 3), float32 or uint8."""
        blocks = image.view(image.shape[0] // FACTOR, FACTOR, image.shape[1] // FACTOR, 3 * FACTOR)
        final = _final(self.network)

        def take(start: int, end: int, rgb: Tensor) -> None:
            # In the band's own memory first: in the image's, each row of a block is a loop of its own.
            final(rgb)
            if image.dtype == torch.uint8:
                rgb.clamp_(0, 1).mul_(255).round_()
            blocks[start:end].copy_(rgb)

        return take


class _Source:
    """A frame (H, W) as the trunk reads it: mirrored at its edges up to the network's multiple, amplified."""

    def __init__(self, frame: Tensor, rows: Tensor, columns: Tensor, gain: Tensor | None) -> None:
        self._frame = frame
        self._rows = None if len(rows) == frame.shape[0] else rows
        self._columns = None if len(columns) == frame.shape[1] else columns
        self._gain = gain
        self._start, self._band = -1, frame

    def __call__(self, colour: int, start: int, end: int, out: Tensor) -> None:
        """Write rows of one colour's packed plane into (rows, columns, 8, 8)."""
        if colour == 0:
            self._band = self._read(slice(start * SIZE_MULTIPLE, end * SIZE_MULTIPLE))
        blocks = self._band.view(end - start, FACTOR, 2, out.shape[1], FACTOR, 2)
        plane = blocks[:, :, colour // 2, :, :, colour % 2].permute(0, 2, 1, 3)
        if self._gain is None:
            out.copy_(plane)
        else:
            torch.mul(plane, self._gain, out=out)

    def _read(self, rows: slice) -> Tensor:
        band = self._frame[rows] if self._rows is None else self._frame[self._rows[rows]]
        return (band if self._columns is None else band[:, self._columns]).contiguous()


def _final(network: LLPackNet) -> Callable[[Tensor], object]:
    """Return the network's last function, to be applied in place."""
    if network.final == "sigmoid":
        return torch.sigmoid_
    if network.variant == "2020-conv":
        return lambda rgb: rgb.clamp_(0, 1)
    return torch.relu_ if network.final == "relu" else lambda rgb: rgb
