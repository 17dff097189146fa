"""What a network costs on paper: parameters, and multiply-accumulates counted layer by layer.

Counting runs the network on torch's meta device, where tensors have shapes and no values: exact at any size,
and in milliseconds.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from baselines.paper import FULL_HEIGHT, FULL_WIDTH
from llpacknet.errors import InputError
from llpacknet.network import fuse_weight_norm

if TYPE_CHECKING:
    from torch import Tensor


_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def parameters(network: nn.Module) -> int:
    """Count the parameters of a network as it is built: with weight-norm live, its gains count."""
    return sum(parameter.numel() for parameter in network.parameters())


def fused_parameters(network: nn.Module) -> int:
    """Count the parameters that are left once weight-norm is fused."""
    return parameters(fuse_weight_norm(copy.deepcopy(network)))


def macs(network: nn.Module, height: int = FULL_HEIGHT, width: int = FULL_WIDTH) -> int:
    """Count the multiply-accumulates of one pass over a mosaic.

    Convolutions, transposed convolutions and linear layers count, biases and everything pointwise do not.
    A transposed convolution is charged at its input's resolution, where its products are made; charging it at
    the output, as some counters do, makes SID's U-Net 14 % dearer.

    Args:
        network: called with a mosaic (1, 1, height, width); it is copied and stays as it is.
        height: of the mosaic in pixels.
        width: of the mosaic in pixels.

    Raises:
        InputError: the size is none the network accepts, or the network cannot run without values.

    """
    return sum(_layer_macs(*one) for one in _layers(network, height, width))


def layer_bytes(network: nn.Module, height: int = FULL_HEIGHT, width: int = FULL_WIDTH) -> int:
    """Count the bytes that those layers have to move in one pass over a mosaic.

    Every layer reads its input and its weights once and writes its output once, in the network's number
    format. What lies between the layers (activations, concatenations) is not counted, nor what a cache saves
    or a kernel reads twice: it is the yardstick of a roofline, not a measurement.

    Args, Raises: as `macs`.

    """
    total = 0
    for layer, inputs, output in _layers(network, height, width):
        held = sum(parameter.numel() for parameter in (layer.weight, layer.bias) if parameter is not None)
        total += (inputs.numel() + output.numel() + held) * output.element_size()
    return total


def _layers(network: nn.Module, height: int, width: int) -> list[tuple[Any, Tensor, Tensor]]:
    """Run a pass on the meta device; return its convolutions and linear layers with input and output."""
    seen: list[tuple[Any, Tensor, Tensor]] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen.append((layer, inputs[0], output))

    shadow = copy.deepcopy(network).to("meta").eval()
    for layer in shadow.modules():
        if isinstance(layer, (*_CONVOLUTIONS, *_TRANSPOSED, nn.Linear)):
            layer.register_forward_hook(note)
    mosaic = torch.empty(1, 1, height, width, device="meta", dtype=_dtype(network))
    try:
        with torch.no_grad():
            shadow(mosaic)
    except (NotImplementedError, RuntimeError) as error:
        cause = str(error).partition("\n")[0][:120]
        raise InputError(
            f"cannot count the work of {type(network).__name__}: it does not run on the meta device "
            f"({cause}); leave complexity out of --measure"
        ) from error
    return seen


def _layer_macs(layer: Any, inputs: Tensor, output: Tensor) -> int:
    if isinstance(layer, nn.Linear):
        return output.numel() * layer.in_features
    kernel: int = math.prod(layer.kernel_size)
    if isinstance(layer, _TRANSPOSED):
        return inputs.numel() * int(layer.out_channels // layer.groups) * kernel
    return output.numel() * int(layer.in_channels // layer.groups) * kernel


def _dtype(network: nn.Module) -> torch.dtype:
    parameter = next(network.parameters(), None)
    return torch.float32 if parameter is None else parameter.dtype
