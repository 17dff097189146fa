"""Estimates with intervals: medians over rounds, means over scenes, ratios taken round by round.

An interval here is over independent repetitions (fresh processes, different scenes), never over the
iterations of one process. With fewer than six repetitions no resampling can say more than their range does,
so the interval is from the least to the largest value; it covers the median with probability 1 - 2^(1-n),
which `coverage` states. From six on it is a 95 % percentile bootstrap with a fixed seed, so that the same
results give the same figures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import stdtrit
from scipy.stats import trim_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

SEED = 2020
RESAMPLES = 2000
CONFIDENCE = 0.95
FEWEST_FOR_BOOTSTRAP = 6


@dataclass(frozen=True)
class Estimate:
    """A figure and what is known of its uncertainty.

    Attributes:
        value: the point estimate.
        low: lower end of its interval; None where a single repetition leaves the spread unknown.
        high: upper end, likewise.
        count: independent repetitions behind it.
        coverage: nominal probability that the interval covers the truth; 1 for an exact count.
    """

    value: float
    low: float | None
    high: float | None
    count: int
    coverage: float

    @property
    def half_width(self) -> float | None:
        """The larger distance from the value to an end of the interval; None where there is none."""
        if self.low is None or self.high is None:
            return None
        return max(self.high - self.value, self.value - self.low)

    def scaled(self, factor: float) -> Estimate:
        """Return the same estimate in another unit (factor > 0)."""
        low = None if self.low is None else self.low * factor
        high = None if self.high is None else self.high * factor
        return replace(self, value=self.value * factor, low=low, high=high)

    def at_least(self, relative: float) -> Estimate:
        """Return the estimate with an interval no narrower than value / (1 + r) to value * (1 + r)."""
        below, above = self.value / (1 + relative), self.value * (1 + relative)
        low = below if self.low is None else min(self.low, below)
        high = above if self.high is None else max(self.high, above)
        return replace(self, low=low, high=high)


def distance_from_one(ratio: Estimate) -> float:
    """How far a ratio that ought to be 1 strays from it, its interval included, as a relative figure."""
    ends = [end for end in (ratio.low, ratio.high, ratio.value) if end is not None]
    return max(math.exp(abs(math.log(end))) - 1 for end in ends)


def exact(value: float) -> Estimate:
    """Return an estimate without uncertainty: a count."""
    return Estimate(value, value, value, 1, 1.0)


def within(value: float, relative: float) -> Estimate:
    """One reading of an instrument whose repeatability is known: value ± relative."""
    return Estimate(value, value * (1 - relative), value * (1 + relative), 1, CONFIDENCE)


def estimate(values: Sequence[float], statistic: Literal["median", "mean"]) -> Estimate:
    """Median or mean of independent repetitions with its interval; ValueError if there are none."""
    sample = np.asarray(values, dtype=float)
    if sample.size == 0:
        raise ValueError("an estimate needs at least one value")
    centre = float(np.median(sample) if statistic == "median" else sample.mean())
    if sample.size < FEWEST_FOR_BOOTSTRAP or not np.isfinite(sample).all():
        return _range(centre, sample)
    drawn = sample[_draws(sample.size)]
    resampled = np.median(drawn, axis=1) if statistic == "median" else drawn.mean(axis=1)
    return _percentiles(centre, resampled, sample.size)


def student(values: Sequence[float]) -> Estimate:
    """Mean of a few independent repetitions with Student's 95 % interval; ValueError for fewer than two."""
    sample = np.asarray(values, dtype=float)
    if sample.size < 2:
        raise ValueError("Student's interval needs at least two values")
    centre, error = float(sample.mean()), float(sample.std(ddof=1)) / math.sqrt(sample.size)
    reach = float(stdtrit(sample.size - 1, (1 + CONFIDENCE) / 2)) * error
    return Estimate(centre, centre - reach, centre + reach, int(sample.size), CONFIDENCE)


def clustered_mean(values: Mapping[str, float], cluster: Mapping[str, str]) -> Estimate:
    """Mean over images whose uncertainty is that of drawing other scenes.

    Args:
        values: figure per image.
        cluster: scene per image. Frames of one scene are not independent: whole scenes are resampled. With
            fewer than three scenes the images themselves are, and `count` is then their number.
    """
    groups: dict[str, list[float]] = {}
    for image in sorted(values):
        groups.setdefault(cluster[image], []).append(values[image])
    if len(groups) < 3:
        return estimate([values[image] for image in sorted(values)], "mean")
    sums = np.array([sum(group) for group in groups.values()])
    sizes = np.array([len(group) for group in groups.values()])
    centre = float(sums.sum() / sizes.sum())
    if len(groups) < FEWEST_FOR_BOOTSTRAP or not np.isfinite(sums).all():
        return _range(centre, sums / sizes)
    draws = _draws(len(groups))
    return _percentiles(centre, sums[draws].sum(axis=1) / sizes[draws].sum(axis=1), len(groups))


