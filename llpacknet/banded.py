"""LLPackNet's trunk in one pass down the frame, a band of rows at a time (see `llpacknet.rows`).

Float32 or bfloat16 on the CPU; products are summed in float32 either way. Activations are channels-last, so
that Pack and UnPack move whole runs of channels; dense blocks add up what each of their inputs contributes
(`llpacknet.accumulate`) instead of concatenating them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from llpacknet.accumulate import Convolution
from llpacknet.packing import pixelshuffle_order
from llpacknet.rows import Rows, Step, as_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from llpacknet.network import LLPackNet

# Channels of a dense layer, and between blocks at 1/16 and at 1/8 of the frame's sides.
GROWTH, WIDTH, FINE_WIDTH = 32, 64, 16
FACTOR = 8
# Rows at 1/8 of the frame's height that are copied into the image at a time: so few, 192 channels each, are
# still in the cache by then.
UNPACKED_ROWS = 8


# Where a pass has its mosaic from: called with a colour (0 to 3) and a range of packed rows, it writes
# their 8x8 blocks, times the gain, into a tensor (rows, columns, 8, 8).
Packed = Callable[[int, int, int, Tensor], None]
# Where it leaves its image: called with a range of rows at 1/8 of the frame's height and what UnPack
# makes of them, (rows, 8, columns, 8*3) float32 before the final function; it may overwrite that.
Take = Callable[[int, int, Tensor], None]


@dataclass(frozen=True)
class Dense:
    """A dense block's convolutions: `layers[k][j]` is what input j adds to layer k, `fuse[j]` to the end."""

    layers: list[list[Convolution]]
    fuse: list[Convolution]


@dataclass(frozen=True)
class Trunk:
    """An LLPackNet's convolutions, cut up by what they read."""

    planes: list[Convolution]
    merge: list[Convolution]
    blocks: list[Dense]
    gather: list[Convolution]
    fine_block: Dense
    out: Convolution
    dtype: torch.dtype

    @classmethod
    def of(cls, network: LLPackNet, dtype: torch.dtype = torch.float32) -> Trunk:
        """Take the weights of a network whose weight-norm is fused, for activations of a number format."""
        planes: Any = network.planes
        order = torch.arange(3 * FACTOR**2)
        if network.upsampler == "pixelshuffle":
            # PixelShuffle's filters in UnPack's order: the same image by the same copying.
            order = torch.argsort(pixelshuffle_order(FACTOR))
        assert network.out.bias is not None
        return cls(
            planes=[Convolution(layer.weight, layer.bias, relu=True, dtype=dtype) for layer in planes],
            merge=_split(network.merge, 0, dtype),
            blocks=[_dense(block, dtype) for block in network.blocks],
            gather=_split(network.gather, 0, dtype),
            fine_block=_dense(network.fine_block, dtype),
            out=Convolution(network.out.weight[order], network.out.bias[order], dtype=dtype),
            dtype=dtype,
        )


def _dense(block: Any, dtype: torch.dtype) -> Dense:
    channels = block.fuse.out_channels
    layers = [_split(layer, channels, dtype, relu=True) for layer in block.layers]
    return Dense(layers, _split(block.fuse, channels, dtype))


