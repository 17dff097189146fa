"""One network in one runtime and number format, ready to be called.

`published` is the network as its authors run it; `eager` its fastest form in torch. The exported runtimes
take the trunk alone (`framing`): amplifier and margins stay in torch, where they cost next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from llpacknet.cuda import DTYPES, CudaForm
from llpacknet.errors import UnsupportedError
from llpacknet.fast import FastLLPackNet, can_be_banded, fast
from llpacknet.network import for_inference
from llpacknet.runtimes import forms
from llpacknet.runtimes.framing import split

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import Tensor

    from llpacknet.runtimes.framing import Framing

    Forward = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Calibration:
    """What an int8 form is calibrated on.

    Attributes:
        mosaics: (1, 1, H, W) float32 as the network takes them (amplified, where it needs the gain), from
            training scenes, never from images that it is scored on.
        folder: cache for quantised models, since making one takes a minute; None for no cache.
    """

    mosaics: Sequence[Tensor]
    folder: Path | None = None


@dataclass
class Prepared:
    """A network in one form: normalised mosaic (1, 1, H, W) float32 -> RGB (1, 3, H, W).

    An exported form is compiled for one frame size, that of `fit` or of the first call; another size compiles
    it again. Its output may be overwritten by the next call.

    Attributes:
        runtime: one of `forms.RUNTIMES`.
        precision: one of `forms.PRECISIONS`, as asked for.
        computes: the number format in which most convolutions run, as the runtime itself tells.
        levels: the same to 8-bit pixels (1, H, W, 3) in less memory, in the form that has it.
    """

    runtime: str
    precision: str
    computes: str
    levels: Forward | None = field(default=None, repr=False, kw_only=True)
    _fit: Callable[[int, int], tuple[Forward, str]] = field(repr=False)
    _fitted: tuple[tuple[int, int], Forward] | None = field(default=None, repr=False)

    @property
    def note(self) -> str | None:
        """A note on its number format on this processor; None if it is exactly as requested."""
        return forms.note(self.precision, self.computes, self.runtime)

    def fit(self, height: int, width: int) -> None:
        """Compile for a frame size ahead of the first call."""
        if self._fitted is None or self._fitted[0] != (height, width):
            self._fitted = None
            forward, self.computes = self._fit(height, width)
            self._fitted = (height, width), forward

    def __call__(self, mosaic: Tensor) -> Tensor:
        """(1, 1, H, W) float32 -> (1, 3, H, W); a torch form takes any batch and keeps its dtype."""
        height, width = mosaic.shape[-2:]
        self.fit(height, width)
        assert self._fitted is not None
        return self._fitted[1](mosaic)


def prepare(
    network: nn.Module,
    runtime: str = "eager",
    precision: str = "fp32",
    *,
    multiple: int = 2,
    threads: int | None = None,
    device: str = "cpu",
    calibration: Calibration | None = None,
) -> Prepared:
    """Convert a network to a form.

    Args:
        network: in eval mode; it is not changed, on the CPU.
        runtime: one of `forms.RUNTIMES`.
        precision: one of `forms.PRECISIONS`.
        multiple: the network's own size multiple: exports are given frames padded to it.
        threads: of one pass in runtimes that have threads of their own; torch's number if None.
        device: "cpu" or "cuda".
        calibration: for int8.

    Raises:
        UnsupportedError: the form is not available here, or the network cannot be exported; the message says
            why and, if a package is missing, which command installs it.
    """
    reason = forms.why_unsupported(runtime, precision, device)
    if reason:
        raise UnsupportedError(reason)
    if runtime == "published":
        return _in_torch(network.to(device), runtime, precision, precision)
    if precision in DTYPES and runtime in {"eager", "compile"}:
        return _torch_form(network, runtime, precision, multiple, device)
    return _exported(network, runtime, precision, multiple, threads or torch.get_num_threads(), calibration)


def _in_torch(forward: Forward, runtime: str, precision: str, computes: str) -> Prepared:
    """Wrap a network that takes any size itself."""

    def call(mosaic: Tensor) -> Tensor:
        with torch.inference_mode():
            return forward(mosaic)

    return Prepared(runtime, precision, computes, lambda _, __: (call, computes))


def _torch_form(network: nn.Module, runtime: str, precision: str, multiple: int, device: str) -> Prepared:
    computes = forms.computed_in_torch(precision, device)
    plain = device == "cpu" and computes == "fp32"
    if runtime == "eager" and (plain or (device == "cpu" and can_be_banded(network))):
        form = fast(network, DTYPES[computes])
        prepared = _in_torch(form, runtime, precision, computes)
        prepared.levels = form.image if isinstance(form, FastLLPackNet) else None
        return prepared
    fused = for_inference(network).to(device)
    if plain:
        return _in_torch(_compiled(fused), runtime, precision, computes)
    framing, trunk = split(fused, multiple)
    if device == "cuda" and runtime == "eager":
        inner: Forward = CudaForm(trunk, precision, device)
    else:
        inner = _converted(trunk, runtime, computes, device)

    def forward(mosaic: Tensor) -> Tensor:
        placed, margins = framing.enter(mosaic)
        return framing.leave(inner(placed), margins)

    return _in_torch(forward, runtime, precision, computes)


def _converted(trunk: nn.Module, runtime: str, precision: str, device: str) -> Forward:
    """Weights and activations in a number format: float32 in, float32 out."""
    trunk = trunk.to(device, DTYPES[precision])
    if device == "cuda" or runtime == "eager":
        trunk = trunk.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    inner = _compiled(trunk) if runtime == "compile" else trunk

    def forward(mosaic: Tensor) -> Tensor:
        rgb: Tensor = inner(mosaic.to(DTYPES[precision]))
        return rgb.float()

    return forward


def _compiled(network: nn.Module) -> Forward:
    """torch.compile for one size at a time, weights laid out ahead; CUDA graphs where there is CUDA."""
    graphs = next(network.parameters()).is_cuda
    options: dict[str, Any] = {"freezing": True, "triton.cudagraphs": graphs}
    forward: Forward = torch.compile(network, dynamic=False, options=options)
    return forward


def _exported(
    network: nn.Module,
    runtime: str,
    precision: str,
    multiple: int,
    threads: int,
    calibration: Calibration | None,
) -> Prepared:
    from llpacknet.runtimes import exporting

    framing, trunk = split(network, multiple)
    onnx = exporting.to_onnx(trunk, multiple)
    mosaics = _placed(framing, calibration) if precision == "int8" else []
    folder = calibration.folder if calibration else None
    if runtime == "openvino":
        return _in_openvino(onnx, framing, precision, threads, mosaics, folder)
    return _in_onnxruntime(onnx, framing, precision, threads)


def _in_openvino(
    onnx: bytes, framing: Framing, precision: str, threads: int, mosaics: list[Any], folder: Path | None
) -> Prepared:
    from llpacknet.runtimes import openvino_runtime as openvino
    from llpacknet.runtimes import quantising

    quantised = precision == "int8"
    model = quantising.for_openvino(onnx, mosaics, folder) if quantised else openvino.read(onnx)

    def fit(height: int, width: int) -> tuple[Forward, str]:
        forward, compiled = openvino.load(model, framing, (height, width), precision, threads)
        return forward, openvino.computes(compiled)

    return Prepared("openvino", precision, precision, fit)


def _in_onnxruntime(onnx: bytes, framing: Framing, precision: str, threads: int) -> Prepared:
    from llpacknet.runtimes import onnx_runtime

    def fit(height: int, width: int) -> tuple[Forward, str]:
        forward, _ = onnx_runtime.load(onnx, framing, (height, width), threads)
        return forward, precision

    return Prepared("onnxruntime", precision, precision, fit)


def _placed(framing: Framing, calibration: Calibration | None) -> list[Any]:
    """Calibration mosaics as the trunk takes them."""
    if calibration is None or not calibration.mosaics:
        raise UnsupportedError("int8 is calibrated on training scenes, but none were given")
    with torch.no_grad():
        return [framing.enter(mosaic)[0].numpy() for mosaic in calibration.mosaics]
