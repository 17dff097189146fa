"""Figures and their uncertainty: the only place where the suite computes intervals.

An interval is over independent repetitions (fresh processes, other scenes, other seeds), never over the
iterations of one process. It is called one only where simulation finds that it covers the truth at least 93
times in 100 with normal, heavy-tailed, skewed and bimodal noise and with a slow first round
(`benchmarks/interval_coverage.py`, docs/methodology.md); otherwise, and wherever the values drift, only their
range is given, which decides nothing.

- Medians over rounds, seeds or scenes: the interval between two order statistics (the sign test's), which
  covers the median of any distribution; it needs five values.
- Means over scenes: Student's 99 % interval, which covers the mean of a skewed distribution 93 times in 100
  from 24 scenes on.
- Shares of trainings: Clopper and Pearson's exact interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import bdtr, betaincinv, ndtri, stdtrit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

# Probability with which an interval may miss, where nothing else is said.
ERROR = 0.05
# What does not cover so often is called no interval; five values, whose range covers 93.75 %, are enough.
LEAST_COVERAGE = 0.93
# Nominal error of Student's interval, and the scenes from which on it holds `LEAST_COVERAGE`.
MEAN_ERROR, FEWEST_FOR_MEAN = 0.01, 24
# Values from which on the sign test's interval holds `LEAST_COVERAGE`.
FEWEST_FOR_MEDIAN = 5
# Probability with which values without a trend are taken to have one.
TREND_ERROR = 0.05
# From so many rounds on the first, which is 9 to 23 % slow, is a warm-up and left out.
WARM_UP_FROM = 6
# Stated spread of PSNR over trainings of one network that differ by their seed alone, a standard deviation.
# The largest of the experiment on UnPack (`results/unpack`: 0.1 to 0.76 dB over three seeds, batch 4).
SEED_SPREAD_DB = 0.8


class Kind(StrEnum):
    """What the ends of a figure mean."""

    # A count: there is no uncertainty.
    EXACT = "exact"
    # Covers the truth at least 93 times in 100.
    INTERVAL = "interval"
    # Rests on a repeatability that is stated, not measured with the figure.
    STATED = "stated"
    # From the least to the largest value: too few for an interval, or they drift.
    RANGE = "range"
    # One value, whose spread is not known.
    SINGLE = "single"


@dataclass(frozen=True)
class Estimate:
    """A figure and its uncertainty.

    Attributes:
        value: the point estimate.
        low: lower end; None if a single repetition leaves the spread unknown.
        high: upper end, likewise.
        count: independent repetitions behind it.
        kind: what the ends mean.
        drifts: whether the repetitions have a trend, so that there is only their range instead of an
        interval.
    """

    value: float
    low: float | None
    high: float | None
    count: int
    kind: Kind
    drifts: bool = False

    @property
    def half_width(self) -> float | None:
        """The larger distance from the value to an end; None if there is none."""
        if self.low is None or self.high is None:
            return None
        return max(self.high - self.value, self.value - self.low)

    @property
    def decides(self) -> bool:
        """Whether a verdict may rest on its ends."""
        return self.kind in {Kind.EXACT, Kind.INTERVAL, Kind.STATED}

    def scaled(self, factor: float) -> Estimate:
        """Return the same estimate in another unit (factor > 0)."""
        low = None if self.low is None else self.low * factor
        high = None if self.high is None else self.high * factor
        return replace(self, value=self.value * factor, low=low, high=high)

    def at_least(self, relative: float) -> Estimate:
        """Return the estimate, if it has ends, with none nearer than value / (1 + r) and value * (1 + r)."""
        if self.low is None or self.high is None:
            return self
        below, above = self.value / (1 + relative), self.value * (1 + relative)
        return replace(self, low=min(self.low, below), high=max(self.high, above))

    def with_further(self, reach: float) -> Estimate:
        """Return the estimate with an independent uncertainty of ± `reach` added in quadrature."""
        if self.low is None or self.high is None:
            return self
        low = self.value - math.hypot(self.value - self.low, reach)
        return replace(self, low=low, high=self.value + math.hypot(self.high - self.value, reach))


def exact(value: float) -> Estimate:
    """Return an estimate without uncertainty: a count."""
    return Estimate(value, value, value, 1, Kind.EXACT)


def stated(value: float, factor: float) -> Estimate:
    """One reading of an instrument whose repeatability is stated: from value / factor to value * factor."""
    return Estimate(value, value / factor, value * factor, 1, Kind.STATED)


def median(values: Sequence[float], error: float = ERROR, *, in_order: bool = False) -> Estimate:
    """Median of independent values, with the interval of the sign test or with their range.

    Args:
        values: at least one.
        error: probability with which the interval may miss; a smaller one than `ERROR` where several
            orderings are decided together.
        in_order: whether the values follow each other in time, so that a trend can be looked for.

    Raises:
        ValueError: there are none.
    """
    sample = np.asarray(values, dtype=float)
    if sample.size == 0:
        raise ValueError("an estimate needs at least one value")
    centre = float(np.median(sample))
    if sample.size == 1 or not np.isfinite(sample).all():
        return Estimate(centre, None, None, int(sample.size), Kind.SINGLE)
    left_out = _left_out(sample.size, error)
    drifts = in_order and has_trend(sample)
    if left_out is None or drifts:
        return _range(centre, sample, drifts=drifts)
    ordered = np.sort(sample)
    low, high = float(ordered[left_out]), float(ordered[-1 - left_out])
    return Estimate(centre, low, high, int(sample.size), Kind.INTERVAL)


@cache
def _left_out(count: int, error: float) -> int | None:
    """How many values at either end lie outside the sign test's interval; None if none covers enough."""
    left_out = -1
    while 2 * bdtr(left_out + 1, count, 0.5) <= error:
        left_out += 1
    if left_out < 0 and error == ERROR and 2 * bdtr(0, count, 0.5) <= 1 - LEAST_COVERAGE:
        return 0
    return left_out if left_out >= 0 else None


