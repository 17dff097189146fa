"""A spike of the loss: what counts as one, and how a run goes on after it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
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
    from collections.abc import Iterator
    from pathlib import Path

STEPS, SPIKE, VALIDATE_EVERY = 12, 7, 5


def _losses(batch: int, count: int, seed: int = 0) -> list[float]:
    """Mean losses of batches, whose patches differ as those of nights do: by a hundred times."""
    each = 0.05 * np.exp(np.random.default_rng(seed).standard_normal((count, batch)))
    return [float(one) for one in each.mean(1)]


@pytest.mark.parametrize("batch", [1, 4])
def test_batches_that_differ_are_no_spike_and_a_lasting_jump_is_one(batch: int) -> None:
    watch, losses = SpikeWatch(batch), _losses(batch, 8000 // batch)
    assert max(losses) > 3 * np.median(losses)
    assert not any(watch.spikes(loss) for loss in losses)
    jump = [watch.spikes(5 * loss) for loss in _losses(batch, MEAN_OVER // batch, seed=1)]
    assert not jump[0]
    assert jump[-1]


def test_the_first_steps_have_no_median_to_leave_but_must_be_finite() -> None:
    watch = SpikeWatch(4)
    assert not any(watch.spikes(loss) for loss in [1.0] * (FROM // 2) + [9.0] * (FROM // 2 - 1))
    assert watch.spikes(float("nan"))
    assert watch.spikes(float("inf"))


def test_a_watch_that_goes_on_says_what_it_would_have_said() -> None:
    losses = [*_losses(4, 700), *(4 * each for each in _losses(4, 60, seed=2))]
    whole, first = SpikeWatch(4), SpikeWatch(4)
    said = [whole.spikes(loss) for loss in losses]
    before = [first.spikes(loss) for loss in losses[:720]]
    second = SpikeWatch(4, first.losses)
    assert said == before + [second.spikes(loss) for loss in losses[720:]]


def _options(photos: Path, out: Path, name: str = "llpacknet", **changes: Any) -> Options:
    plain = Options(
        name, out, photos, steps=STEPS, batch=2, patch=32, seed=5, threads=1, workers=0,
        validate_every=VALIDATE_EVERY, restarts=2,
    )  # fmt: skip
    return replace(plain, **changes)


@contextlib.contextmanager
def _spiking() -> Iterator[None]:
    """LLPackNet's loss is no number at one step of its first attempt."""
    torch.set_num_threads(1)
    settle = Learner.settle

    def settled(learner: Learner) -> None:
        if learner.options.name == "llpacknet" and learner.step == SPIKE and not learner.restarts:
            learner._outcome[0] = torch.nan
        settle(learner)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "settle", settled)
        yield


@pytest.fixture(scope="module")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each network trained by itself: LLPackNet, whose loss spikes, and RED, whose does not."""
    out = tmp_path_factory.mktemp("trained")
    with _spiking():
        for name in ("llpacknet", "red"):
            train(_options(photos, out / name, name))
    return out


def _ends_alike(one: Path, other: Path) -> bool:
    first, second = checkpoints.read(one), checkpoints.read(other)
    assert first is not None
    assert second is not None
    return all(torch.equal(value, second["network"][name]) for name, value in first["network"].items())


def test_a_spike_sends_the_run_back_to_its_last_validation_at_half_the_rate(trained: Path) -> None:
    card = json.loads((trained / "llpacknet" / "llpacknet.json").read_text(encoding="utf-8"))
    assert card["training"]["restarts_made"] == [{"spike_at": SPIKE, "back_to": VALIDATE_EVERY}]
    assert card["training"]["steps"] == STEPS
    text = (trained / "llpacknet" / "llpacknet.md").read_text(encoding="utf-8")
    assert f"went back from step {SPIKE} to step {VALIDATE_EVERY}" in text
    rates, calm = (
        {step: rate for step, _, rate, *_ in curve.read(trained / name)} for name in ("llpacknet", "red")
    )
    assert rates[VALIDATE_EVERY] == calm[VALIDATE_EVERY]
    assert rates[2 * VALIDATE_EVERY] == pytest.approx(calm[2 * VALIDATE_EVERY] / 2, rel=1e-5)


def test_interrupted_after_a_restart_it_still_ends_with_the_same_weights(
    photos: Path, trained: Path, tmp_path: Path
) -> None:
    class Interrupting:
        """Patches of a source; SIGTERM comes while those of the step after the spike are made."""

        def __init__(self, source: Any) -> None:
            self.source = source

        def patch(self, step: int, index: int) -> Any:
            if step == SPIKE + 1 and index == 0:
                os.kill(os.getpid(), signal.SIGTERM)
            return self.source.patch(step, index)

    options = _options(photos, tmp_path)
    data = data_of(options)
    with _spiking():
        with pytest.raises(KeyboardInterrupt):
            train(options, replace(data, source=Interrupting(data.source)))
        saved = checkpoints.read(tmp_path, checkpoints.RESTART)
        assert saved is not None
        assert saved["restarts"]
        assert saved["step"] == VALIDATE_EVERY
        checkpoints.write(tmp_path, saved)  # as a kill soon after it had been written leaves them
        train(replace(options, resume=True))
    assert _ends_alike(trained / "llpacknet", tmp_path)


def test_the_networks_beside_it_wait_and_end_as_they_would_alone(
    photos: Path, trained: Path, tmp_path: Path
) -> None:
    names = ("llpacknet", "red")
    with _spiking():
        train_side_by_side([_options(photos, tmp_path / name, name) for name in names])
    assert all(_ends_alike(trained / name, tmp_path / name) for name in names)


def test_a_run_that_spikes_after_every_restart_diverges(photos: Path, tmp_path: Path) -> None:
    class Poisoned:
        def __init__(self, source: Any) -> None:
            self.source = source

        def patch(self, step: int, index: int) -> Any:
            patch = self.source.patch(step, index)
            return replace(patch, truth=patch.truth * np.float32(np.nan)) if step == SPIKE else patch

    options = _options(photos, tmp_path)
    data = data_of(options)
    with pytest.raises(Diverged, match=f"step {SPIKE}"):
        train(options, replace(data, source=Poisoned(data.source)))
    saved = checkpoints.read(tmp_path)
    assert saved is not None
    assert len(saved["restarts"]) == 2
