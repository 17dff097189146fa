"""The method under measurement, built for a runtime and a precision; imported by workers only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import baselines
from baselines.registry import conventions, kind_of
from bench.runtimes import why_unsupported
from llpacknet.network import fuse_weight_norm

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bench.cells import Cell
    from llpacknet.raw.frame import RawFrame


class UnsupportedError(Exception):
    """This combination of method, runtime, precision and device does not exist here."""


class WrongOutputError(Exception):
    """The method gave something that is no picture of its input."""


@dataclass(frozen=True)
class Subject:
    """A method ready to be run.

    Attributes:
        model: its name.
        network: whether it takes a normalised mosaic (a network) rather than a raw frame (a classical one).
        needs_gain: whether it is given the protocol's gain.
        input_clip: its own upper clip of the amplified mosaic; None for none.
        device: "cpu" or "cuda".
        forward: the timed call: what `place` returned in, the method's own output out.
        method: the method itself, for what only it can say (its parameters, the gain it chose).
    """

    model: str
    network: bool
    needs_gain: bool
    input_clip: float | None
    device: str
    forward: Callable[[Any], Any]
    method: Any = field(repr=False)

    def place(self, frame: RawFrame, gain: float, clip: float | None) -> Any:
        """Bring a frame into the form and onto the device where `forward` takes it.

        Args:
            frame: the raw frame.
            gain: what the normalised mosaic is multiplied by (a method with its own amplifier ignores it).
            clip: upper clip after the gain; None for none.
        """
        if not self.network:
            return frame, gain
        mosaic = frame.normalised()
        if self.needs_gain:
            mosaic *= np.float32(gain)
        if clip is not None:
            np.minimum(mosaic, np.float32(clip), out=mosaic)
        return torch.from_numpy(mosaic)[None, None].to(self.device)

    def chosen_gain(self, placed: Any, given: float) -> float | None:
        """Return the gain behind an output: the given one, or what the method's own amplifier chose."""
        if self.needs_gain:
            return given
        own = getattr(self.method, "gain", None)
        if own is None:
            return None
        with torch.inference_mode():
            return float(own(placed).item())

    def picture(self, output: Any, height: int, width: int) -> NDArray[np.float32]:
        """(H, W, 3) float32 in [0, 1] from the method's output; WrongOutputError unless it is a picture."""
        self.check(output, height, width)
        if self.network:
            planes: torch.Tensor = output[0].float().clamp(0, 1)
            rgb: NDArray[np.float32] = planes.permute(1, 2, 0).contiguous().cpu().numpy()
            return rgb
        picture: NDArray[Any] = np.asarray(output)
        if picture.dtype.kind == "u":
            return (picture / np.float32(np.iinfo(picture.dtype).max)).astype(np.float32)
        clipped: NDArray[np.float32] = np.clip(picture, 0, 1).astype(np.float32, copy=False)
        return clipped

    def check(self, output: Any, height: int, width: int) -> None:
        """Raise WrongOutputError unless an output is RGB of the frame's size and free of NaN and infinity."""
        expected = (1, 3, height, width) if self.network else (height, width, 3)
        shape = tuple(getattr(output, "shape", ()))
        if shape != expected:
            raise WrongOutputError(f"the output has shape {shape or type(output).__name__}, not {expected}")
        # A sum is finite only if all its terms are, and needs no second picture in memory.
        total = float(output.sum(dtype=torch.float64) if self.network else np.sum(output, dtype=np.float64))
        if not np.isfinite(total):
            raise WrongOutputError("the output holds NaN or infinity")


def build(cell: Cell, weights: str) -> Subject:
    """Build the method of a cell for its device, runtime and precision.

    Raises UnsupportedError where the combination does not exist, InputError for unusable weights.
    """
    reason = why_unsupported(cell, baselines.spec(cell.model))
    if reason:
        raise UnsupportedError(reason)
    if cell.device == "cuda" and not torch.cuda.is_available():
        raise UnsupportedError(f"no CUDA device can be used: torch {torch.__version__} finds none")
    return dress(cell, baselines.create(cell.model, weights=weights))


def dress(cell: Cell, method: Any) -> Subject:
    """Bring a method as `create` gives it into the runtime, precision and device of a cell."""
    needs_gain, clip = conventions(cell.model, method)
    if kind_of(cell.model, method) == "classical":
        return Subject(cell.model, False, needs_gain, clip, "cpu", lambda placed: method(*placed), method)
    if isinstance(method, torch.nn.Module):
        if cell.runtime == "eager":
            method = fuse_weight_norm(method)
        method = method.to(str(cell.device))
    return Subject(cell.model, True, needs_gain, clip, str(cell.device), _inference(method), method)


def _inference(method: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    def forward(mosaic: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return method(mosaic)

    return forward