def round_medians(samples: Sequence[float], rounds: Sequence[int]) -> dict[int, float]:
    """Median of the samples of each round; a round is one fresh process."""
    by_round: dict[int, list[float]] = {}
    for sample, number in zip(samples, rounds, strict=True):
        by_round.setdefault(number, []).append(sample)
    return {number: float(np.median(by_round[number])) for number in sorted(by_round)}


def turn_medians(
    samples: Sequence[float], rounds: Sequence[int], turns: Sequence[int]
) -> dict[int, dict[int, float]]:
    """Median of the samples of each turn within each round (see `ratios_by_turn`)."""
    found: dict[int, dict[int, list[float]]] = {}
    for sample, number, turn in zip(samples, rounds, turns, strict=True):
        found.setdefault(number, {}).setdefault(turn, []).append(sample)
    return {
        number: {turn: float(np.median(times)) for turn, times in sorted(found[number].items())}
        for number in sorted(found)
    }


def ratios_by_turn(
    above: Mapping[int, Mapping[int, float]], below: Mapping[int, Mapping[int, float]]
) -> dict[int, float]:
    """Ratio in each common round of one interleaved run, from the turns that both took.

    Calls of one turn lie next to each other in time, so that what slows the machine down for longer than a
    turn cancels. The ratio of a round is the geometric mean of the middle half of its turns' ratios: hardly
    less steady than the mean of all, and as deaf to a disturbed turn as the median. Where the two share no
    turn their medians are compared.

    Args:
        above: seconds by turn by round of the numerator.
        below: the same of the denominator.
    """
    ratios = {}
    for number in sorted(set(above) & set(below)):
        first, second = above[number], below[number]
        logs = [math.log(first[turn] / second[turn]) for turn in first if turn in second]
        medians = float(np.median(list(first.values())) / np.median(list(second.values())))
        ratios[number] = math.exp(trim_mean(logs, 0.25)) if logs else medians
    return ratios


def noise_floor(ratios: Sequence[float]) -> float:
    """Relative difference that two runs of the same thing may show: from the ratios of an A/A pair by round.

    Their true value is known to be 1, so that what they stray is all noise. The floor is the 95 % limit of
    Student's t (as many degrees of freedom as rounds) for the ratio of a whole run. One round says little of
    its own noise, and its floor is accordingly high.
    """
    logs = np.log(np.asarray(ratios, dtype=float))
    error = math.sqrt(float(np.mean(logs**2)) / logs.size)
    return float(np.expm1(stdtrit(logs.size, (1 + CONFIDENCE) / 2) * error))


def ratio_by_round(above: Mapping[int, float], below: Mapping[int, float]) -> Estimate | None:
    """Ratio of two sets of per-round medians of one interleaved run.

    Rounds that both have are paired, so that drift of the machine cancels. A method that was timed once is
    compared with every round of the other. None where neither is possible.
    """
    common = sorted(set(above) & set(below))
    if len(common) > 1 or (common and len(above) == len(below) == 1):
        return estimate([above[number] / below[number] for number in common], "median")
    if len(above) == 1 and below:
        single = next(iter(above.values()))
        return replace(estimate([single / value for value in below.values()], "median"), count=1)
    if len(below) == 1 and above:
        single = next(iter(below.values()))
        return replace(estimate([value / single for value in above.values()], "median"), count=1)
    return None


def _draws(size: int) -> NDArray[np.int64]:
    return np.random.default_rng(SEED).integers(0, size, size=(RESAMPLES, size))


def _percentiles(centre: float, resampled: NDArray[np.float64], count: int) -> Estimate:
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(resampled, [tail, 100 - tail])
    return Estimate(centre, float(low), float(high), count, CONFIDENCE)


def _range(centre: float, sample: NDArray[np.float64]) -> Estimate:
    if sample.size == 1 or not math.isfinite(centre):
        return Estimate(centre, None, None, int(sample.size), 0.0)
    coverage = min(1 - 2.0 ** (1 - sample.size), CONFIDENCE)
    return Estimate(centre, float(sample.min()), float(sample.max()), int(sample.size), coverage)
