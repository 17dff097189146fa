"""A spike of the loss: what counts as one, and how a run goes on after it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from bench.train import checkpoints, curve
from bench.train.learner import Diverged, Learner
from bench.train.options import Options
from bench.train.sources import data_of
from bench.train.spikes import FROM, MEAN_OVER, SpikeWatch
from bench.train.trainer import train, train_side_by_side

if TYPE_CHECKING:
    from pathlib import Path

STEPS, SPIKE = 24, 13


def _losses(count: int, seed: int = 0) -> list[float]:
    """Losses as batches of four have them: some are three times the median."""
    return [float(each) for each in 0.05 * np.exp(0.5 * np.random.default_rng(seed).standard_normal(count))]


def test_batches_that_differ_are_no_spike_and_a_lasting_jump_is_one() -> None:
    watch, losses = SpikeWatch(), _losses(2000)
    assert max(losses) > 3 * np.median(losses)
    assert not any(watch.spikes(loss) for loss in losses)
    jump = [watch.spikes(5 * loss) for loss in _losses(MEAN_OVER, seed=1)]
    assert not jump[0]
    assert jump[-1]


def test_the_first_steps_have_no_median_to_leave_but_must_be_finite() -> None:
    watch = SpikeWatch()
    assert not any(watch.spikes(loss) for loss in [1.0] * (FROM - MEAN_OVER - 1) + [9.0] * MEAN_OVER)
    assert watch.spikes(float("nan"))
    assert watch.spikes(float("inf"))


def test_a_watch_that_goes_on_says_what_it_would_have_said() -> None:
    losses = [*_losses(700), *(4 * each for each in _losses(60, seed=2))]
    whole, first = SpikeWatch(), SpikeWatch()
    said = [whole.spikes(loss) for loss in losses]
    before = [first.spikes(loss) for loss in losses[:720]]
    second = SpikeWatch(first.losses)
    assert said == before + [second.spikes(loss) for loss in losses[720:]]


def _options(photos: Path, out: Path, name: str = "llpacknet", **changes: Any) -> Options:
    plain = Options(
        name, out, photos, steps=STEPS, batch=2, patch=32, seed=5, threads=1, workers=0, validate_every=10,
        restarts=2, checkpoint_every_s=0.0,
    )  # fmt: skip
    return replace(plain, **changes)


@pytest.fixture
def spiking(monkeypatch: pytest.MonkeyPatch) -> None:
    """LLPackNet's loss is no number at step 13 of its first attempt."""
    torch.set_num_threads(1)
    settle = Learner.settle

    def settled(learner: Learner) -> None:
        if learner.options.name == "llpacknet" and learner.step == SPIKE and not learner.restarts:
            learner._outcome[0] = torch.nan
        settle(learner)

    monkeypatch.setattr(Learner, "settle", settled)


@pytest.mark.usefixtures("spiking")
def test_a_spike_sends_the_run_back_to_its_last_validation_at_half_the_rate(
    photos: Path, tmp_path: Path
) -> None:
    weights = train(_options(photos, tmp_path))
    card = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["training"]["restarts_made"] == [{"spike_at": SPIKE, "back_to": 10}]
    assert card["training"]["steps"] == STEPS
    assert f"went back from step {SPIKE} to step 10" in weights.with_suffix(".md").read_text(encoding="utf-8")
    rates = {step: rate for step, _, rate, *_ in curve.read(tmp_path)}
    train(_options(photos, tmp_path / "calm", "red"))
    calm = {step: rate for step, _, rate, *_ in curve.read(tmp_path / "calm")}
    assert rates[10] == calm[10]
    assert rates[20] == pytest.approx(calm[20] / 2, rel=1e-5)


@pytest.mark.usefixtures("spiking")
def test_interrupted_after_a_restart_it_still_ends_with_the_same_weights(
    photos: Path, tmp_path: Path
) -> None:
    train(_options(photos, tmp_path / "whole"))
    train(_options(photos, tmp_path / "parts", steps=STEPS))
    saved = checkpoints.read(tmp_path / "parts", checkpoints.RESTART)
    assert saved is not None
    assert saved["restarts"]
    checkpoints.write(tmp_path / "parts", saved)  # as a kill soon after it had been written leaves them
    train(_options(photos, tmp_path / "parts", resume=True))
    whole, parts = (checkpoints.read(tmp_path / run) for run in ("whole", "parts"))
    assert whole is not None
    assert parts is not None
    assert all(torch.equal(value, parts["network"][name]) for name, value in whole["network"].items())


@pytest.mark.usefixtures("spiking")
def test_the_networks_beside_it_wait_and_end_as_they_would_alone(photos: Path, tmp_path: Path) -> None:
    train_side_by_side([_options(photos, tmp_path / name, name) for name in ("llpacknet", "red")])
    train(_options(photos, tmp_path / "alone", "red"))
    train(_options(photos, tmp_path / "spiking"))
    for run, other in (("red", "alone"), ("llpacknet", "spiking")):
        one, two = (checkpoints.read(tmp_path / each) for each in (run, other))
        assert one is not None
        assert two is not None
        assert all(torch.equal(value, two["network"][name]) for name, value in one["network"].items())


def test_a_run_that_spikes_after_every_restart_diverges(photos: Path, tmp_path: Path) -> None:
    class Poisoned:
        def __init__(self, source: Any) -> None:
            self.source = source

        def patch(self, step: int, index: int) -> Any:
            patch = self.source.patch(step, index)
            return replace(patch, truth=patch.truth * np.float32(np.nan)) if step == SPIKE else patch

    options = _options(photos, tmp_path)
    data = data_of(options)
    with pytest.raises(Diverged, match="step 13"):
        train(options, replace(data, source=Poisoned(data.source)))
    saved = checkpoints.read(tmp_path)
    assert saved is not None
    assert len(saved["restarts"]) == 2
