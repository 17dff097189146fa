"""The result for a claim: its outcome, what the outcome rests on, and its form in `claims.json`."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bench.records import store
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bench.judge.statistics import Estimate

FILE = "claims.json"


class Outcome(StrEnum):
    """What the results say about a claim."""

    # The interval lies inside the claimed range.
    REPRODUCED = "reproduced"
    # The interval lies inside the range widened by the stated tolerance.
    WITHIN_TOLERANCE = "within-tolerance"
    # The interval lies wholly outside the tolerated range.
    CONTRADICTED = "contradicted"
    # What was measured allows neither; `why` says what stands in the way.
    INCONCLUSIVE = "inconclusive"
    # It could be measured on such a machine, and the command is named.
    NOT_RUN = "not-run"
    # What it takes is not available here.
    UNTESTABLE_HERE = "untestable-here"
    # Two published figures that differ, under different or unnamed conditions.
    CONDITIONS_DIFFER = "conditions-differ"
    # Two published statements on the same conditions that cannot both hold.
    INCONSISTENT_AT_SOURCE = "inconsistent-at-source"


class Why(StrEnum):
    """What keeps a measured figure from deciding."""

    # The interval holds both sides of an end of the tolerated range.
    INTERVAL = "interval"
    # Too few repetitions for an interval that covers the truth.
    RANGE = "range"
    # The repetitions have a trend.
    DRIFT = "drift"
    # One repetition.
    SINGLE = "single"
    # The repetitions are of one process, not independent.
    ONE_PROCESS = "one-process"
    # Another training of the same networks could decide otherwise.
    ONE_TRAINING = "one-training"
    # The networks were not trained on equal terms, or one training was cut short.
    WEIGHTS = "weights"
    # Two definitions of the quantity, of which the source names neither, decide otherwise.
    DEFINITION = "definition"
    # An absolute time on a processor that the source does not name: it may agree or differ by chance.
    MACHINE = "machine"
    # Thread counts decide otherwise.
    THREADS = "threads"


HOLDS = frozenset({Outcome.REPRODUCED, Outcome.WITHIN_TOLERANCE})
DECIDED = HOLDS | {Outcome.CONTRADICTED}


@dataclass(frozen=True)
class Decision:
    """What one figure says about a claimed range.

    Attributes:
        name: of the method where a claim speaks of several, else empty.
        outcome: the outcome.
        reason: what decided, in one sentence.
        why: what stands in the way of an inconclusive one.
        direction: "above" or "below" the claimed range, of a contradicted one.
        measured: the figure.
        interval: its ends; None if it has none.
        kind: what the ends mean, see `bench.judge.statistics.Kind`.
        n: independent repetitions behind it.
    """

    name: str
    outcome: Outcome
    reason: str
    why: Why | None = None
    direction: str | None = None
    measured: float | None = None
    interval: tuple[float | None, float | None] | None = None
    kind: str | None = None
    n: int | None = None

    def with_figure(self, found: Estimate | None) -> Decision:
        """Return the decision with the figure that it rests on."""
        if found is None:
            return self
        ends = None if found.low is None or found.high is None else (plain(found.low), plain(found.high))
        return replace(self, measured=plain(found.value), interval=ends, kind=str(found.kind), n=found.count)


@dataclass(frozen=True)
class Verdict:
    """A claim with what the results say about it.

    Attributes:
        id: the claim's stable name.
        title: the claim in one sentence.
        source: where it is made.
        published: what the source says.
        claimed: lower and upper end of the claimed range; None for an open end, or without a range.
        unit: of range and figures.
        outcome: the outcome.
        reason: what decided, in sentences.
        why: what stands in the way of an inconclusive one.
        direction: "above" or "below" the claimed range, of a contradicted one.
        favours_authors: whether that is better than claimed; None if it is neither better nor worse.
        measured: the figure; of several methods the middle one.
        interval: its ends; of several methods from the least to the greatest.
        kind: what the ends mean.
        n: independent repetitions behind it, the fewest of several methods.
        members: the decision on each method where the claim speaks of several.
        protocol: conditions under which it was measured.
        tolerance: value and kind ("relative", "absolute"); None for a conflict.
        rule: how the outcome is reached.
        needs: what must be measured, or had, for a decision; None if it was.
        data: "synthetic" or "real" images; None if no image matters.
        rests_on: the cells behind it, in words.
        commands: what measures them.
    """

    id: str
    title: str
    source: str
    published: str
    claimed: tuple[float | None, float | None] | None
    unit: str
    outcome: Outcome
    reason: str
    why: Why | None = None
    direction: str | None = None
    favours_authors: bool | None = None
    measured: float | None = None
    interval: tuple[float | None, float | None] | None = None
    kind: str | None = None
    n: int | None = None
    members: tuple[Decision, ...] = ()
    protocol: str | None = None
    tolerance: dict[str, Any] | None = None
    rule: str = ""
    needs: str | None = None
    data: str | None = None
    rests_on: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """The outcome, with its direction: "contradicted: better than claimed"."""
        if self.favours_authors:
            return f"{self.outcome}: better than claimed"
        return f"{self.outcome}: {self.why}" if self.why else str(self.outcome)

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values with the names used in `claims.json`."""
        raw = {RENAMED.get(key, key): value for key, value in asdict(self).items()}
        for member in raw["members"]:
            member["verdict"] = member.pop("outcome")
        return raw

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Verdict:
        """Read a verdict, also one that was written before outcomes told contradicted from inconclusive."""
        known = {field.name for field in fields(cls)}
        back = {new: old for old, new in RENAMED.items()}
        values = {back.get(key, key): value for key, value in _of_today(raw).items()}
        values = {key: value for key, value in values.items() if key in known}
        members = tuple(_member(one) for one in values.pop("members", ()))
        for key in ("claimed", "interval", "rests_on", "commands"):
            if values.get(key) is not None:
                values[key] = tuple(values[key])
        values["outcome"] = Outcome(values["outcome"])
        values["why"] = Why(values["why"]) if values.get("why") else None
        return cls(**values, members=members)


