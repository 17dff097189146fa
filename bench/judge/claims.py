"""Verdicts on what the sources claim, from the results only.

The orderings of quality are decided together: Holm's procedure shares one error among all that the results
can decide, so that in at most one run of twenty any of them is called true or false by chance.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import baselines
from bench.judge import arms, commands, outcomes
from bench.judge.deciding import combine, decide, over_threads
from bench.judge.evidence import OF_TRAININGS, Evidence, measure, wanted
from bench.judge.outcomes import DECIDED, Decision, Outcome, Verdict, Why, plain
from bench.judge.results import Results
from bench.judge.stated import load
from bench.judge.statistics import ERROR

if TYPE_CHECKING:
    from pathlib import Path

    from bench.judge.stated import Claim, Conflict

MARKS = {
    "single-pass": "one method was timed in a single, cold pass: its time is known only within a factor of 2",
    "sampled": "memory was sampled because the kernel keeps no peak",
    "same-part": "on the part of the images that all methods were scored on",
    "central-part": "scored on the central part of the images only",
    "incomplete": "not all images could be scored",
    "unfinished": "the weights of one method come from an unfinished training",
    "unequal": "",
    "random": "the weights of one method are random",
}
# Without GT exposure the paper says what its own network does, and nothing of the others.
ESTIMATED = "the paper does not say which gain it gave to methods that need one; here it is RED's estimate"


def judge(results: Results) -> list[Verdict]:
    """Return the verdict on every claim, in the order of `claims.toml`."""
    claims, conflicts = load()
    found = {claim.id: verdict(claim, results) for claim in claims}
    orderings = [claim for claim in claims if claim.is_ordering and _can_decide(found[claim.id])]
    found |= _together(orderings, results)
    return [*found.values(), *(contradiction(one, results) for one in conflicts)]


def write(out: Path, results: Results | None = None) -> list[Verdict]:
    """Decide all claims from a folder's results and write `<out>/claims.json`; returns what was written."""
    verdicts = judge(Results.load(out) if results is None else results)
    outcomes.write(out, verdicts)
    return verdicts


def _can_decide(one: Verdict) -> bool:
    """Whether an ordering's figure could decide it, were its interval narrow enough."""
    return one.outcome in DECIDED or one.why in {Why.INTERVAL, Why.ONE_TRAINING}


def _together(claims: list[Claim], results: Results) -> dict[str, Verdict]:
    """Decide orderings by Holm's procedure: equal shares of the error, which those decided pass on."""
    decided: dict[str, Verdict] = {}
    left = list(claims)
    while left:
        found = {claim.id: verdict(claim, results, ERROR / len(left)) for claim in left}
        settled = {name: one for name, one in found.items() if one.outcome in DECIDED}
        decided |= settled or found
        left = [claim for claim in left if claim.id not in decided]
    count = len(claims)
    said = f"; one of {count} orderings tested together" if count > 1 else ""
    return {name: replace(one, reason=f"{one.reason}{said}") for name, one in decided.items()}


def verdict(claim: Claim, results: Results, error: float = ERROR) -> Verdict:
    """Decide one claim.

    Args:
        claim: the claim.
        results: the records.
        error: probability with which the interval of an ordering may miss.
    """
    evidence = measure(claim.quantity, claim.subject, results, error)
    decisions = over_threads([decide(claim, member) for member in evidence.members])
    whole = combine(decisions)
    decided = whole.outcome in DECIDED or whole.outcome is Outcome.INCONCLUSIVE
    said = [evidence.on, whole.reason, *_caveats(claim, evidence)] if decided else [whole.reason]
    if evidence.on and whole.outcome is Outcome.CONTRADICTED:
        said.insert(1, "the source does not say on how many cores it timed, and the ratio depends on them")
    reason = "; ".join(filter(None, said))
    return Verdict(
        id=claim.id,
        title=claim.title,
        source=claim.source,
        published=claim.published,
        claimed=(plain(claim.low), plain(claim.high)),
        unit=claim.unit,
        outcome=whole.outcome,
        reason=reason,
        why=whole.why,
        direction=whole.direction,
        favours_authors=_favours(claim, decisions, whole),
        measured=whole.measured,
        interval=whole.interval,
        kind=whole.kind,
        n=whole.n,
        members=tuple(decisions) if len(decisions) > 1 else (),
        protocol=", ".join(filter(None, (evidence.protocol or claim.protocol, evidence.on))),
        tolerance={"value": claim.tolerance, "kind": "absolute" if claim.absolute else "relative"},
        rule=claim.rule,
        needs=None if decided else claim.needs,
        data=_data(claim, evidence),
        rests_on=evidence.rests_on,
        commands=tuple(_commands(claim, evidence, results)),
    )