def has_trend(values: Sequence[float] | NDArray[np.float64]) -> bool:
    """Whether values in order of time rise or fall more than chance lets them (Mann and Kendall's test)."""
    sample = np.asarray(values, dtype=float)
    upper = np.sign(sample[None, :] - sample[:, None])[np.triu_indices(sample.size, 1)]
    return bool(abs(upper.sum()) >= _critical(sample.size))


@cache
def _critical(count: int) -> float:
    """Least |S| of Kendall's statistic that values without a trend reach with at most `TREND_ERROR`."""
    ways = np.ones(1)
    for width in range(2, count + 1):
        ways = np.convolve(ways, np.full(width, 1 / width))  # one more value has `width` places to go to
    tail = np.cumsum(ways)
    allowed = int((tail <= TREND_ERROR / 2).sum())  # inversions 0 ... allowed - 1 lie in the lower tail
    pairs = count * (count - 1) // 2
    return pairs - 2 * (allowed - 1) if allowed else math.inf


def over_rounds(by_round: Mapping[int, float]) -> Estimate:
    """Median over the rounds of a run, the first of many left out; ValueError if there are none."""
    values = [by_round[number] for number in sorted(by_round)]
    return median(values[1:] if len(values) >= WARM_UP_FROM else values, in_order=True)


def mean(values: Sequence[float]) -> Estimate:
    """Mean of independent values with its interval or, of fewer than 24, their range; ValueError if none."""
    return clustered_mean({str(i): one for i, one in enumerate(values)}, {})


def clustered_mean(values: Mapping[str, float], cluster: Mapping[str, str]) -> Estimate:
    """Mean over images whose uncertainty is that of drawing other scenes.

    Args:
        values: figure per image.
        cluster: scene per image; one that is not named is a scene of its own. Frames of one scene are not
            independent: the scenes count. Of fewer than `FEWEST_FOR_MEAN` of them the range of their means is
            given.
    """
    if not values:
        raise ValueError("an estimate needs at least one value")
    groups = _grouped(values, cluster)
    sums, sizes = (np.array([take(group) for group in groups.values()], dtype=float) for take in (sum, len))
    centre, count = float(sums.sum() / sizes.sum()), len(groups)
    if count == 1 or not np.isfinite(sums).all():
        return Estimate(centre, None, None, count, Kind.SINGLE)
    if count < FEWEST_FOR_MEAN:
        return _range(centre, sums / sizes)
    error = float((sums - centre * sizes).std(ddof=1)) / sizes.mean() / math.sqrt(count)
    reach = float(stdtrit(count - 1, 1 - MEAN_ERROR / 2)) * error
    return Estimate(centre, centre - reach, centre + reach, count, Kind.INTERVAL)


