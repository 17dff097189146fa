"""Theoretical costs of a network: parameters, and multiply-accumulates counted product by product.

Counting runs the network on torch's meta device, where tensors have shapes and no values: exact at any size,
and in milliseconds. The operators that arrive there are counted, so that it does not matter whether a
convolution or matrix product is a layer or a call inside `forward`.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from baselines.paper import FULL_HEIGHT, FULL_WIDTH
from llpacknet.errors import InputError
from llpacknet.network import fuse_weight_norm

if TYPE_CHECKING:
    from torch import Tensor, nn


_MATRIX_PRODUCTS = {torch.ops.aten.mm, torch.ops.aten.bmm}
_MATRIX_PRODUCTS_WITH_SUM = {torch.ops.aten.addmm, torch.ops.aten.baddbmm}


@dataclass(frozen=True)
class Product:
    """One convolution or matrix product of a pass.

    Attributes:
        operator: "convolution" or "matrix product".
        macs: its multiply-accumulates.
        macs_at_output: the same with a transposed convolution charged at its output's resolution.
        elements: numbers that it reads and writes: inputs, weights, biases, output.
        element_size: bytes of a number.
    """

    operator: Literal["convolution", "matrix product"]
    macs: int
    macs_at_output: int
    elements: int
    element_size: int


def parameters(network: nn.Module) -> int:
    """Count the parameters of a network as built: with weight-norm live, its gains are included."""
    return sum(parameter.numel() for parameter in network.parameters())


def fused_parameters(network: nn.Module) -> int:
    """Count the parameters that remain once weight-norm is fused."""
    return parameters(fuse_weight_norm(copy.deepcopy(network)))


def macs(
    network: nn.Module,
    height: int = FULL_HEIGHT,
    width: int = FULL_WIDTH,
    *,
    transposed: Literal["input", "output"] = "input",
) -> int:
    """Count the multiply-accumulates of one pass over a mosaic.

    Convolutions (depthwise, grouped and transposed ones too) and matrix products (linear layers, attention)
    count; biases and everything pointwise do not.

    Args:
        network: called with a mosaic (1, 1, height, width); it is copied and stays as it is.
        height: of the mosaic in pixels.
        width: of the mosaic in pixels.
        transposed: the resolution at which transposed convolutions are charged: their input's, where their
            products are made; or their output's, as some counters do, which adds 13 % for SID's U-Net.

    Raises:
        InputError: the network does not accept the size, or cannot run without values.

    """
    found = products(network, height, width)
    return sum(one.macs if transposed == "input" else one.macs_at_output for one in found)


def layer_bytes(network: nn.Module, height: int = FULL_HEIGHT, width: int = FULL_WIDTH) -> int:
    """Count the bytes that those products have to move in one pass over a mosaic.

    Each reads its inputs and its weights once and writes its output once, in the network's number format.
    What lies between them (activations, concatenations) is not counted, nor what a cache saves or a kernel
    reads twice: it is a reference for a roofline, not a measurement.

    Args, Raises: as `macs`.

    """
    return sum(one.elements * one.element_size for one in products(network, height, width))


def products(network: nn.Module, height: int, width: int) -> list[Product]:
    """List the convolutions and matrix products of one pass, in order; arguments and errors as `macs`."""
    shadow = copy.deepcopy(network).to("meta").eval()
    counting = _Counting()
    mosaic = torch.empty(1, 1, height, width, device="meta", dtype=_dtype(network))
    try:
        with torch.no_grad(), counting:
            shadow(mosaic)
    except (NotImplementedError, RuntimeError) as error:
        cause = str(error).partition("\n")[0][:120]
        raise InputError(
            f"cannot count the operations of {type(network).__name__}: it does not run on the meta device "
            f"({cause}); drop complexity from --measure"
        ) from error
    return counting.found


class _Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Record every product that is computed inside a `with` block."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: list[Product] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Else torch loads its whole compiler to keep out of this mode, which takes longer than counting.
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        operator = func.overloadpacket
        if operator is torch.ops.aten.convolution:
            self.found.append(_convolution(args, output))
        elif operator in _MATRIX_PRODUCTS:
            self.found.append(_matrix_product(args[:2], output, args[0].shape[-1]))
        elif operator in _MATRIX_PRODUCTS_WITH_SUM:
            self.found.append(_matrix_product(args[:3], output, args[1].shape[-1]))
        return output


def _convolution(args: tuple[Any, ...], output: Tensor) -> Product:
    inputs, weight, bias = args[:3]
    is_transposed, groups = args[6], args[8]
    # Each number of the output is a sum over a group's inputs; transposed, each input goes into its outputs.
    per_number = math.prod(weight.shape[1:])
    elements = sum(tensor.numel() for tensor in (inputs, weight, bias, output) if tensor is not None)
    if not is_transposed:
        count = output.numel() * per_number
        return Product("convolution", count, count, elements, output.element_size())
    at_output = output.numel() * (weight.shape[0] // groups) * math.prod(weight.shape[2:])
    at_input = inputs.numel() * per_number
    return Product("convolution", at_input, at_output, elements, output.element_size())


def _matrix_product(operands: tuple[Tensor, ...], output: Tensor, length: int) -> Product:
    count = output.numel() * length
    elements = sum(tensor.numel() for tensor in (*operands, output))
    return Product("matrix product", count, count, elements, output.element_size())


def _dtype(network: nn.Module) -> torch.dtype:
    parameter = next(network.parameters(), None)
    return torch.float32 if parameter is None else parameter.dtype
