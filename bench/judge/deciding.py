"""From measurements to the outcome of a claim; all rules of decision are here."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.judge.outcomes import DECIDED, HOLDS, Decision, Outcome, Why, counted
from bench.judge.statistics import Estimate, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.judge.evidence import Member
    from bench.judge.quantities import Measured
    from bench.judge.stated import Claim

SID = "SID-Sony's test photographs"
GPU = "a CUDA device"
STANDS_IN_THE_WAY = {
    Why.WEIGHTS: "the networks were not all trained on equal terms",
    Why.ONE_TRAINING: "each network was trained only once, so the spread between trainings is not known",
    Why.ONE_PROCESS: "all rounds are from one process and so are not independent",
}


def decide(claim: Claim, member: Member) -> Decision:
    """Decide one claim for one method."""
    found = member.measured
    if found.estimate is None:
        return _without_figure(claim, member.name, found.reason)
    decision = _of_figure(claim, found, found.estimate)
    if claim.unnamed_machine and decision.outcome in DECIDED | {Outcome.INCONCLUSIVE}:
        reason = "an absolute time on a processor that the source does not name decides nothing either way"
        decision = _undone(decision, Why.MACHINE, reason)
    if claim.existence and decision.outcome is Outcome.CONTRADICTED:
        reason = f"{decision.reason}; but another training might"
        decision = _undone(decision, Why.ONE_TRAINING, reason)
    other = member.other
    if decision.outcome in DECIDED and other is not None and other.estimate is not None:
        decision = _by_both(claim, decision, found.estimate, other)
    return replace(decision, name=member.name).with_figure(found.estimate)


def _undone(decision: Decision, why: Why, reason: str) -> Decision:
    return replace(decision, outcome=Outcome.INCONCLUSIVE, why=why, reason=reason, direction=None)


def _without_figure(claim: Claim, name: str, reason: str) -> Decision:
    missing = claim.untestable or (SID if claim.sid_only else "")
    if not missing and claim.subject.get("device") == "cuda":
        missing = GPU
    if missing:
        return Decision(name, Outcome.UNTESTABLE_HERE, f"needs {missing}; {reason}")
    return Decision(name, Outcome.NOT_RUN, reason)


def _of_figure(claim: Claim, found: Measured, estimate: Estimate) -> Decision:
    missing = claim.untestable
    if not missing and claim.sid_only and found.synthetic:
        missing = f"{SID}: synthetic images cannot decide an absolute dB value or a distance"
    if missing:
        return Decision("", Outcome.UNTESTABLE_HERE, f"needs {missing}")
    if found.why is not None:
        return Decision("", Outcome.INCONCLUSIVE, STANDS_IN_THE_WAY[found.why], found.why)
    if not estimate.decides:
        return _undecided(estimate)
    decision = by_interval(claim, estimate)
    if decision.outcome is not Outcome.INCONCLUSIVE or found.one_training is None:
        return decision
    if by_interval(claim, found.one_training).outcome in DECIDED:
        reason = f"{decision.reason}; without the spread between trainings it would be decided"
        return replace(decision, why=Why.ONE_TRAINING, reason=reason)
    return decision


def _undecided(estimate: Estimate) -> Decision:
    """Say why a figure has no interval."""
    why, reason = (
        Why.RANGE,
        f"{estimate.count} repetitions are too few for an interval, and a range decides nothing",
    )
    if estimate.kind is Kind.SINGLE:
        why, reason = Why.SINGLE, "a single repetition has no interval"
    elif estimate.drifts:
        why, reason = Why.DRIFT, f"{estimate.count} repetitions drift, and a range decides nothing"
    return Decision("", Outcome.INCONCLUSIVE, reason, why)


def by_interval(claim: Claim, estimate: Estimate) -> Decision:
    """Decide by where an interval lies, or whether a count is the published one."""
    low, high = estimate.low, estimate.high
    assert low is not None
    assert high is not None
    is_count = estimate.kind is Kind.EXACT
    what = "the exact figure" if is_count else "the interval"
    if claim.low <= low and high <= claim.high:
        reason = (
            "the count equals the published one" if is_count else "the interval lies inside the claimed range"
        )
        return Decision("", Outcome.REPRODUCED, reason)
    wide_low, wide_high = claim.widened()
    if wide_low <= low and high <= wide_high:
        if claim.open_definition:
            reason = f"the difference is smaller than between counters, and {claim.open_definition}"
            return Decision("", Outcome.INCONCLUSIVE, reason, Why.DEFINITION)
        reason = f"{what} lies inside the tolerated range"
        return Decision("", Outcome.WITHIN_TOLERANCE, f"{reason}{_best_attainable(claim, low, high)}")
    range_ = (
        "the tolerated range" if (wide_low, wide_high) != (claim.low, claim.high) else "the claimed range"
    )
    for outside, side in ((high < wide_low, "below"), (low > wide_high, "above")):
        if outside:
            return Decision("", Outcome.CONTRADICTED, f"{what} lies {side} {range_}", direction=side)
    return Decision("", Outcome.INCONCLUSIVE, f"{what} extends beyond {range_}", Why.INTERVAL)


def _best_attainable(claim: Claim, low: float, high: float) -> str:
    """Say where a range as printed is narrower than the interval, so that it cannot be reproduced."""
    return "; no better verdict is possible, as the claimed range is narrower than the interval" * (
        high - low > claim.high - claim.low
    )


def _by_both(claim: Claim, decision: Decision, found: Estimate, other: Measured) -> Decision:
    """Keep a decision only if the other definition of the quantity leads to the same one.

    Its own spread is not known; both are peaks of the same processes, so that of the first is used.
    """
    assert found.low is not None
    assert found.high is not None
    assert other.estimate is not None
    scale = other.estimate.value / found.value
    scaled = replace(found, value=found.value * scale, low=found.low * scale, high=found.high * scale)
    second = _of_figure(claim, other, scaled)
    by = f"with the peak of the whole process it is {f'{scaled.value:.3g} {claim.unit}'.strip()}"
    if {decision.outcome, second.outcome} <= HOLDS:
        weaker = max(decision.outcome, second.outcome, key=list(Outcome).index)
        return replace(decision, outcome=weaker, reason=f"{decision.reason}; {by}, which also fits")
    if (second.outcome, second.direction) == (decision.outcome, decision.direction):
        return replace(decision, reason=f"{decision.reason}; {by}, with the same outcome")
    reason = (
        f"{decision.reason} ({decision.outcome}); {by} ({second.outcome}); the source does not say "
        "which it means"
    )
    return _undone(decision, Why.DEFINITION, reason)


def combine(decisions: Sequence[Decision]) -> Decision:
    """Combine the decisions on several methods to one outcome.

    It holds if it holds for all, and is contradicted if it is for any; else it is as undecided as the first
    that could not be decided.
    """
    if len(decisions) == 1:
        return replace(decisions[0], name="")
    outcomes = [one.outcome for one in decisions]
    said = f"{counted(decisions)}: " + "; ".join(f"{one.name} {_told(one)}" for one in decisions)
    whole = _whole(decisions)
    if set(outcomes) <= HOLDS:
        worst = Outcome.WITHIN_TOLERANCE if Outcome.WITHIN_TOLERANCE in outcomes else Outcome.REPRODUCED
        return replace(whole, outcome=worst, reason=said)
    against = [one for one in decisions if one.outcome is Outcome.CONTRADICTED]
    if against:
        directions = {one.direction for one in against}
        direction = directions.pop() if len(directions) == 1 else None
        return replace(whole, outcome=Outcome.CONTRADICTED, direction=direction, reason=said)
    first = next(one for one in decisions if one.outcome not in HOLDS)
    return replace(whole, outcome=first.outcome, why=first.why, reason=said)


def _told(one: Decision) -> str:
    return f"{one.outcome} ({one.direction})" if one.direction else str(one.outcome)


def _whole(decisions: Sequence[Decision]) -> Decision:
    """Figure of several methods: the middle one, from the least to the greatest end."""
    figures = sorted(one.measured for one in decisions if one.measured is not None)
    ends = [one.interval for one in decisions if one.interval is not None]
    lows, highs = [low for low, _ in ends if low is not None], [high for _, high in ends if high is not None]
    has_all = len(figures) == len(lows) == len(highs) == len(decisions)
    return Decision(
        "", Outcome.INCONCLUSIVE, "",
        measured=figures[len(figures) // 2] if has_all else None,
        interval=(min(lows), max(highs)) if has_all else None,
        kind="several" if has_all else None,
        n=min((one.n for one in decisions if one.n is not None), default=None),
    )  # fmt: skip


def over_threads(decisions: Sequence[Decision]) -> list[Decision]:
    """Return one decision for each method that was timed on several thread counts: the one that all share."""
    by_name: dict[str, list[Decision]] = {}
    for one in decisions:
        by_name.setdefault(one.name.partition(" on ")[0], []).append(one)
    return [_shared(name, some) if len(some) > 1 else some[0] for name, some in by_name.items()]


def _shared(name: str, decisions: Sequence[Decision]) -> Decision:
    commonest = Counter((one.outcome, one.direction) for one in decisions)
    whole = combine(decisions)
    if len(commonest) == 1:
        return replace(whole, name=name, outcome=decisions[0].outcome, why=decisions[0].why)
    return replace(whole, name=name, outcome=Outcome.INCONCLUSIVE, why=Why.THREADS, direction=None)
