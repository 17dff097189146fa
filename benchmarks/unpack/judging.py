"""Differences between two arms, paired by seed, with the interval that verdicts use.

Both arms of a pair start from the same draws and see the same patches in the same order, so that what a
seed does to both cancels. Length and photographs are the same for all, so it says nothing of others.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.judge.arms import FEWEST_SEEDS
from bench.judge.statistics import Estimate, Kind, exact, over_seeds
from benchmarks.unpack.arms import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.unpack.arms import Question
    from benchmarks.unpack.running import Outcome

Verdict = Literal["the same training", "better", "worse", "no difference beyond the seeds'", "too few seeds"]


@dataclass(frozen=True)
class Difference:
    """What a change does to the validation PSNR after the last step.

    Attributes:
        question: the two arms.
        by_seed: changed minus base in dB, by seed; seeds that both arms have finished.
        estimate: over them, without ends for fewer than three; None if no seed is left.
        diverged: seeds of which one arm or both diverged; they have no difference.
        verdict: in words.
    """

    question: Question
    by_seed: Mapping[int, float]
    estimate: Estimate | None
    diverged: tuple[int, ...]
    verdict: Verdict


def of_arms(outcomes: Iterable[Outcome]) -> dict[str, dict[int, Outcome]]:
    """Sort outcomes by arm and seed."""
    found: dict[str, dict[int, Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.arm, {})[outcome.seed] = outcome
    return found


def differences(outcomes: Iterable[Outcome]) -> list[Difference]:
    """Answer every question that the outcomes hold both arms of, with at least one common seed."""
    arms = of_arms(outcomes)
    return [
        _difference(question, arms[question.changed], arms[question.base])
        for question in QUESTIONS
        if arms.get(question.changed, {}).keys() & arms.get(question.base, {}).keys()
    ]


def _difference(
    question: Question, changed: Mapping[int, Outcome], base: Mapping[int, Outcome]
) -> Difference:
    common = sorted(changed.keys() & base.keys())
    by_seed = {
        seed: above - below
        for seed in common
        if (above := changed[seed].psnr) is not None and (below := base[seed].psnr) is not None
    }
    diverged = tuple(seed for seed in common if seed not in by_seed)
    same = all(changed[seed].weights_sha256 == base[seed].weights_sha256 for seed in common)
    found = _estimate(list(by_seed.values()), same=same)
    return Difference(question, by_seed, found, diverged, _verdict(found, same=same))


def _estimate(values: Sequence[float], *, same: bool) -> Estimate | None:
    if not values:
        return None
    if same:
        return exact(0.0)
    if len(values) < FEWEST_SEEDS:
        return Estimate(fmean(values), None, None, len(values), Kind.SINGLE)
    return over_seeds(values)


def _verdict(found: Estimate | None, *, same: bool) -> Verdict:
    if same:
        return "the same training"
    if found is None or found.low is None or found.high is None:
        return "too few seeds"
    if found.low > 0:
        return "better"
    return "worse" if found.high < 0 else "no difference beyond the seeds'"


def mean_curve(outcomes: Iterable[Outcome]) -> list[tuple[int, float]]:
    """Step and validation PSNR in dB, averaged over those of the outcomes that got so far."""
    points: dict[int, list[float]] = {}
    for outcome in outcomes:
        for step, _, psnr in outcome.curve:
            points.setdefault(step, []).append(psnr)
    return [(step, float(np.mean(values))) for step, values in sorted(points.items())]
