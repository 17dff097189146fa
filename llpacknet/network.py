"""LLPackNet in its three published variants, written to be read: a module per named part, plain convolutions.

Trunk (sizes for an H x W mosaic): split into R, G1, G2, B planes (H/2), Pack 8x each (64
channels at H/16), a 3x3 convolution and ReLU per plane, 1x1 to 64, three residual dense blocks, 1x1 of
their outputs plus the skip, PixelShuffle 2, a fourth block at H/8, 3x3 to 192, UnPack 8x to RGB at H.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from llpacknet.amplifier import ConvAmplifier, HistogramAmplifier
from llpacknet.conventions import Conventions
from llpacknet.errors import UsageError
from llpacknet.packing import unpack, unpack_2020_batched
from llpacknet.padding import check_mosaic, crop, pad_to_multiple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from torch import Tensor

Variant = Literal["2022", "2020-histogram", "2020-conv"]
Upsampler = Literal["unpack", "pixelshuffle", "unpack-2020"]
Final = Literal["sigmoid", "relu", "none"]
M = TypeVar("M", bound=nn.Module)

SIZE_MULTIPLE = 16
_UPSAMPLERS: dict[Upsampler, Callable[[Tensor, int], Tensor]] = {
    "unpack": unpack,
    "pixelshuffle": F.pixel_shuffle,
    "unpack-2020": unpack_2020_batched,
}
_FINALS: dict[Final, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "relu": F.relu,
    "none": lambda rgb: rgb,
}
_DEFAULT_FINAL: dict[Variant, Final] = {"2022": "sigmoid", "2020-histogram": "relu", "2020-conv": "none"}


def convolution(
    inputs: int, outputs: int, kernel: int, *, bias: bool = True, groups: int = 1, weight_norm: bool = False
) -> nn.Conv2d:
    """Build a convolution that keeps the size (zero padding), weight-normed per output channel if asked."""
    layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias, groups=groups)
    if weight_norm:
        parametrizations.weight_norm(layer)
    return layer


def fuse_weight_norm(module: M) -> M:
    """Replace every weight-normed weight by its value, in place; the function computed stays the same.

    Without this, the published 2022 network recomputes 35 weights at each call and has 1,552 parameters more.

    Returns:
        The same module.

    """
    layer: Any
    for layer in module.modules():
        if parametrize.is_parametrized(layer, "weight"):
            # Not torch's remove_parametrizations: it edits the layer's class, which deep copies share.
            weight = layer.weight.detach().clone()
            del layer.parametrizations
            layer.__class__ = parametrize.type_before_parametrizations(layer)
            layer.weight = nn.Parameter(weight)
    return module


def for_inference(network: nn.Module) -> nn.Module:
    """Copy a network in eval mode, weight-norm fused, without the parts that are only used in training.

    A network with such parts has a method `slim` that returns a copy without them.
    """
    slim = getattr(network, "slim", None)
    return fuse_weight_norm(slim() if slim is not None else copy.deepcopy(network)).eval()


class ResidualDenseBlock(nn.Module):
    """Dense 3x3 convolutions with ReLU, a 1x1 convolution of everything, plus the input; no biases.

    Maps (B, channels, h, w) to the same shape.
    """

    def __init__(
        self, channels: int, layers: int = 6, growth: int = 32, *, weight_norm: bool = False
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            convolution(channels + growth * index, growth, 3, bias=False, weight_norm=weight_norm)
            for index in range(layers)
        )
        self.fuse = convolution(channels + growth * layers, channels, 1, bias=False, weight_norm=weight_norm)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> (B, channels, h, w)."""
        features = x
        for layer in self.layers:
            features = torch.cat((features, F.relu(layer(features))), dim=1)
        fused: Tensor = self.fuse(features)
        return fused + x