def _split(layer: nn.Conv2d, first: int, dtype: torch.dtype, *, relu: bool = False) -> list[Convolution]:
    """Cut a bias-free convolution by its inputs: `first` channels (or none), then GROWTH, or WIDTH, each."""
    width = GROWTH if first else WIDTH
    cuts = [first] * bool(first) + [width] * ((layer.weight.shape[1] - first) // width)
    parts = torch.split(layer.weight, cuts, dim=1)
    return [Convolution(part, relu=relu and part is parts[-1], dtype=dtype) for part in parts]


class Pass:
    """Everything that goes down frames of one size, with its buffers, to be called frame by frame.

    Args:
        trunk: the convolutions.
        rows: of the frame, in packed pixels (1/16 of its height).
        columns: likewise.
        band: rows at a time.

    """

    def __init__(self, trunk: Trunk, rows: int, columns: int, band: int) -> None:
        self._trunk = trunk
        self._columns = columns
        self._activations: list[Rows] = []
        self._steps: list[Step] = []
        self._packed = [self._rows(WIDTH, rows, columns) for _ in range(4)]
        self._planes = torch.empty(band, columns, WIDTH, dtype=trunk.dtype)
        self._outputs = [self._rows(WIDTH, rows, columns) for _ in range(4)]
        self._gathered = torch.empty(band, columns, WIDTH, dtype=trunk.dtype)
        self._fine = self._rows(FINE_WIDTH, 2 * rows, 2 * columns)
        self._finest = self._rows(FINE_WIDTH, 2 * rows, 2 * columns)
        self._rgb = torch.empty(UNPACKED_ROWS, 2 * columns, 3 * FACTOR**2, dtype=trunk.dtype)
        self._wire(rows, band)
        self._frame: tuple[Packed, Take] | None = None

    def __call__(self, packed: Packed, take: Take) -> None:
        """Restore one frame."""
        self._frame = packed, take
        for activation in self._activations:
            activation.restart()
        for step in self._steps:
            step.done = 0
        last = self._steps[-1]
        while last.done < self._finest.total:
            for step in self._steps:
                step.advance()
        self._frame = None

    def _rows(self, channels: int, total: int, width: int) -> Rows:
        self._activations.append(Rows(channels, total, width, self._trunk.dtype))
        return self._activations[-1]

    def _wire(self, rows: int, band: int) -> None:
        self._steps.append(Step(self._pack, band, total=rows))
        self._steps.append(Step(self._merge, band, near=self._packed))
        for block, x, out in zip(self._trunk.blocks, self._outputs, self._outputs[1:], strict=False):
            self._wire_dense(block, x, out, band)
        self._steps.append(Step(self._gather, band, at=self._outputs))
        self._wire_dense(self._trunk.fine_block, self._fine, self._finest, 2 * band)
        self._steps.append(Step(self._finish, 2 * band, near=[self._finest]))

    def _wire_dense(self, block: Dense, x: Rows, out: Rows, most: int) -> None:
        inputs = [x]
        for layer in block.layers:
            target = self._rows(GROWTH, x.total, x.width)
            work = partial(_add_layer, layer, tuple(inputs), target)
            self._steps.append(Step(work, most, near=tuple(inputs)))
            inputs.append(target)
        self._steps.append(Step(partial(_fuse, block.fuse, inputs, out), most, at=inputs))

    def _pack(self, start: int, end: int) -> None:
        assert self._frame is not None
        for colour, plane in enumerate(self._packed):
            out = plane.append(end - start)[0].permute(1, 2, 0).view(-1, self._columns, FACTOR, FACTOR)
            self._frame[0](colour, start, end, out)

    def _merge(self, start: int, end: int) -> None:
        out = self._outputs[0].append(end - start).zero_()
        plane = as_image(self._planes[: end - start])
        parts = zip(self._trunk.planes, self._packed, self._trunk.merge, strict=True)
        for convolution, packed, merge in parts:
            convolution.add_to(plane.zero_(), packed.window(start - 1, end + 1))
            merge.add_to(out, plane)

    def _gather(self, start: int, end: int) -> None:
        gathered = self._gathered[: end - start]
        skip, *outputs = (rows.window(start, end) for rows in self._outputs)
        as_image(gathered).copy_(skip)
        for convolution, output in zip(self._trunk.gather, outputs, strict=True):
            convolution.add_to(as_image(gathered), output)
        # PixelShuffle by 2.
        fine = self._fine.append(2 * (end - start))[0].permute(1, 2, 0)
        shuffled = gathered.view(-1, self._columns, FINE_WIDTH, 2, 2).permute(0, 3, 1, 4, 2)
        fine.view(-1, 2, self._columns, 2, FINE_WIDTH).copy_(shuffled)

    def _finish(self, start: int, end: int) -> None:
        assert self._frame is not None
        for first in range(start, end, UNPACKED_ROWS):
            last = min(first + UNPACKED_ROWS, end)
            rgb = self._rgb[: last - first]
            self._trunk.out.add_to(as_image(rgb.zero_()), self._finest.window(first - 1, last + 1))
            # UnPack: in channels-last order a row of a block is a run of a row of the image.
            blocks = rgb.float().view(-1, 2 * self._columns, FACTOR, 3 * FACTOR).permute(0, 2, 1, 3)
            self._frame[1](first, last, blocks)


def _add_layer(
    layer: Sequence[Convolution], inputs: Sequence[Rows], target: Rows, start: int, end: int
) -> None:
    out = target.append(end - start).zero_()
    for convolution, rows in zip(layer, inputs, strict=True):
        convolution.add_to(out, rows.window(start - 1, end + 1))


def _fuse(fuse: Sequence[Convolution], inputs: Sequence[Rows], target: Rows, start: int, end: int) -> None:
    out = target.append(end - start)
    out.copy_(inputs[0].window(start, end))
    for convolution, rows in zip(fuse, inputs, strict=True):
        convolution.add_to(out, rows.window(start, end))
