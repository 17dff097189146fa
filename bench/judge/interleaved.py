"""Samples of one interleaved run: figures and ratios per round and turn, and the run's own noise."""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from bench.judge.statistics import ERROR, Estimate, Kind, over_rounds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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

    Calls of one turn follow each other closely, so that anything that slows the machine down for longer than
    a turn cancels. The ratio of a round is the geometric mean of the middle half of its turns' ratios: almost
    as precise as the mean of all, and as robust against a disturbed turn as the median. Where the two share
    no turn their medians are compared.

    Args:
        above: seconds by turn by round of the numerator.
        below: the same of the denominator.
    """
    ratios = {}
    for number in sorted(set(above) & set(below)):
        first, second = above[number], below[number]
        logs = sorted(math.log(first[turn] / second[turn]) for turn in first if turn in second)
        quarter = len(logs) // 4
        medians = float(np.median(list(first.values())) / np.median(list(second.values())))
        ratios[number] = math.exp(fmean(logs[quarter : len(logs) - quarter])) if logs else medians
    return ratios


def noise_floor(ratios: Sequence[float]) -> float:
    """Relative difference that two runs of the same thing may show: from the ratios of an A/A pair by round.

    Their true value is known to be 1, so that any deviation is noise. The floor is the 95 % limit of
    Student's t (as many degrees of freedom as rounds) for the ratio of a whole run. One round says little
    about its own noise, so its floor is high.
    """
    logs = np.log(np.asarray(ratios, dtype=float))
    error = math.sqrt(float(np.mean(logs**2)) / logs.size)
    return float(np.expm1(stdtrit(logs.size, 1 - ERROR / 2) * error))


def ratio_by_round(above: Mapping[int, float], below: Mapping[int, float]) -> Estimate | None:
    """Ratio of two sets of per-round figures of one interleaved run.

    Rounds that both have are paired, so that drift of the machine cancels. A method that was timed once is
    compared with the median of the other: a single figure, without an interval. None if neither is
    possible.
    """
    common = sorted(set(above) & set(below))
    if len(common) > 1:
        return over_rounds({number: above[number] / below[number] for number in common})
    if common and len(above) == len(below) == 1:
        value = above[common[0]] / below[common[0]]
    elif above and below and 1 in {len(above), len(below)}:
        value = float(np.median(list(above.values())) / np.median(list(below.values())))
    else:
        return None
    return Estimate(value, None, None, 1, Kind.SINGLE)
