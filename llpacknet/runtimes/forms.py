"""Which runtimes and number formats there are, and which combinations exist here; does not import torch."""

from __future__ import annotations

import importlib.util
import os
import shutil

from llpacknet.runtimes.processor import lacks, why_without

RUNTIMES = ("published", "eager", "compile", "onnxruntime", "openvino")
PRECISIONS = ("fp32", "bf16", "fp16", "int8")
INSTALL = 'python -m pip install "llpacknet-bench[accel]"'

# What the extra `accel` has to provide for a form; torch itself needs onnx to export.
_PACKAGES = {
    ("onnxruntime", "fp32"): ("onnx", "onnxruntime"),
    ("openvino", "fp32"): ("onnx", "openvino"),
    ("openvino", "bf16"): ("onnx", "openvino"),
    ("openvino", "int8"): ("onnx", "openvino", "nncf"),
}
# Formats that it lacks, or has in no quality worth shipping (docs/runtimes.md).
_NOT_IN_ONNXRUNTIME = {
    "bf16": "ONNX Runtime has no bf16 convolution for CPUs; use openvino",
    "int8": "ONNX Runtime rounds to 8 bits what an int8 convolution gives: LLPackNet loses more than 1 dB; "
    "use openvino",
}


def why_unsupported(runtime: str, precision: str, device: str = "cpu") -> str | None:
    """Say in one line why a form of a network is not available here; None if it is."""
    if device == "cuda":
        return _why_not_on_cuda(runtime, precision)
    if precision == "fp16":
        return "fp16 is only for CUDA: CPUs compute in fp32, bf16 or int8"
    if runtime == "published":
        return None if precision == "fp32" else "the published form only computes in fp32"
    if runtime == "onnxruntime" and precision in _NOT_IN_ONNXRUNTIME:
        return _NOT_IN_ONNXRUNTIME[precision]
    if runtime in {"eager", "compile"}:
        return _why_not_in_torch(runtime, precision)
    missing = [name for name in _PACKAGES.get((runtime, precision), ()) if not _installed(name)]
    return f"{' and '.join(missing)} not installed: {INSTALL}" if missing else None


def computed_in_torch(precision: str, device: str = "cpu") -> str:
    """Return the number format in which torch computes a requested one.

    bf16 without instructions for it would be emulated, many times slower than fp32, which takes its place.
    """
    return "fp32" if precision == "bf16" and device == "cpu" and lacks("bf16") else precision


def note(precision: str, computes: str, runtime: str = "eager") -> str | None:
    """Return a note on a form's number format on this processor; None if it is exactly as requested.

    Args:
        precision: what was asked for.
        computes: the number format in which most of the convolutions run.
        runtime: the form's.
    """
    without = why_without(precision, runtime)
    if computes != precision:
        why = f"{without} instructions for it" if without else "the runtime chose to"
        return f"asked for {precision}, computed in {computes}: {why}"
    return f"{without} {precision} instructions: computed by widening" if without else None


def _why_not_in_torch(runtime: str, precision: str) -> str | None:
    if precision == "int8":
        return f"torch has no int8 form of it ({runtime}); use openvino"
    if runtime == "compile" and _compiler() is None:
        return "torch.compile needs a C++ compiler but finds none: install g++, or set CXX"
    return None


def _why_not_on_cuda(runtime: str, precision: str) -> str | None:
    if runtime in {"onnxruntime", "openvino"}:
        return f"{runtime} only runs on the CPU here; on CUDA there are eager and compile"
    if precision == "int8":
        return "there is no int8 form for CUDA; use bf16 or fp16"
    if runtime == "published" and precision != "fp32":
        return "the published form only computes in fp32"
    return None


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _compiler() -> str | None:
    return shutil.which(os.environ.get("CXX") or "g++")
