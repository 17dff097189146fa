"""The check that a network exports to ONNX, with the same result there if ONNX Runtime is installed."""

from __future__ import annotations

import importlib.util
import tempfile
import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.measure.conformance.findings import NotApplicable, Violation
from bench.measure.conformance.method import GAIN, Method, brief, frame, numbers
from llpacknet.network import fuse_weight_norm

SIZE = (64, 96)
# Of the largest magnitude: other kernels add in another order.
TOLERANCE = 1e-3
REMEDY = (
    "write forward with tensor operations only: take no Python numbers out of tensors (.item(), float(), "
    "if x.mean() > 0) and use operators that ONNX knows (opset 17)"
)


def export(method: Method) -> str:
    """Check that the network exports to ONNX at a fixed size, and that ONNX Runtime gives its image."""
    if not isinstance(method.inner, torch.nn.Module):
        raise NotApplicable("not a torch.nn.Module: nothing to export")
    if importlib.util.find_spec("onnx") is None:
        raise NotApplicable('onnx is not installed: python -m pip install "llpacknet-bench[accel]"')
    exported = _exported(method, method.mosaic(frame(*SIZE)))
    # On another, darker frame: what tracing froze of the first one shows.
    mosaic = method.mosaic(frame(*SIZE, seed=1), GAIN / 2) * 0.7
    with torch.inference_mode():
        expected = numbers(method.inner(mosaic))
    kilobytes = f"{len(exported) / 1e3:.0f} kB"
    if importlib.util.find_spec("onnxruntime") is None:
        return f"{kilobytes} of ONNX; not compared, onnxruntime is not installed"
    found = _run(exported, mosaic.numpy())
    scale = max(float(np.abs(expected).max()), 1e-12)
    worst = float(np.abs(found - expected).max()) / scale if found.shape == expected.shape else float("inf")
    if not worst <= TOLERANCE:
        raise Violation(
            f"ONNX Runtime gives a different image: {worst:.1e} of the largest value",
            "look for what tracing froze: values computed in Python from the example's pixels",
        )
    return f"{kilobytes} of ONNX; ONNX Runtime differs by {worst:.1e} of the largest value"


def _exported(method: Method, mosaic: torch.Tensor) -> bytes:
    network = fuse_weight_norm(deepcopy(method.inner))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        try:
            with warnings.catch_warnings(), torch.inference_mode():
                warnings.simplefilter("ignore")  # tracing warns of every assertion on a shape
                torch.onnx.export(network, (mosaic,), path, opset_version=17, dynamo=False)
        except Exception as error:
            raise Violation(f"torch.onnx.export fails with {brief(error)}", REMEDY) from error
        return path.read_bytes()


def _run(exported: bytes, mosaic: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])
        (output,) = session.run(None, {session.get_inputs()[0].name: mosaic})
    except Exception as error:
        raise Violation(f"ONNX Runtime fails with {brief(error)}", REMEDY) from error
    return np.asarray(output)
