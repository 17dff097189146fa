"""Two methods that took turns: the ratio of their times, round by round, with its interval.

In a round, fresh processes of both sides took many short turns in changing order, so that changes
of the machine affected all equally. What disturbs a turn only ever adds time to it: a side's figure in a
round is the mean over the faster half of its turns, in logarithms. (On two shared cores, two processes of one
revision differ by 1 % in that figure, by 2.5 % in the median of neighbouring pairs and by 7 % in the plain
mean.) The ratio is taken within the round; the uncertainty is that between rounds.

A round can be disturbed as a whole, so that the estimate is the mean without the lowest and the highest
eighth of the rounds, and its standard error a bootstrap over rounds whose extremes are replaced by the
nearest value that was kept: Tukey and McLaughlin's interval (1963), with the resampled mean's variance
enlarged by n/(n-1) (Hesterberg, "What Teachers Should Know About the Bootstrap", 2015) and Student's t with
one degree of freedom less than theirs. With both, its coverage is the nominal one even with eight rounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SEED = 2020
RESAMPLES = 4000
# Part of the rounds that is left out at either end.
TRIMMED = 0.125
# Below this, a t quantile is so large that no interval over rounds says anything.
FEWEST_ROUNDS = 4


@dataclass(frozen=True)
class Interval:
    """A log-ratio with its interval; all three in natural logarithms.

    Attributes:
        centre: the estimate.
        low: lower end.
        high: upper end.
        rounds: independent rounds behind it.
    """

    centre: float
    low: float
    high: float
    rounds: int

    @property
    def farthest(self) -> float:
        """Distance from zero of the end that is farther from it."""
        return max(abs(self.low), abs(self.high))


def by_round(
    samples: Sequence[float],
    rounds: Sequence[int],
    half: Callable[[Sequence[float]], float] | None = None,
) -> dict[int, float]:
    """Return a side's figure in each round: the logarithm of its time, from one half of its turns.

    Args:
        samples: seconds of each turn.
        rounds: the round of each.
        half: `faster_half` (if None) or `slower_half`.
    """
    found: dict[int, list[float]] = {}
    for sample, number in zip(samples, rounds, strict=True):
        found.setdefault(number, []).append(math.log(sample))
    return {number: (half or faster_half)(logs) for number, logs in found.items()}


def round_ratios(above: Mapping[int, float], *below: Mapping[int, float]) -> dict[int, float]:
    """Log-ratio of each round that all have: `above` over the geometric mean of `below`."""
    common = sorted(set(above).intersection(*below))
    return {number: above[number] - fmean(side[number] for side in below) for number in common}


def faster_half(values: Sequence[float]) -> float:
    """Mean of the smaller half of some values, the middle one of an odd number included."""
    return fmean(sorted(values)[: (len(values) + 1) // 2])


def slower_half(values: Sequence[float]) -> float:
    """Mean of the larger half of some values, the middle one of an odd number included."""
    return -faster_half([-value for value in values])


def centre(ratios: Sequence[float]) -> float:
    """Mean of the log-ratios without the lowest and the highest eighth: the estimate of `interval`."""
    cut = int(TRIMMED * len(ratios))
    return fmean(sorted(ratios)[cut : len(ratios) - cut])


def interval(ratios: Sequence[float], error: float) -> Interval | None:
    """Trimmed mean of the rounds' log-ratios with an interval that misses it with probability `error`.

    None with fewer than `FEWEST_ROUNDS` rounds.
    """
    values = np.sort(np.asarray(ratios, dtype=float))
    count = len(values)
    if count < FEWEST_ROUNDS:
        return None
    cut = int(TRIMMED * count)
    middle = centre(ratios)
    drawn_in = np.clip(values, values[cut], values[count - cut - 1])
    draws = np.random.default_rng(SEED).integers(0, count, size=(RESAMPLES, count))
    spread = float(drawn_in[draws].mean(axis=1).std()) * math.sqrt(count / (count - 1)) * count
    kept = count - 2 * cut
    half = float(stdtrit(kept - 1 - (cut > 0), 1 - error / 2)) * spread / kept
    return Interval(middle, middle - half, middle + half, count)