def contradiction(conflict: Conflict, results: Results) -> Verdict:
    """Report two published statements that differ, with the measured figure where there is one."""
    first, second = conflict.first, conflict.second
    figures = [f"{side['text']} ({side['source']})" for side in (first, second)]
    reason = conflict.conditions or "same conditions: the two statements contradict each other"
    outcome = Outcome.CONDITIONS_DIFFER if conflict.conditions else Outcome.INCONSISTENT_AT_SOURCE
    beside = verdict(conflict.claim, results) if conflict.claim is not None else None
    if beside is not None and beside.measured is None:
        reason += "; nothing was measured for either"
    elif conflict.claim is not None and conflict.claim.sid_only and beside and beside.data == "synthetic":
        reason += "; the measured figure is from synthetic images and cannot support either"
    found = Verdict(
        id=conflict.id,
        title=conflict.title,
        source=" / ".join(str(side["source"]) for side in (first, second)),
        published=" against ".join(figures),
        claimed=None,
        unit="",
        outcome=outcome,
        reason=reason,
        rule="Two published figures whose ranges, as printed, have no value in common.",
    )
    if beside is None:
        return found
    return replace(
        found, unit=beside.unit, measured=beside.measured, interval=beside.interval, kind=beside.kind,
        n=beside.n, protocol=beside.protocol, data=beside.data, rests_on=beside.rests_on,
        commands=beside.commands,
    )  # fmt: skip


def _favours(claim: Claim, decisions: list[Decision], whole: Decision) -> bool | None:
    """Whether every contradiction is better than claimed for the authors; None if that has no meaning."""
    if whole.outcome is not Outcome.CONTRADICTED or not claim.favourable:
        return None
    directions = {one.direction for one in decisions if one.outcome is Outcome.CONTRADICTED}
    return directions == {claim.favourable}


def _commands(claim: Claim, evidence: Evidence, results: Results) -> list[str]:
    """Commands that measure the claim's cells again, or would measure them for the first time."""
    if claim.quantity in OF_TRAININGS:
        return [arms.COMMAND if claim.quantity == "training-difference" else f"{arms.COMMAND} --seeds 10"]
    if claim.untestable:
        return []
    behind = {record.cell: record for figure in evidence.figures for record in figure.behind}
    missing = any(one.measured.estimate is None for one in evidence.members)
    again = [] if missing else commands.of_records(behind.values())
    lines = again or commands.of_cells(wanted(claim.quantity, claim.subject, results))
    # From the file on, there has to be one.
    return [f"{line} --dataset DIR" for line in lines] if claim.quantity == "end-to-end" else lines


def _caveats(claim: Claim, evidence: Evidence) -> list[str]:
    said = [MARKS[mark] if mark in MARKS else _mark(mark) for mark in evidence.marks]
    if evidence.synthetic and claim.quantity not in OF_TRAININGS:
        said.append(
            "synthetic images: an ordering, not a distance" if claim.is_ordering else "synthetic images"
        )
    if _rests_on_the_estimate(claim):
        said.append(ESTIMATED)
    return [*said, claim.caveat]


def _rests_on_the_estimate(claim: Claim) -> bool:
    """Whether it compares images whose gain no source names, which the protocol takes from RED."""
    models = [claim.subject[key] for key in ("model", "better", "worse") if key in claim.subject]
    is_without = claim.subject.get("exposure") == "without"
    return is_without and any(baselines.spec(model).needs_gain for model in models)


def _mark(mark: str) -> str:
    kind, _, name = mark.partition(":")
    return f"{name} diverged" if kind == "diverged" else f"timed in the {mark} runtime, not as published"


def _data(claim: Claim, evidence: Evidence) -> str | None:
    """Return the kind of images behind a figure; costs and counts depend on none."""
    if not evidence.rests_on:
        return None
    if evidence.synthetic:
        return "synthetic"
    return "real" if claim.quantity.startswith(("psnr", "ssim")) else None
