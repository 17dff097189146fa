"""The method under measurement, built for a runtime and a precision; imported by workers only."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import baselines
from baselines.registry import conventions, kind_of, network_of
from bench.machine import caches
from bench.measure.failures import WrongOutputError
from bench.measure.tolerance import require_close
from bench.records.forms import why_unsupported
from llpacknet.errors import UnsupportedError
from llpacknet.restoring import BRIGHTEST_MEAN
from llpacknet.runtimes import Calibration, prepare
from llpacknet.runtimes.calibration import placed as calibration_scenes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bench.records.cells import Cell
    from llpacknet.conventions import Conventions
    from llpacknet.raw.frame import RawFrame
    from llpacknet.runtimes import Prepared

# Multiples of 32 and of no more, by which a network shows that needs more and does not say so.
CHECKED_SIZE = (160, 224)


@dataclass(frozen=True)
class Subject:
    """A method ready to be run.

    Attributes:
        model: its name.
        network: whether it takes a normalised mosaic (a network) rather than a raw frame (the others).
        conventions: whether it is given the protocol's gain, and its own clip of the amplified mosaic.
        device: "cpu" or "cuda".
        forward: the timed call: what `place` returned in, the method's own output out.
        method: the method itself, for what only it can say (its parameters, the gain it chose).
        form: its network's form; None for a classical method.
    """

    model: str
    network: bool
    conventions: Conventions
    device: str
    forward: Callable[[Any], Any]
    method: Any = field(repr=False)
    form: Prepared | None = field(default=None, repr=False)

    def place(self, frame: RawFrame, gain: float, clip: float | None) -> Any:
        """Bring a frame into the form and onto the device where `forward` takes it.

        Args:
            frame: the raw frame.
            gain: what the normalised mosaic is multiplied by (a method with its own amplifier ignores it).
            clip: upper clip after the gain; None for none.
        """
        if not self.network:
            return frame, gain
        mosaic = frame.normalised(keeps_negatives=self.conventions.keeps_negatives)
        if self.conventions.needs_gain:
            mosaic *= np.float32(gain)
        if clip is not None:
            np.minimum(mosaic, np.float32(clip), out=mosaic)
        return torch.from_numpy(mosaic)[None, None].to(self.device)

    def chosen_gain(self, placed: Any, given: float) -> float | None:
        """Return the gain behind an output: the given one, or what the method's own amplifier chose."""
        if self.conventions.needs_gain:
            return given
        own = getattr(self.method, "gain", None)
        if own is None:
            return None
        with torch.inference_mode():
            return float(own(placed).item())

    def at_gain_of(self, whole: Any, placed: Any) -> tuple[Any, float]:
        """Return the output for a part of a frame at the gain of the whole, and that gain.

        Of a method that declares `amplified_margin`, in its published form.
        """
        with torch.inference_mode():
            gain = self.method.gain(whole)
            return self.method.restore(placed, gain), float(gain.item())

    def facts(self) -> dict[str, Any]:
        """Say for a result in which number format it computes, and of the eager form whether it has bands."""
        if self.form is None:
            return {}
        note = {"note": self.form.note} if self.form.note else {}
        eager = self.form.runtime == "eager" and self.device == "cpu"
        banded = {"banded": self.form.levels is not None} if eager else {}
        return {"computes": self.form.computes, **note, **banded}

    def image(self, output: Any, height: int, width: int) -> NDArray[np.float32]:
        """(H, W, 3) float32 in [0, 1] from the method's output; WrongOutputError unless it is an image."""
        self.check(output, height, width)
        if self.network:
            mean = float(output.mean(dtype=torch.float64))
            if mean > BRIGHTEST_MEAN:
                raise WrongOutputError(f"the output has a mean of {mean:.3g}, where 1 is white")
            planes: torch.Tensor = output[0].float().clamp(0, 1)
            rgb: NDArray[np.float32] = planes.permute(1, 2, 0).contiguous().cpu().numpy()
            return rgb
        image: NDArray[Any] = np.asarray(output)
        if image.dtype.kind == "u":
            return (image / np.float32(np.iinfo(image.dtype).max)).astype(np.float32)
        if image.dtype.kind != "f":
            raise WrongOutputError(f"the output holds {image.dtype} values, not floats from 0 to 1")
        clipped: NDArray[np.float32] = np.clip(image, 0, 1).astype(np.float32, copy=False)
        return clipped

    def check(self, output: Any, height: int, width: int) -> None:
        """Raise WrongOutputError unless an output is RGB of the frame's size and free of NaN and infinity."""
        expected = (1, 3, height, width) if self.network else (height, width, 3)
        shape = tuple(getattr(output, "shape", ()))
        if shape != expected:
            raise WrongOutputError(f"the output has shape {shape or type(output).__name__}, not {expected}")
        if self.network and not output.is_floating_point():
            raise WrongOutputError(f"the output holds {output.dtype} values, not floats from 0 to 1")
        # A sum is finite only if all its terms are, and needs no second image in memory.
        total = float(output.sum(dtype=torch.float64) if self.network else np.sum(output, dtype=np.float64))
        if not np.isfinite(total):
            raise WrongOutputError("the output contains NaN or infinity")


