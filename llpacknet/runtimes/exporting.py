"""A trunk as ONNX, for any size: what ONNX Runtime and OpenVINO start from."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import torch

from llpacknet.errors import UnsupportedError

if TYPE_CHECKING:
    from torch import nn

OPSET = 17
INPUT, OUTPUT = "mosaic", "rgb"
# Names of the two free dimensions of the input.
HEIGHT, WIDTH = "height", "width"
_ROWS, _COLUMNS = 64, 96


def to_onnx(trunk: nn.Module, multiple: int = 2, outputs: tuple[str, ...] = (OUTPUT,)) -> bytes:
    """Export a trunk (1, 1, H, W) -> (1, 3, H, W), H and W free.

    Traced on a small frame, which takes seconds and little memory whatever the frame to come.

    Args:
        trunk: in eval mode.
        multiple: what its sides are multiples of.
        outputs: names of what it gives, the image first.

    Raises:
        UnsupportedError: it cannot be exported; says why in one line.
    """
    sides = {2: HEIGHT, 3: WIDTH}
    stream: Any = io.BytesIO()  # which the exporter takes, unlike its annotation
    try:
        with torch.no_grad(), warnings.catch_warnings():
            # That shapes are read while tracing is what the checks of the input do.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                trunk,
                (sample(multiple),),
                stream,
                input_names=[INPUT],
                output_names=list(outputs),
                dynamic_axes={INPUT: sides, outputs[0]: sides},
                opset_version=OPSET,
                dynamo=False,
            )
    except Exception as error:
        words = " ".join(str(error).split())[:300]
        raise UnsupportedError(f"it cannot be exported to ONNX: {type(error).__name__}: {words}") from error
    content: bytes = stream.getvalue()
    return content


def sample(multiple: int) -> torch.Tensor:
    """Make the small frame (1, 1, H, W) that a trunk is traced on."""
    return torch.zeros(1, 1, _up(_ROWS, multiple), _up(_COLUMNS, multiple))


def _up(side: int, multiple: int) -> int:
    return side + -side % multiple
