"""Train a network's own amplifier: on the whole frame, at its own learning rate, with scaled features.

The published amplifiers turn numbers of the size 1e-3 (mean levels of a dark raw) into one of the size 100
(a gain) through plain linear layers. At the rate of the other layers they would need more steps than a
training has. Here the first layer of the convolutional form and the last layer of both start larger by a
scale, and learn at a rate larger by the same scale, which is equivalent to scaling their input features
(Adam's steps do not depend on the size of the gradient) and leaves the network as published.

What they measure is the frame's histogram or mean planes; during training they are shown a sample of the
whole frame in place of the patch. And the loss has a small term for the gain itself: a trunk of convolutions
and ReLUs compensates for any constant factor, so that without the term the gain's level is not determined
(LLPackNet's wandered from 100 to 16 within 1,600 steps).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from llpacknet.amplifier import ConvAmplifier, HistogramAmplifier

Amplifier = HistogramAmplifier | ConvAmplifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

# The least of SID's ratios, and the size of every gain that can be right.
GAIN = 100.0

# Of a squared stop in the loss: at the best that can be known, 0.64 stops, it adds 0.008.
GAIN_WEIGHT = 0.02

# SID's short exposures have mean levels of 0.5 to 28 digital numbers of 15871.
FEATURE = 1000.0


def amplifier_of(network: nn.Module) -> Amplifier | None:
    """Return the network's child `amplifier` where it is a published one or made from one, else None."""
    found = getattr(network, "amplifier", None)
    return found if isinstance(found, HistogramAmplifier | ConvAmplifier) else None


def scales(amplifier: Amplifier) -> list[tuple[Tensor, float]]:
    """Every parameter of an amplifier with its scale."""
    assert amplifier.out.bias is not None
    scaled: dict[Tensor, float] = {amplifier.out.weight: GAIN, amplifier.out.bias: GAIN}
    if isinstance(amplifier, ConvAmplifier):
        scaled[amplifier.features.weight] = FEATURE
    return [(each, scaled.get(each, 1.0)) for each in amplifier.parameters()]


@torch.no_grad()
def start(amplifier: Amplifier) -> None:
    """Scale fresh weights, in place, so that every gain begins near GAIN."""
    for parameter, scale in scales(amplifier):
        parameter.mul_(scale)
    assert amplifier.out.bias is not None
    amplifier.out.bias.fill_(GAIN)


def show_instead(
    amplifier: nn.Module, frame: Callable[[], Tensor], gained: Callable[[Tensor], None] = lambda _: None
) -> None:
    """Make the amplifier see what `frame` returns instead of its input; report its gain to `gained`."""
    amplifier.register_forward_pre_hook(lambda *_: (frame(),))
    amplifier.register_forward_hook(lambda _module, _inputs, gain: gained(gain))


def distance(gains: Tensor, ratios: Tensor) -> Tensor:
    """Mean squared distance of the gains from the exposure ratios, in stops, times its weight in the loss."""
    return GAIN_WEIGHT * (gains.clamp(min=1).log2() - ratios.log2()).square().mean()


def gauge(amplifier: nn.Module, frames: Tensor, ratios: Tensor) -> dict[str, float]:
    """Measure how the gain depends on the level of a frame.

    Args:
        amplifier: a trained one.
        frames: (N, 1, s, s) samples of held-out frames.
        ratios: (N,) their exposure ratios.

    Returns:
        `gain_slope`, of the gain against the frame's mean level, both as logarithms (for SID, -0.25 is
        right); `gain_level`, the geometric mean of the gains; `ratio_level`, that of the ratios;
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
