"""Amplifiers in training: what they see, where they start, and that they learn a gain in few steps."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images

from baselines.registry import factory
from bench.train.amplifying import amplifier_of, gauge, scales, show_instead, start
from bench.train.loading import batch_of
from bench.train.options import Options
from bench.train.patches import Patches
from bench.train.trainer import train
from llpacknet.amplifier import ConvAmplifier, HistogramAmplifier

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from bench.train.loading import Batch


@pytest.fixture(scope="module")
def frames() -> Batch:
    torch.set_num_threads(1)
    source = Patches([np.asarray(image) for image in load_sample_images().images], 32, seed=0)
    made = batch_of([source.patch(0, index) for index in range(128)])
    return made._replace(frame=made.frame[:, :, 48:80, 48:80].contiguous())


@pytest.mark.parametrize("kind", [HistogramAmplifier, ConvAmplifier])
def test_fresh_gains_are_near_a_hundred(kind: type[nn.Module], frames: Batch) -> None:
    torch.manual_seed(0)
    amplifier = kind()
    with torch.no_grad():
        before = amplifier(frames.frame)
        start(amplifier)
        after = amplifier(frames.frame)
    assert before.max() < 2
    assert 50 < after.median() < 150
    assert (after > 1).float().mean() > 0.95


@pytest.mark.parametrize("kind", [HistogramAmplifier, ConvAmplifier])
def test_in_few_steps_the_gain_is_as_right_as_it_can_be(kind: type[nn.Module], frames: Batch) -> None:
    """A constant is 0.7 stops off, and the level of a frame makes it little better; its slope is negative."""
    torch.manual_seed(0)
    amplifier = kind()
    start(amplifier)
    groups = [{"params": [each], "lr": 1e-3 * scale} for each, scale in scales(amplifier)]
    optimiser = torch.optim.AdamW(groups, weight_decay=0)
    for _ in range(200):
        optimiser.zero_grad()
        (amplifier(frames.frame).clamp(min=1).log2() - frames.ratio.log2()).abs().mean().backward()
        optimiser.step()
    found = gauge(amplifier, frames.frame, frames.ratio)
    assert found["gain_error_stops"] < 0.8
    assert found["gain_level"] == pytest.approx(found["ratio_level"], rel=0.35)
    assert -0.7 < found["gain_slope"] < 0.05


def test_the_gauge_reads_the_slope_of_a_power_law(frames: Batch) -> None:
    class Power(torch.nn.Module):
        def forward(self, mosaic: torch.Tensor) -> torch.Tensor:
            return 30 * mosaic.mean(dim=(1, 2, 3)) ** -0.25

    found = gauge(Power(), frames.frame, frames.ratio)
    assert found["gain_slope"] == pytest.approx(-0.25, abs=1e-3)
    assert found["ratio_level"] == pytest.approx(float(frames.ratio.log().mean().exp()), abs=0.1)


@pytest.mark.parametrize("name", ["llpacknet-2020", "llpacknet-2020-conv", "sid-unet+amplifier"])
def test_in_training_the_gain_is_that_of_the_frame(name: str, frames: Batch) -> None:
    """The patch may be as bright as it likes."""
    torch.manual_seed(0)
    network = factory(name)()
    amplifier = amplifier_of(network)
    assert amplifier is not None
    start(amplifier)
    gains: list[torch.Tensor] = []
    amplifier.register_forward_hook(lambda _module, _inputs, gain: gains.append(gain))
    show_instead(amplifier, lambda: frames.frame[:1])
    with torch.no_grad():
        for bright in (0.001, 0.5):
            network(torch.full((1, 1, 32, 32), bright))
    assert torch.equal(gains[0], gains[1])


@pytest.mark.parametrize("name", ["llpacknet", "red"])
def test_networks_that_are_told_the_gain_have_no_amplifier(name: str) -> None:
    assert amplifier_of(factory(name)()) is None


def test_the_loss_tells_the_gain_its_level(photos: Path, tmp_path: Path) -> None:
    """The trunk would make up for any factor; the gain still moves from where it starts to the ratios."""
    plain = Options(
        "llpacknet-2020", tmp_path / "short", photos, steps=1, batch=4, patch=32, workers=0, warm_up=1
    )
    cards = []
    for options in (plain, replace(plain, out=tmp_path / "long", steps=150)):
        card = json.loads(train(options).with_suffix(".json").read_text(encoding="utf-8"))
        cards.append(card["training"])
    assert cards[0]["gain_level"] == pytest.approx(100, rel=0.1)
    assert cards[1]["gain_level"] > 125
    assert cards[1]["gain_error_stops"] < cards[0]["gain_error_stops"] - 0.1
