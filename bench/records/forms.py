"""Which combinations of runtime, precision, device and kind of method exist; free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llpacknet.runtimes.forms import INSTALL, PRECISIONS, RUNTIMES
from llpacknet.runtimes.forms import why_unsupported as why_no_network

if TYPE_CHECKING:
    from baselines.spec import Spec
    from bench.records.cells import Cell

__all__ = ["DEVICES", "INSTALL", "PRECISIONS", "RUNTIMES", "versions_of", "why_unsupported"]

DEVICES = ("cpu", "cuda")
_PACKAGES = {"onnxruntime": ("onnx", "onnxruntime"), "openvino": ("onnx", "openvino", "nncf")}


def why_unsupported(cell: Cell, declared: Spec) -> str | None:
    """Say why a cell's form of a method cannot exist here; None if nothing speaks against it."""
    if declared.kind != "classical":
        return why_no_network(str(cell.runtime), str(cell.precision), str(cell.device))
    if cell.device != "cpu":
        return f"{cell.model} is a classical method and runs on the CPU"
    if (cell.runtime, cell.precision) != ("published", "fp32"):
        form = f"{cell.runtime} at {cell.precision}"
        return f"{cell.model} is a classical method: it runs its own code and has no form {form}"
    return None


def versions_of(runtime: str | None, installed: dict[str, str]) -> dict[str, str]:
    """Pick from the installed versions those that a runtime's results depend on, beside torch's."""
    return {name: installed[name] for name in _PACKAGES.get(runtime or "", ()) if name in installed}
