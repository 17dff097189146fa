"""OpenVINO on the processor."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from llpacknet.runtimes.exporting import INPUT
from llpacknet.runtimes.processor import lacks

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from llpacknet.runtimes.framing import Framing

# What is asked for where there are instructions for it; else fp32, and `computes` tells.
HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
_FORMATS = {"f32": "fp32", "bf16": "bf16", "f16": "fp16", "u8": "int8", "i8": "int8"}
CONVOLUTIONS = ("Convolution", "Deconvolution")


def load(
    model: Any,
    framing: Framing,
    size: tuple[int, int],
    precision: str,
    threads: int,
    *,
    profile: bool = False,
) -> tuple[Callable[[Tensor], Tensor], Any]:
    """Compile a model for one frame size.

    Args:
        model: an `openvino.Model` from (1, 1, H, W) to (1, 3, H, W), sides free.
        framing: what stands around it.
        size: rows and columns of the frame.
        precision: "fp32", "bf16", or "int8" for a model that is quantised already.
        threads: threads of one pass.
        profile: whether it keeps times per layer.

    Returns:
        (1, 1, H, W) mosaic -> (1, 3, H, W) RGB in channels-last order, which the next call overwrites; and
        the compiled model.
    """
    import openvino as ov

    model = model.clone()
    model.reshape([1, 1, *framing.trunk_size(*size)])
    images = ov.preprocess.PrePostProcessor(model)
    # Layers work on channels-last activations here; an image handed out as it lies needs no turning.
    images.output().model().set_layout(ov.Layout("NCHW"))
    images.output().tensor().set_layout(ov.Layout("NHWC"))
    compiled = ov.Core().compile_model(
        images.build(),
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": HINTS["fp32" if lacks(precision, "openvino") else precision],
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "PERF_COUNT": profile,
        },
    )
    requests: list[Any] = []

    def forward(mosaic: Tensor) -> Tensor:
        placed, margins = framing.enter(mosaic)
        if not requests:
            requests.append(compiled.create_infer_request())
        request = requests[0]
        request.set_input_tensor(ov.Tensor(placed.detach().numpy(), shared_memory=True))
        request.infer()
        image = torch.from_numpy(np.asarray(request.get_output_tensor().data))
        return framing.leave(image.permute(0, 3, 1, 2), margins)

    return forward, compiled


def read(onnx: bytes) -> Any:
    """Read an ONNX model, its sides free."""
    import openvino as ov

    model = ov.Core().read_model(onnx)
    assert model.inputs[0].get_any_name() == INPUT
    return model


def computes(compiled: Any) -> str:
    """Return the number format in which most of the convolutions run, as the runtime itself tells."""
    found: Counter[str] = Counter()
    for layer in compiled.get_runtime_model().get_ordered_ops():
        facts = layer.get_rt_info()
        if facts["layerType"].astype(str) in CONVOLUTIONS:
            kind = facts["runtimePrecision"].astype(str)
            found[_FORMATS.get(kind, kind)] += 1
    return found.most_common(1)[0][0] if found else "fp32"
