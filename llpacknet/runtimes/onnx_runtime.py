"""ONNX Runtime on the processor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from llpacknet.runtimes import exporting

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from llpacknet.runtimes.framing import Framing

PROVIDERS = ["CPUExecutionProvider"]


def load(
    onnx: bytes, framing: Framing, size: tuple[int, int], threads: int, *, profile: bool = False
) -> tuple[Callable[[Tensor], Tensor], Any]:
    """Make a session of an exported trunk.

    Args:
        onnx: the model, its sides free or fixed.
        framing: what stands around it.
        size: rows and columns of the frame.
        threads: threads of one pass.
        profile: whether it keeps times per layer (slower).

    Returns:
        (1, 1, H, W) mosaic -> (1, channels, H, W), which the next call overwrites; and the session.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_profiling = profile
    options.log_severity_level = 3
    rows, columns = framing.trunk_size(*size)
    # With its sides known the runtime folds shapes and plans memory ahead.
    options.add_free_dimension_override_by_name(exporting.HEIGHT, rows)
    options.add_free_dimension_override_by_name(exporting.WIDTH, columns)
    session = ort.InferenceSession(onnx, options, providers=PROVIDERS)
    image: list[Tensor] = []

    def forward(mosaic: Tensor) -> Tensor:
        placed, margins = framing.enter(mosaic)
        if not image:
            image.append(torch.empty(1, framing.channels, rows, columns))
        binding = session.io_binding()
        for bind, name, tensor in (
            (binding.bind_input, exporting.INPUT, placed),
            (binding.bind_output, exporting.OUTPUT, image[0]),
        ):
            bind(name, "cpu", 0, np.float32, tuple(tensor.shape), tensor.data_ptr())
        session.run_with_iobinding(binding)
        return framing.leave(image[0], margins)

    return forward, session
