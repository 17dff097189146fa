"""A whole network as one graph for any frame size: amplifier, margins and trunk, for programs without torch.

The exported runtimes of this package keep amplifier and margins in torch (`framing`); a file that someone
else runs has to bring them along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from llpacknet.amplifier import BINS, ConvAmplifier, HistogramAmplifier
from llpacknet.padding import SMALLEST_SIDE, PlanePadding
from llpacknet.runtimes.framing import split

if TYPE_CHECKING:
    from torch import Tensor


class Portable(nn.Module):
    """A network from a mosaic (1, 1, H, W) to an image (1, channels, H, W), traced with H and W free.

    Args:
        network: in eval mode; it is not changed.
        multiple: its own size multiple.

    Attributes:
        channels: 3 for an image, 1 for a restored mosaic.
        has_amplifier: whether it finds its gain itself, and gives it as a second output (1,).
        smallest: the smallest even H and W that it takes.
    """

    def __init__(self, network: nn.Module, multiple: int) -> None:
        super().__init__()
        framing, self.trunk = split(network, multiple)
        self.channels = framing.channels
        self.has_amplifier = framing.amplifier is not None
        self.amplifier = _amplifier(framing.amplifier)
        self._rule = framing.pad if isinstance(framing.pad, PlanePadding) else multiple
        self.smallest = _smallest(self._rule)

    def forward(self, mosaic: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """(1, 1, H, W) float32 normalised mosaic -> the image, and the gain where it has an amplifier."""
        height, width = mosaic.shape[-2:]
        gain = self.amplifier(mosaic)
        (top, rows), (left, columns) = (_places(side, self._rule) for side in (height, width))
        # By index, not by padding: while tracing, torch fixes how much is padded.
        placed = mosaic.index_select(2, rows).index_select(3, columns)
        if self.has_amplifier:
            placed = placed * gain.view(-1, 1, 1, 1)
        image = self.trunk(placed)[..., top : top + height, left : left + width]
        return (image, gain) if self.has_amplifier else image


class _CountingAmplifier(nn.Module):
    """The histogram amplifier, counting by comparisons: ONNX knows no histogram."""

    def __init__(self, amplifier: HistogramAmplifier) -> None:
        super().__init__()
        self.inner = amplifier
        self.edges: list[float] = amplifier.edges.tolist()

    def forward(self, mosaic: Tensor) -> Tensor:
        """(1, 1, H, W) unamplified mosaic -> (1,) gain."""
        # Row by row, so that float32 holds every sum exactly.
        reached = [(mosaic >= edge).float().mean(dim=3).mean(dim=(1, 2)) for edge in self.edges]
        bins = [reached[index] - reached[index + 1] for index in range(BINS)]
        return self.inner.of_histogram(torch.stack(bins, dim=1))


def _amplifier(amplifier: Any) -> nn.Module:
    if isinstance(amplifier, HistogramAmplifier):
        return _CountingAmplifier(amplifier)
    return amplifier if isinstance(amplifier, ConvAmplifier) else nn.Identity()


def _places(side: Any, rule: PlanePadding | int) -> tuple[Any, Tensor]:
    """Find the margin before one side of a frame, and the places that the padded side reads: (side',)."""
    if not isinstance(rule, PlanePadding):
        before, after = _margins(side, rule)
        return before, _reflected(torch.arange(-before, side + after), side)
    half = side // 2
    before, after = _margins(half, rule)
    places = _reflected(torch.arange(-before, half + after), half)
    return 2 * before, torch.stack((2 * places, 2 * places + 1), dim=1).flatten()


def _margins(side: Any, rule: PlanePadding | int) -> tuple[Any, Any]:
    """Margins before and after a side, of a plane for a rule of planes, else of the mosaic."""
    if not isinstance(rule, PlanePadding):
        missing = -side % rule
        before = missing // 4 * 2
        return before, missing - before
    missing = -side % rule.multiple
    short = rule.smallest - side
    # The larger of the two, written so that it can be traced.
    missing = missing + (short - missing) * (short > missing)
    before = 0 if rule.after else missing // 2
    return before, missing - before


def _reflected(steps: Tensor, side: Any) -> Tensor:
    """Places in a frame of steps along it, which reach beyond its ends by less than its side."""
    beyond = steps.abs()
    places = torch.where(beyond < side, beyond, 2 * (side - 1) - beyond)
    # What would have to be reflected twice is no place at all, and runtimes refuse it.
    return torch.where(places < 0, side, places)


def _smallest(rule: PlanePadding | int) -> int:
    """Find the smallest even side of a mosaic from which on no margin reaches beyond the opposite edge."""
    cell, kept = (2, 1) if isinstance(rule, PlanePadding) else (1, 2)
    longest = 2 * (max(rule.multiple, rule.smallest) if isinstance(rule, PlanePadding) else rule)
    sides = range(SMALLEST_SIDE, max(longest, SMALLEST_SIDE) + 2, 2)
    too_small = [side for side in sides if max(_margins(side // cell, rule)) > side // cell - kept]
    return max(too_small, default=SMALLEST_SIDE - 2) + 2
