"""Which combinations of runtime, precision, device and kind of method exist; free of torch."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from baselines.spec import Spec
    from bench.cells import Cell

RUNTIMES = ("published", "eager", "compile", "onnxruntime", "openvino")
PRECISIONS = ("fp32", "bf16", "int8")
DEVICES = ("cpu", "cuda")
INSTALL = 'python -m pip install "llpacknet-bench[accel]"'
MEASURED = {("published", "fp32"), ("eager", "fp32")}
"""Forms that `bench.subjects.build` can make."""


def why_unsupported(cell: Cell, declared: Spec) -> str | None:
    """Say why a cell's form of a method cannot exist here; None where nothing speaks against it."""
    form = f"{cell.runtime} at {cell.precision}"
    if declared.kind == "classical":
        if cell.device != "cpu":
            return f"{cell.model} is a classical method and runs on the CPU"
        if (cell.runtime, cell.precision) != ("published", "fp32"):
            return f"{cell.model} is a classical method: it has its own code and no form {form}"
    elif (cell.runtime, cell.precision) not in MEASURED:
        if cell.runtime in {"onnxruntime", "openvino"} and importlib.util.find_spec(cell.runtime) is None:
            return f"{cell.runtime} is not installed: {INSTALL}"
        return f"this release has no form {form} of {cell.model}"
    return None