def clustered_median(
    values: Mapping[str, float], cluster: Mapping[str, str], error: float = ERROR
) -> Estimate:
    """Median over scenes of each scene's mean; arguments as of `clustered_mean` and `median`."""
    return median([math.fsum(group) / len(group) for group in _grouped(values, cluster).values()], error)


def _grouped(values: Mapping[str, float], cluster: Mapping[str, str]) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = {}
    for image in sorted(values):
        groups.setdefault(cluster.get(image, image), []).append(values[image])
    return groups


def seed_reach(seeds: int, error: float = ERROR) -> float:
    """How far the mean difference of two networks may be from the truth because there are so few trainings.

    Args:
        seeds: trainings of each, whose spread is the stated one.
        error: probability of a larger distance.
    """
    # A little more than the normal distribution asks for: of four trainings that end on either of two levels,
    # all end on one once in eight times, and the levels lie just beyond its 95 %.
    return float(-ndtri(0.4 * error)) * SEED_SPREAD_DB * math.sqrt(2 / seeds)


def with_stated(found: Estimate, reach: float) -> Estimate:
    """Return an estimate to whose interval a stated uncertainty of ± `reach` was added; a range stays one."""
    kind = Kind.STATED if found.kind is Kind.INTERVAL else found.kind
    return replace(found.with_further(reach), kind=kind)


def over_seeds(differences: Sequence[float], error: float = ERROR) -> Estimate:
    """Difference between two networks over the trainings (seeds) of both.

    The median with the sign test's interval; of fewer than five, their mean within the stated spread. Seeds
    that spread further than that show that it is not theirs: Student's interval of their own then counts.
    """
    found = median(differences, error)
    if found.kind is Kind.INTERVAL:
        return found
    count = len(differences)
    centre, reach = math.fsum(differences) / count, seed_reach(count, error)
    shown = float(np.std(differences, ddof=1)) if count > 1 else 0.0
    if shown > SEED_SPREAD_DB * math.sqrt(2):
        reach = max(reach, float(stdtrit(count - 1, 1 - error / 2)) * shown / math.sqrt(count))
    return Estimate(centre, centre - reach, centre + reach, count, Kind.STATED)


def share_difference(first: tuple[int, int], second: tuple[int, int], error: float = ERROR) -> Estimate:
    """Difference of two shares, each (how many, of how many), with an interval that covers whatever they are.

    Its ends are those of Clopper and Pearson's exact intervals, each of half the error.
    """
    (low, high), (other_low, other_high) = (_exact_share(*one, error / 2) for one in (first, second))
    value = first[0] / first[1] - second[0] / second[1]
    return Estimate(value, low - other_high, high - other_low, min(first[1], second[1]), Kind.INTERVAL)


def _exact_share(count: int, of: int, error: float) -> tuple[float, float]:
    low = float(betaincinv(count, of - count + 1, error / 2)) if count else 0.0
    high = float(betaincinv(count + 1, of - count, 1 - error / 2)) if count < of else 1.0
    return low, high


def two_way(by_seed: Mapping[int, Mapping[str, float]], error: float = ERROR) -> Estimate:
    """Difference between two networks over scenes and over trainings of both.

    Args:
        by_seed: difference per scene, per seed that both were trained from.
        error: probability with which the interval may miss.

    Returns:
        the median over scenes (of each scene's mean over seeds), whose interval holds both the spread over
        scenes and that over seeds, in quadrature.
    """
    scenes = set.intersection(*(set(one) for one in by_seed.values()))
    by_scene = {
        scene: math.fsum(one[scene] for one in by_seed.values()) / len(by_seed) for scene in sorted(scenes)
    }
    over_scenes = median(list(by_scene.values()), error)
    levels = [float(np.median([one[scene] for scene in scenes])) for one in by_seed.values()]
    seeds = over_seeds(levels, error)
    reach = seeds.half_width or 0.0
    return with_stated(over_scenes, reach) if seeds.kind is Kind.STATED else over_scenes.with_further(reach)


def _range(centre: float, sample: NDArray[np.float64], *, drifts: bool = False) -> Estimate:
    return Estimate(centre, float(sample.min()), float(sample.max()), int(sample.size), Kind.RANGE, drifts)
