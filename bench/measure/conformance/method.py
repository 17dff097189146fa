"""A method as the checks see it: built, with its conventions, and called as a measurement calls it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import baselines
from baselines.registry import conventions, kind_of, network_of
from bench.measure.conformance.findings import Violation
from bench.measure.failures import WrongOutputError
from bench.measure.inputs import made_up_frame
from bench.measure.subjects import Subject

if TYPE_CHECKING:
    from baselines.spec import Kind
    from llpacknet.raw.frame import RawFrame

# A made-up frame of some ten digital numbers above black comes to mid grey by it.
GAIN = 100.0

CALLED = (
    "it is called with a float32 mosaic (B, 1, H, W), 0 black and 1 saturation, and gives RGB (B, 3, H, W); "
    "a classical method or a denoiser with a raw frame and the gain, and gives RGB (H, W, 3)"
)


@dataclass(frozen=True)
class Method:
    """A built method.

    Attributes:
        name: registered name, or module:factory.
        weights: what `baselines.create` was asked for.
        built: the network, or the classical method's callable.
        settings: torch's and NumPy's global settings before its code was imported and run.
    """

    name: str
    weights: str
    built: Any
    settings: dict[str, object]

    @classmethod
    def build(cls, name: str, weights: str) -> Method:
        """Build a method; Violation where its factory gives nothing that can be called."""
        before = global_settings()
        built = baselines.create(name, weights=weights)
        if not callable(built):
            raise Violation(f"the factory returns a {type(built).__name__}, which cannot be called", CALLED)
        return cls(name, weights, built, before)

    @cached_property
    def kind(self) -> Kind:
        """Which kind of method it is."""
        return kind_of(self.name, self.built)

    @cached_property
    def network(self) -> bool:
        """Whether it takes a normalised mosaic rather than a raw frame."""
        return self.kind == "network"

    @cached_property
    def inner(self) -> Any:
        """What has the weights: a denoiser's network, else the method itself."""
        return network_of(self.name, self.built)

    @cached_property
    def subject(self) -> Subject:
        """The method as a measurement prepares it, in the published runtime."""
        called = conventions(self.name, self.built)
        call = self._infer if self.network else lambda placed: self.built(*placed)
        return Subject(self.name, self.network, called, "cpu", call, self.built)

    def _infer(self, mosaic: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return self.built(mosaic)  # type: ignore[no-any-return]

    def place(self, frame: RawFrame, gain: float = GAIN) -> Any:
        """Convert a frame to the method's input."""
        return self.subject.place(frame, gain, self.subject.conventions.input_clip)

    def mosaic(self, frame: RawFrame, gain: float = GAIN) -> torch.Tensor:
        """Convert a frame to a network's input, whatever the method is."""
        subject = replace(self.subject, network=True)
        mosaic: torch.Tensor = subject.place(frame, gain, subject.conventions.input_clip)
        return mosaic

    def restore(self, frame: RawFrame, gain: float = GAIN) -> Any:
        """Call the method on a frame; Violation where it raises or gives no image of that frame."""
        height, width = frame.mosaic.shape
        output = self.call(self.place(frame, gain), f"a frame of {height}x{width}")
        try:
            self.subject.check(output, height, width)
        except WrongOutputError as error:
            raise Violation(f"for a frame of {height}x{width} {error}", CALLED) from error
        return output

    def call(self, placed: Any, what: str) -> Any:
        """Call the method on what `place` gave; Violation where it raises."""
        try:
            return self.subject.forward(placed)
        except Exception as error:
            raise Violation(f"{what} fails with {brief(error)}", CALLED) from error


def brief(error: BaseException) -> str:
    """Put an exception into one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def numbers(output: Any) -> np.ndarray[Any, Any]:
    """Copy an output into a NumPy array of its own."""
    array = output.detach().cpu().numpy() if isinstance(output, torch.Tensor) else np.asarray(output)
    return np.array(array)


def frame(height: int, width: int, seed: int = 0) -> RawFrame:
    """Make a dark frame; the same for the same arguments."""
    return made_up_frame(height, width, seed)


def global_settings() -> dict[str, object]:
    """Read what a method must not change: the global settings under which all methods are measured."""
    return {
        "number of threads": torch.get_num_threads(),
        "default dtype": str(torch.get_default_dtype()),
        "recording of gradients": torch.is_grad_enabled(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "TensorFloat-32 setting": torch.get_float32_matmul_precision(),
        "floating-point error handling": str(np.geterr()),
    }