class LLPackNet(nn.Module):
    """LLPackNet, from a normalised RGGB mosaic (B, 1, H, W) to RGB (B, 3, H, W) in [0, 1].

    Args:
        variant: "2022" expects a mosaic already multiplied by the exposure ratio; "2020-histogram" and
            "2020-conv" take the unamplified mosaic (0 black, 1 saturation) and find the gain themselves.
        upsampler: "unpack" (the paper's), "pixelshuffle" (its ablation), or "unpack-2020", the old
            one-liner, which mixes the images of a batch; it exists for the experiment on exactly that.
        weight_norm: weight-norm on every convolution of the trunk; by default only in "2022", as published.
        final: what follows UnPack; by default the published choice: sigmoid (2022), ReLU (2020-histogram
            and the PixelShuffle ablation), nothing (2020-conv).

    H and W may be any even numbers from 16 up (padded to multiples of 16 inside, cropped after). The
    "2020-conv" variant ends with a clip to [0, 1], which is skipped while a training step records
    gradients; "2020-histogram" ends with its ReLU and is clipped when it is scored.

    Raises:
        InputError: an unknown option, or (from forward and gain) a mosaic of unusable shape, dtype, content.

    """

    def __init__(
        self,
        variant: Variant = "2022",
        upsampler: Upsampler = "unpack",
        *,
        weight_norm: bool | None = None,
        final: Final | None = None,
    ) -> None:
        super().__init__()
        _check_choice("variant", variant, _DEFAULT_FINAL)
        _check_choice("upsampler", upsampler, _UPSAMPLERS)
        if final is None:
            final = (
                "relu" if variant == "2020-conv" and upsampler == "pixelshuffle" else _DEFAULT_FINAL[variant]
            )
        _check_choice("final", final, _FINALS)
        self.variant: Variant = variant
        self.upsampler: Upsampler = upsampler
        self.final: Final = final
        normed = variant == "2022" if weight_norm is None else weight_norm
        self.amplifier = _amplifier(variant)
        self.conventions = Conventions(needs_gain=self.amplifier is None, size_multiple=SIZE_MULTIPLE)
        self.planes = nn.ModuleList(convolution(64, 64, 3, weight_norm=normed) for _ in "RGgB")
        self.merge = convolution(256, 64, 1, bias=False, weight_norm=normed)
        self.blocks = nn.ModuleList(ResidualDenseBlock(64, weight_norm=normed) for _ in range(3))
        self.gather = convolution(192, 64, 1, bias=False, weight_norm=normed)
        self.fine_block = ResidualDenseBlock(16, weight_norm=normed)
        self.out = convolution(16, 192, 3, weight_norm=normed)

    def gain(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) unamplified mosaic -> (B,) the gain it is given; ones for "2022", which has none."""
        check_mosaic(mosaic, self)
        return self._gain(mosaic)

    def forward(self, mosaic: Tensor) -> Tensor:
        """(B, 1, H, W) normalised mosaic -> (B, 3, H, W) RGB of the same dtype."""
        check_mosaic(mosaic, self)
        padded, margins = pad_to_multiple(mosaic, SIZE_MULTIPLE)
        # Two PixelUnshuffles in a row: on a single plane, Pack by 8 is PixelUnshuffle by 8.
        packed = F.pixel_unshuffle(F.pixel_unshuffle(padded, 2), 8)
        if self.amplifier is not None:
            # The gain is that of the frame itself: mirrored margins would shift the histogram.
            packed = packed * self._gain(mosaic).view(-1, 1, 1, 1)
        return crop(self._restore(packed), margins)

    def _restore(self, packed: Tensor) -> Tensor:
        quarters = packed.chunk(4, dim=1)
        planes = [F.relu(layer(plane)) for layer, plane in zip(self.planes, quarters, strict=True)]
        x = skip = self.merge(torch.cat(planes, dim=1))
        outputs = []
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        x = self.gather(torch.cat(outputs, dim=1)) + skip
        x = self.out(self.fine_block(F.pixel_shuffle(x, 2)))
        rgb = _FINALS[self.final](_UPSAMPLERS[self.upsampler](x, 8))
        recording = self.training and torch.is_grad_enabled()
        return rgb.clamp(0, 1) if self.variant == "2020-conv" and not recording else rgb

    def _gain(self, mosaic: Tensor) -> Tensor:
        if self.amplifier is None:
            return mosaic.new_ones(len(mosaic))
        gain: Tensor = self.amplifier(mosaic)
        return gain


def _amplifier(variant: Variant) -> nn.Module | None:
    if variant == "2020-histogram":
        return HistogramAmplifier()
    return ConvAmplifier() if variant == "2020-conv" else None


def _check_choice(option: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise UsageError(f"LLPackNet has no {option} {value!r}; choose from {', '.join(choices)}")
