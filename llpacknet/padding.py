"""Which mosaics a network accepts, and how frames of other sizes are padded to fit.

Every network here works on sides that are multiples of 2 to 32. Frames of other even sizes are padded by
reflection about the outermost pixel. That keeps the Bayer phase: a pixel k steps outside is a copy of the one
k steps inside, k and -k have the same parity, and the margins above and to the left are even.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F

from llpacknet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

# Smallest height and width that any network here accepts.
SMALLEST_SIDE = 16


class Margins(NamedTuple):
    """Rows and columns that were added around a mosaic."""

    left: int
    right: int
    top: int
    bottom: int


def check_mosaic(mosaic: Tensor, network: nn.Module | None = None) -> None:
    """Refuse anything but a normalised mosaic that a network can take.

    Args:
        mosaic: to be (B, 1, H, W), B >= 1, H and W even and at least 16, floating point, without NaN.
        network: if given, the mosaic must have the dtype of its parameters.

    Raises:
        InputError: the mosaic breaks a rule; the message names the rule, shape and dtype.

    """
    shape = f"shape {tuple(mosaic.shape)}"
    if mosaic.dim() != 4 or mosaic.shape[1] != 1:
        raise UsageError(f"a mosaic must have the shape (B, 1, H, W), got {shape}")
    batch, _, height, width = mosaic.shape
    if batch == 0:
        raise UsageError(f"a mosaic batch must hold at least one image, got {shape}")
    if min(height, width) < SMALLEST_SIDE:
        raise UsageError(f"a mosaic must be at least {SMALLEST_SIDE} pixels high and wide, got {shape}")
    if height % 2 or width % 2:
        raise UsageError(f"a Bayer mosaic has an even height and width, got {shape}; crop a row or column")
    expected = _dtype(network)
    if not mosaic.is_floating_point() or (expected is not None and mosaic.dtype != expected):
        raise UsageError(
            f"a normalised mosaic must be {expected or torch.float32}, got {mosaic.dtype} of {shape}"
        )
    if not _symbolic(mosaic) and bool(torch.isnan(mosaic.detach().sum())):
        raise UsageError(f"the mosaic of {shape} contains NaN; check the file and its black and white levels")


def pad_to_multiple(mosaic: Tensor, multiple: int) -> tuple[Tensor, Margins]:
    """Pad by reflection, half on either side, until both sides are multiples.

    Args:
        mosaic: (B, C, H, W), H and W even and at least 2.
        multiple: even.

    Returns:
        (B, C, H', W') and the margins, all of them even, that `crop` takes off again.

    """
    height, width = mosaic.shape[-2:]
    top, bottom = _split(-height % multiple)
    left, right = _split(-width % multiple)
    margins = Margins(left, right, top, bottom)
    # Two pixels short of the opposite edge: steps of a mosaic's reflection are even.
    return _reflected(mosaic, margins, 2), margins


def pad_planes(
    planes: Tensor, multiple: int, *, smallest: int = 0, after: bool = False
) -> tuple[Tensor, Margins]:
    """Pad packed planes by reflection, each about its own edges, until both sides are multiples.

    This is not what padding the mosaic gives: column -1 of a plane is its column 1, the mosaic's column 3.

    Args:
        planes: (B, C, h, w), h and w at least 2.
        multiple: of the padded sides.
        smallest: sides to be reached at least, itself a multiple.
        after: all of it at the bottom and on the right; else half of it, rounded down, on top and on the
            left.

    Returns:
        (B, C, h', w') and the margins in pixels of the mosaic, for `crop` to take off the image.

    """
    missing = [max(side + -side % multiple, smallest) - side for side in planes.shape[-2:]]
    top, left = (0 if after else total // 2 for total in missing)
    added = Margins(left, missing[1] - left, top, missing[0] - top)
    return _reflected(planes, added, 1), Margins(*(2 * one for one in added))


def through_planes(mosaic: Tensor, pad: Callable[[Tensor], tuple[Tensor, Margins]]) -> tuple[Tensor, Margins]:
    """Pad a mosaic (B, 1, H, W) plane by plane: (B, 1, H', W') and its margins."""
    planes, margins = pad(F.pixel_unshuffle(mosaic, 2))
    return (F.pixel_shuffle(planes, 2) if any(margins) else mosaic), margins


@dataclass(frozen=True)
class PlanePadding:
    """A network's own way to pad a frame to its multiple; the arguments are those of `pad_planes`."""

    multiple: int
    smallest: int = 0
    after: bool = False

    def planes(self, planes: Tensor) -> tuple[Tensor, Margins]:
        """(B, 4, h, w) -> the padded planes, and the margins in pixels of the mosaic."""
        return pad_planes(planes, self.multiple, smallest=self.smallest, after=self.after)

    def __call__(self, mosaic: Tensor) -> tuple[Tensor, Margins]:
        """(B, 1, H, W) -> the mosaic of its padded planes, and the margins."""
        return through_planes(mosaic, self.planes)


def mirrored(length: int, multiple: int) -> tuple[Tensor, int]:
    """Positions along one side of a frame that `pad_to_multiple` reads, for processing a frame in parts.

    Args:
        length: of the side, even and at least the multiple.
        multiple: even.

    Returns:
        (length',) int64 positions in the frame, and how many of them come before it.

    """
    before, after = _split(-length % multiple)
    steps = torch.arange(-before, length + after).abs()
    return torch.where(steps < length, steps, 2 * (length - 1) - steps), before


def crop(image: Tensor, margins: Margins) -> Tensor:
    """Remove the margins: (B, C, H', W') -> (B, C, H, W)."""
    if not any(margins):
        return image
    height, width = image.shape[-2:]
    return image[..., margins.top : height - margins.bottom, margins.left : width - margins.right]


def _reflected(image: Tensor, margins: Margins, kept: int) -> Tensor:
    """Pad by reflection, in several steps where a margin reaches beyond the opposite edge less `kept`."""
    missing = margins
    while any(missing):
        reach_y, reach_x = (side - kept for side in image.shape[-2:])
        step = Margins(
            min(missing.left, reach_x),
            min(missing.right, reach_x),
            min(missing.top, reach_y),
            min(missing.bottom, reach_y),
        )
        image = F.pad(image, step, mode="reflect")
        missing = Margins(*(rest - done for rest, done in zip(missing, step, strict=True)))
    return image


def _split(total: int) -> tuple[int, int]:
    before = total // 4 * 2
    return before, total - before


def _dtype(network: nn.Module | None) -> torch.dtype | None:
    if network is None:
        return None
    parameter = next(network.parameters(), None)
    return None if parameter is None else parameter.dtype


def _symbolic(mosaic: Tensor) -> bool:
    """Whether the values cannot be looked at: on the meta device, while tracing, compiling or recording."""
    recording = mosaic.is_cuda and torch.cuda.is_current_stream_capturing()
    return mosaic.is_meta or torch.compiler.is_compiling() or torch.jit.is_tracing() or recording  # type: ignore[attr-defined,no-untyped-call]