def build(cell: Cell, weights: str) -> Subject:
    """Build the method of a cell for its device, runtime and precision, compared with `published` first.

    Raises:
        UnsupportedError: the combination does not exist here.
        WrongOutputError: the form gives another image than the published one.
        InputError: unusable weights.
    """
    reason = why_unsupported(cell, baselines.spec(cell.model))
    if reason:
        raise UnsupportedError(reason)
    if cell.device == "cuda" and not torch.cuda.is_available():
        raise UnsupportedError(f"no CUDA device is available: torch {torch.__version__} finds none")
    method = baselines.create(cell.model, weights=weights)
    subject = dress(cell, method)
    if subject.form is not None:
        if cell.runtime != "published":
            _check_training_scene(subject, network_of(cell.model, method), str(cell.precision))
        if cell.height and cell.width:
            subject.form.fit(cell.height, cell.width)
    return subject


def dress(cell: Cell, method: Any, calibration: Calibration | None = None) -> Subject:
    """Bring a method as `create` gives it into the runtime, precision and device of a cell.

    Args:
        cell: says which.
        method: the method; a network is left as it is.
        calibration: what an int8 form finds its ranges on; the training scenes that the package carries if
            None.

    Raises:
        UnsupportedError: the network cannot be brought into that form.
    """
    called = conventions(cell.model, method)
    kind = kind_of(cell.model, method)
    if kind == "classical":
        return Subject(cell.model, False, called, "cpu", lambda placed: method(*placed), method)
    device, network = str(cell.device), network_of(cell.model, method)
    if not isinstance(network, torch.nn.Module):
        if (cell.runtime, device) != ("published", "cpu"):
            raise UnsupportedError(f"{cell.model} is not a torch.nn.Module: it only has its published form")
        return Subject(cell.model, True, called, device, _inference(method), method)
    if cell.precision == "int8" and calibration is None:
        scenes = calibration_scenes(called)
        calibration = Calibration(scenes, caches.place() / caches.QUANTISED)
    form = prepare(
        network,
        str(cell.runtime),
        str(cell.precision),
        multiple=called.size_multiple,
        threads=cell.threads,
        device=device,
        calibration=calibration,
    )
    if kind == "denoiser":
        formed = copy.copy(method)
        formed.network, formed.device = form, device
        return Subject(cell.model, False, called, device, lambda placed: formed(*placed), method, form)
    # The gain that a method tells is found where its frames are.
    return Subject(cell.model, True, called, device, form, method.to(device), form)


def _check_training_scene(subject: Subject, network: torch.nn.Module, precision: str) -> None:
    """Raise WrongOutputError unless a form gives the published form's image of a training scene."""
    scene = calibration_scenes(subject.conventions)[0]
    mosaic = scene[..., : CHECKED_SIZE[0], : CHECKED_SIZE[1]].contiguous().to(subject.device)
    with torch.inference_mode():
        expected = network(mosaic)
    assert subject.form is not None
    found = subject.form(mosaic)
    what = "the published form's output on a training scene"
    # As in `bench.measure.correctness`: with few digits a few pixels may lie far off.
    given, wanted = (output.float().cpu().numpy() for output in (found, expected))
    require_close(given, wanted, precision, what, rms=precision != "fp32")


def _inference(method: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    def forward(mosaic: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return method(mosaic)

    return forward
