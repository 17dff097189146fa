"""How a network's own amplifier is trained: on the frame, at its own rate, with features of a usable size.

The published amplifiers turn numbers of the size 1e-3 (mean levels of a dark raw) into one of the size 100
(a gain) through plain linear layers. At the rate of the other layers they would need more steps than a
training has. Here the first layer of the convolutional form and the last layer of both start larger by a
scale, and learn at a rate larger by the same scale, which is the same as scaling the features that they see
(Adam's steps do not depend on the size of the gradient) and leaves the network as it was published.

What they measure is the frame's histogram or mean planes; during training they are shown a sample of the
whole frame in place of the patch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from llpacknet.amplifier import ConvAmplifier, HistogramAmplifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

# The least of SID's ratios, and the size of every gain that can be right.
GAIN = 100.0

# SID's short exposures have mean levels of 0.5 to 28 digital numbers of 15871.
FEATURE = 1000.0


def amplifier_of(network: nn.Module) -> nn.Module | None:
    """Return the network's child `amplifier`, (B, 1, H, W) -> (B,); None where it has none."""
    found = getattr(network, "amplifier", None)
    return found if isinstance(found, nn.Module) else None


def scales(amplifier: nn.Module) -> list[tuple[Tensor, float]]:
    """Every parameter of an amplifier with its scale; 1 for all of one that was not published."""
    scaled: dict[Tensor, float] = {}
    if isinstance(amplifier, HistogramAmplifier | ConvAmplifier):
        assert amplifier.out.bias is not None
        scaled = {amplifier.out.weight: GAIN, amplifier.out.bias: GAIN}
    if isinstance(amplifier, ConvAmplifier):
        scaled[amplifier.features.weight] = FEATURE
    return [(each, scaled.get(each, 1.0)) for each in amplifier.parameters()]


@torch.no_grad()
def start(amplifier: nn.Module) -> None:
    """Scale fresh weights, in place, so that every gain begins near GAIN."""
    for parameter, scale in scales(amplifier):
        parameter.mul_(scale)
    if isinstance(amplifier, HistogramAmplifier | ConvAmplifier):
        assert amplifier.out.bias is not None
        amplifier.out.bias.fill_(GAIN)


def show_instead(amplifier: nn.Module, frame: Callable[[], Tensor]) -> None:
    """Let the amplifier see what `frame` returns, whatever the network hands it."""
    amplifier.register_forward_pre_hook(lambda *_: (frame(),))


def gauge(amplifier: nn.Module, frames: Tensor, ratios: Tensor) -> dict[str, float]:
    """Say how the gain depends on the level of a frame.

    Args:
        amplifier: a trained one.
        frames: (N, 1, s, s) samples of held-out frames.
        ratios: (N,) their exposure ratios.

    Returns:
        `gain_slope`, of the gain against the frame's mean level, both as logarithms (what is known of SID
        makes -0.25 right); `gain_level`, the geometric mean of the gains; `ratio_level`, that of the ratios;
        `gain_error_stops`, root mean square of the gain's distance from the ratio.
    """
    with torch.no_grad():
        gains = amplifier(frames).double().clamp(min=1e-4).log2().cpu().numpy()
    levels = frames.double().mean(dim=(1, 2, 3)).clamp(min=1e-9).log2().cpu().numpy()
    wanted = ratios.double().log2().cpu().numpy()
    slope = float(np.polyfit(levels, gains, 1)[0]) if len(levels) > 1 else 0.0
    return {
        "gain_slope": round(slope, 3),
        "gain_level": round(float(2 ** gains.mean()), 1),
        "ratio_level": round(float(2 ** wanted.mean()), 1),
        "gain_error_stops": round(float(np.sqrt(np.mean((gains - wanted) ** 2))), 3),
    }
