"""A convolution that adds its result to an existing tensor, with oneDNN's fused kernel where torch has it.

The convolution of concatenated inputs is the sum of the convolutions of each, so that a dense block needs no
concatenation: every input is read in place.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor


class Convolution:
    """A stride-1 convolution, zero-padded at the sides but not above and below.

    Args:
        weight: (outputs, inputs, k, k).
        bias: (outputs,) or none.
        relu: whether a ReLU is applied to the sum.
        dtype: number format of weights, inputs and outputs; products are summed in float32 in any case.

    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None = None,
        *,
        relu: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        # A copy that is told the layout: torch fuses a 1x1 convolution only where its strides say so.
        self._weight = weight.detach().to(dtype).clone(memory_format=torch.channels_last)
        self._bias = None if bias is None else bias.detach().to(dtype, copy=True)
        self._relu = relu
        self._padding = (0, weight.shape[-1] // 2)

    def add_to(self, out: Tensor, x: Tensor) -> None:
        """Add the convolution of x (1, inputs, rows+k-1, W) to out (1, outputs, rows, W), in place."""
        if fused_add_works(self._weight.dtype):
            _fused_add(out, x, self._weight, self._bias, self._padding, relu=self._relu)
            return
        out.add_(F.conv2d(x, self._weight, self._bias, padding=self._padding))
        if self._relu:
            out.relu_()


def _fused_add(
    out: Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    padding: tuple[int, int],
    *,
    relu: bool,
) -> None:
    # The operator that torch.compile emits for this.
    torch.ops.mkldnn._convolution_pointwise_.binary(
        out, x, weight, bias, padding, (1, 1), (1, 1), 1, "add", 1.0, "relu" if relu else None, [], None
    )


@cache
def fused_add_works(dtype: torch.dtype = torch.float32) -> bool:
    """Whether this build of torch has the fused operator and it gives the expected result."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    with torch.no_grad():
        x = torch.linspace(-1, 1, 8 * 4 * 6, dtype=dtype).view(1, 8, 4, 6)
        weight = torch.linspace(1, -1, 8 * 8 * 9, dtype=dtype).view(8, 8, 3, 3)
        x, weight = (tensor.contiguous(memory_format=torch.channels_last) for tensor in (x, weight))
        bias = torch.linspace(0, 1, 8, dtype=dtype)
        found = torch.ones(1, 8, 2, 6, dtype=dtype).contiguous(memory_format=torch.channels_last)
        expected = F.relu(found + F.conv2d(x, weight, bias, padding=(0, 1)))
        try:
            _fused_add(found, x, weight, bias, (0, 1), relu=True)
        except (AttributeError, RuntimeError):
            return False
        return bool(torch.allclose(found, expected, rtol=4 * torch.finfo(dtype).eps, atol=1e-4))
