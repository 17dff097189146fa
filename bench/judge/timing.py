"""Verdicts on times: what an interval, an effect size and the run's own noise allow us to conclude.

`slower` and `faster` need the whole interval beyond the effect size and beyond the run's A/A floor;
`equivalent` needs the whole interval within the effect size, and a floor that lies within it too; anything
else is `inconclusive`. Cells are corrected for each other by Holm's procedure: all start at an equal share
of the error, and the share of a cell that is decided passes to the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bench.judge.paired import (
    FEWEST_ROUNDS,
    Interval,
    by_round,
    centre,
    faster_half,
    interval,
    round_ratios,
)
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.judge.verdicts import Verdict
    from bench.records.cells import Record

FLOOR_ERROR = 0.05
# Attempts that have to find a slowness, each by itself, where there are several.
AGREEING = 2


@dataclass(frozen=True)
class Evidence:
    """What two records say about the ratio of their times.

    Attributes:
        ratios: log-ratio of each round, head over base.
        twins: log-ratio of each round between two processes of the same revision; empty without such.
        firsts: number of the first round of each attempt.
        against: where the ratio was recorded earlier: its interval, which the ratios are compared with.
        cut_short: why later rounds are missing; None if none are.
    """

    ratios: Mapping[int, float]
    twins: Mapping[int, float]
    firsts: tuple[int, ...] = (0,)
    against: Mapping[int, float] = field(default_factory=dict)
    cut_short: str | None = None


@dataclass(frozen=True)
class Judged:
    """A verdict on a time with what it rests on; relative figures, not logarithms."""

    verdict: Verdict
    reason: str
    change: float | None = None
    interval: tuple[float, float] | None = None
    floor: float | None = None


def side_by_side(
    base: Record,
    head: Record,
    *,
    floor: Record | None = None,
    half: Callable[[Sequence[float]], float] = faster_half,
) -> Evidence:
    """Evidence of two records of one run, whose processes took turns.

    Args:
        base: what the head is compared with, with its twin if it has one.
        head: the other.
        floor: the record of the run that has a twin; the base's if None.
        half: which turns of a round count: `faster_half`, or `slower_half` for slowness that comes and goes.
    """
    below = _figures(base, "", half)
    twin = _figures(base, "twin_", half)
    above = _figures(head, "", half)
    both = (below, twin) if twin else (below,)
    noisy = floor or base
    second = _figures(noisy, "twin_", half)
    twins = round_ratios(second, _figures(noisy, "", half)) if second else {}
    cut_short = head.values.get("cut_short")
    return Evidence(round_ratios(above, *both), twins, _firsts(head), cut_short=cut_short)


def _figures(record: Record, whose: str, half: Callable[[Sequence[float]], float]) -> dict[int, float]:
    values = record.values
    return by_round(values.get(f"{whose}samples_s") or [], values.get(f"{whose}round") or [], half)


def against_recorded(base: Record, head: Record) -> Evidence:
    """Evidence of two records of different runs, each beside the reference workload of its own.

    Raises:
        InputError: one of them has no reference workload.
    """
    now, then = _to_reference(head), _to_reference(base)
    return replace(now, against=then.ratios)


def _to_reference(record: Record) -> Evidence:
    values = record.values
    if "reference_samples_s" not in values:
        raise InputError(
            f"the results of {record.cell.model} lack the reference workload of their run: record the "
            "baseline with 'llbench gate --record FILE'"
        )
    own = by_round(record.values["samples_s"], record.values["round"])
    twin = by_round(record.values.get("twin_samples_s", []), record.values.get("twin_round", []))
    work = by_round(values["reference_samples_s"], values["reference_round"])
    cut_short = values.get("cut_short")
    return Evidence(
        round_ratios(own, work), round_ratios(twin, own) if twin else {}, _firsts(record), cut_short=cut_short
    )


def judge(evidence: Mapping[str, Evidence], effect: float, error: float) -> dict[str, Judged]:
    """Decide on several times together.

    Args:
        evidence: by the name of the cell.
        effect: relative difference that matters.
        error: probability of any false `slower` or `faster`, and of any false `equivalent`, among all cells.
    """
    judged: dict[str, Judged] = {}
    left = list(evidence)
    while left:
        found = {name: verdict(evidence[name], effect, error / len(left)) for name in left}
        decided = [name for name in left if found[name].verdict != "inconclusive"]
        judged |= {name: found[name] for name in decided or left}
        left = [name for name in left if name not in judged]
    return judged


def verdict(evidence: Evidence, effect: float, error: float) -> Judged:
    """Decide on one time, with the given error allowed."""
    found = _interval(evidence, error)
    if found is None:
        return Judged("inconclusive", _ended(f"too few rounds to decide: {len(evidence.ratios)}", evidence))
    twins = interval(list(evidence.twins.values()), FLOOR_ERROR)
    floor = None if twins is None else twins.farthest
    limit = math.log1p(effect)
    bound = max(limit, floor or 0.0)
    word, reason = _say(found, floor, limit, bound, evidence)
    ends = (math.expm1(found.low), math.expm1(found.high))
    reason = _ended(reason, evidence)
    return Judged(word, reason, math.expm1(found.centre), ends, None if floor is None else math.expm1(floor))


def _ended(reason: str, evidence: Evidence) -> str:
    return f"{reason}; measuring ended early: {evidence.cut_short}" if evidence.cut_short else reason


def _interval(evidence: Evidence, error: float) -> Interval | None:
    found = interval(list(evidence.ratios.values()), error)
    if found is None or not evidence.against:
        return found
    recorded = interval(list(evidence.against.values()), error)
    if recorded is None:
        return None
    # A difference of two independent means: the half widths add in quadrature.
    middle = found.centre - recorded.centre
    low = math.hypot(found.centre - found.low, recorded.high - recorded.centre)
    high = math.hypot(found.high - found.centre, recorded.centre - recorded.low)
    return Interval(middle, middle - low, middle + high, min(found.rounds, recorded.rounds))


def _say(
    found: Interval, floor: float | None, limit: float, bound: float, evidence: Evidence
) -> tuple[Verdict, str]:
    beyond = "the effect size" if bound == limit else "the run's A/A floor"
    if found.low > bound:
        slow = _beyond(evidence, bound)
        if sum(slow) < min(AGREEING, len(slow)):
            return "inconclusive", "the attempts disagree"
        again = f" in {sum(slow)} of {len(slow)} attempts" if len(slow) > 1 else ""
        return "slower", f"the whole interval lies above {beyond}{again}"
    if found.high < -bound:
        return "faster", f"the whole interval lies below {beyond}"
    within = -limit < found.low and found.high < limit
    if within and (floor is None or floor <= limit):
        return "equivalent", "the whole interval lies within the effect size"
    if floor is not None and floor > limit:
        return "inconclusive", f"a revision differs from itself by up to {math.expm1(floor):.1%} in this run"
    return "inconclusive", "the interval extends to both sides of the effect size"


def _beyond(evidence: Evidence, bound: float) -> list[bool]:
    """Whether each attempt by itself finds a difference beyond the bound; too few rounds have no say."""
    ends = (*evidence.firsts[1:], math.inf)
    shift = centre(list(evidence.against.values())) if evidence.against else 0.0
    attempts = [
        [ratio for number, ratio in evidence.ratios.items() if first <= number < end]
        for first, end in zip(evidence.firsts, ends, strict=True)
    ]
    return [centre(some) - shift > bound for some in attempts if len(some) >= FEWEST_ROUNDS]


def _firsts(record: Record) -> tuple[int, ...]:
    return tuple(record.values.get("attempts") or (0,))