# Attribute by name in `claims.json`, where they differ.
RENAMED = {"claimed": "range", "outcome": "verdict"}


def _of_today(raw: dict[str, Any]) -> dict[str, Any]:
    """Split the former `not-reproduced`, which said both that a figure is outside and that it straddles."""
    if raw["verdict"] != "not-reproduced":
        return raw
    for side in ("below", "above"):
        if f"lies {side} the widened range" in raw["reason"]:
            return raw | {"verdict": "contradicted", "direction": side}
    return raw | {"verdict": "inconclusive", "why": "interval"}


def _member(raw: dict[str, Any]) -> Decision:
    values = {("outcome" if key == "verdict" else key): value for key, value in raw.items()}
    ends = values.get("interval")
    return Decision(
        **values
        | {
            "outcome": Outcome(values["outcome"]),
            "why": Why(values["why"]) if values.get("why") else None,
            "interval": None if ends is None else tuple(ends),
        }
    )


def write(out: Path, verdicts: Iterable[Verdict]) -> None:
    """Write `<out>/claims.json`, the same bytes for the same verdicts."""
    raw = [one.as_json() for one in verdicts]
    store.replace(out / FILE, json.dumps(raw, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read(path: Path) -> list[Verdict]:
    """Read a `claims.json` of this release or an older one.

    Raises:
        InputError: it is not such a file.
    """
    try:
        return [Verdict.from_json(raw) for raw in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not a claims.json ({error!r}): write it with 'llbench claims DIR'"
        ) from error


def tally(verdicts: Iterable[Verdict]) -> dict[Outcome, int]:
    """How many claims have each outcome."""
    counted = Counter(one.outcome for one in verdicts)
    return {outcome: counted[outcome] for outcome in Outcome}


def summary(verdicts: Iterable[Verdict]) -> str:
    """Say in one line how many claims have each outcome, without those that no claim has."""
    return ", ".join(f"{count} {outcome}" for outcome, count in tally(verdicts).items() if count)


def counted(members: Sequence[Decision]) -> str:
    """Say for how many of several methods a claim holds."""
    holding = sum(one.outcome in HOLDS for one in members)
    return f"holds for {holding} of {len(members)}"


def plain(value: float) -> float | int | None:
    """Return a number that strict JSON can hold, to seven significant digits; None for an open end."""
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.7g}")
    return int(rounded) if rounded.is_integer() else rounded
