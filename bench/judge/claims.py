"""Verdicts on what the sources claim, from the results alone.

`reproduced`: the measured interval lies inside the claimed range; `within-tolerance`: inside the range
widened by the stated tolerance; else `not-reproduced`. A claim whose quantity the results do not hold, or
hold only on data that cannot decide it, is `untestable-here` with what is missing. Two statements of the
sources that exclude each other are `inconsistent-at-source`, whatever was measured.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections import Counter
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal, get_args

from bench.judge import arms, commands
from bench.judge.evidence import measure, wanted
from bench.judge.results import Results
from bench.records import store

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bench.judge.quantities import Measured
    from bench.judge.statistics import Estimate

Verdict = Literal[
    "reproduced", "within-tolerance", "not-reproduced", "untestable-here", "inconsistent-at-source"
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
FILE = "claims.json"

MARKS = {
    "single-pass": "one method was timed in a single pass, so that the interval is the run's noise floor",
    "sampled": "memory was sampled, since the kernel keeps no peak",
    "quarter-area": "judged at a quarter of the area",
    "incomplete": "not all images could be judged",
    "unfinished": "the weights of one method come from an unfinished training",
}


@dataclass(frozen=True)
class Claim:
    """One claim of `claims.toml`, with what its quantity supplies filled in.

    Attributes:
        id: stable name.
        title: the claim in one sentence.
        source: "paper", "readme", "repo20", "repo22" or "RED", with page, table or column.
        published: what the source says, in its words or figures.
        quantity: what is measured (a key of `bench.judge.evidence.MEASURES`).
        subject: the quantity's own parameters: models, field, protocol, frame, device.
        low: lower end of the claimed range.
        high: upper end of it; infinite where it is open.
        tolerance: how far the range may be widened, relative or absolute.
        absolute: whether the tolerance is in the quantity's unit.
        unit: unit of range and measurement.
        protocol: conditions under which it is measured.
        rule: how the verdict is reached.
        needs: what must be measured for a verdict.
        sid_only: whether only SID's own photographs can decide it.
    """

    id: str
    title: str
    source: str
    published: str
    quantity: str
    subject: dict[str, Any]
    low: float
    high: float
    tolerance: float
    absolute: bool
    unit: str
    protocol: str
    rule: str
    needs: str
    sid_only: bool

    def widened(self) -> tuple[float, float]:
        """Return the claimed range widened by the tolerance."""
        if self.absolute:
            return self.low - self.tolerance, self.high + self.tolerance
        return self.low - self.tolerance * abs(self.low), self.high + self.tolerance * abs(self.high)


@dataclass(frozen=True)
class Conflict:
    """Two statements of the sources that exclude each other; `claim` measures the disputed figure."""

    id: str
    title: str
    first: dict[str, Any]
    second: dict[str, Any]
    claim: Claim | None


def load() -> tuple[list[Claim], list[Conflict]]:
    """All claims and conflicts of `claims.toml`, in its order."""
    raw = tomllib.loads(resources.files("bench.judge").joinpath("claims.toml").read_text(encoding="utf-8"))
    quantities = raw["quantity"]
    claims = [_claim(entry, quantities) for entry in raw["claim"]]
    conflicts = [_conflict(entry, quantities) for entry in raw["conflict"]]
    return claims, conflicts


def judge(results: Results) -> list[dict[str, Any]]:
    """Return the verdict on every claim, as `claims.json` holds it."""
    claims, conflicts = load()
    return [verdict(claim, results) for claim in claims] + [contradiction(one, results) for one in conflicts]


def write(out: Path, results: Results | None = None) -> list[dict[str, Any]]:
    """Judge the results of a folder and write `<out>/claims.json`; returns what was written."""
    verdicts = judge(Results.load(out) if results is None else results)
    text = json.dumps(verdicts, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    store.replace(out / FILE, text)
    return verdicts


def tally(verdicts: Iterable[dict[str, Any]]) -> dict[Verdict, int]:
    """How many claims have each verdict."""
    counted = Counter(entry["verdict"] for entry in verdicts)
    return {name: counted[name] for name in VERDICTS}


def verdict(claim: Claim, results: Results) -> dict[str, Any]:
    """Decide one claim."""
    measured, protocol = measure(claim.quantity, claim.subject, results)
    entry = _entry(claim, measured, protocol, results)
    if measured.estimate is None:
        return entry | {"verdict": "untestable-here", "reason": measured.reason}
    if claim.sid_only and measured.synthetic:
        return entry | {
            "verdict": "untestable-here",
            "reason": "the figure rests on made pictures: orderings and ratios of cost, never absolute dB",
        }
    if "unfinished" in measured.marks:
        return entry | {"verdict": "untestable-here", "reason": f"{MARKS['unfinished']}: it decides nothing"}
    low, high = measured.estimate.low, measured.estimate.high
    if low is None or high is None:
        return entry | {"verdict": "untestable-here", "reason": "a single repetition has no interval"}
    decided, reason = _decide(claim, low, high)
    return entry | {
        "verdict": decided,
        "reason": _sentence([reason, *_caveats(claim, measured)]),
        "needs": None,
    }


def contradiction(conflict: Conflict, results: Results) -> dict[str, Any]:
    """Report two contradicting statements, with the measured figure where there is one."""
    figures = [f"{side['text']} ({side['source']})" for side in (conflict.first, conflict.second)]
    entry: dict[str, Any] = dict.fromkeys(("measured", "interval", "data"))
    entry |= {"unit": "", "rests_on": [], "commands": []}
    protocol, reason = None, "the two statements exclude each other"
    if conflict.claim is not None:
        measured, protocol = measure(conflict.claim.quantity, conflict.claim.subject, results)
        entry = _entry(conflict.claim, measured, protocol, results)
        protocol = entry["protocol"]
        if measured.estimate is None:
            reason += f"; nothing measured beside them: {measured.reason}"
        elif conflict.claim.sid_only and measured.synthetic:
            reason += "; the measured figure rests on made pictures and cannot side with either"
    return {
        "id": conflict.id,
        "title": conflict.title,
        "source": " / ".join(str(side["source"]) for side in (conflict.first, conflict.second)),
        "published": " against ".join(figures),
        "range": None,
        "measured": entry["measured"],
        "interval": entry["interval"],
        "unit": entry["unit"],
        "verdict": "inconsistent-at-source",
        "protocol": protocol,
        "tolerance": None,
        "rule": "Two published statements whose ranges, as printed, have no value in common.",
        "reason": _sentence([reason]),
        "needs": None,
        "data": entry["data"],
        "rests_on": entry["rests_on"],
        "commands": entry["commands"],
    }


def _claim(raw: dict[str, Any], quantities: dict[str, Any]) -> Claim:
    entry = {**quantities[raw["quantity"]], **raw}
    subject_keys = (
        "model", "above", "below", "better", "worse", "field", "exposure", "protocol_name", "frame", "device",
        "forms",
    )  # fmt: skip
    low, high = entry.get("range", (-math.inf, math.inf))
    return Claim(
        id=entry["id"],
        title=entry["title"],
        source=", ".join(entry[key] for key in ("source", "where") if key in entry),
        published=entry.get("published", ""),
        quantity=entry["quantity"],
        subject={key: entry[key] for key in subject_keys if key in entry},
        low=float(low),
        high=float(high),
        tolerance=float(entry["tolerance"]),
        absolute=bool(entry.get("absolute", False)),
        unit=entry["unit"],
        protocol=entry.get("protocol", ""),
        rule=entry.get("rule", ""),
        needs=entry.get("needs", ""),
        sid_only=entry.get("data", "any") == "sid",
    )


def _conflict(raw: dict[str, Any], quantities: dict[str, Any]) -> Conflict:
    first, second = raw["first"], raw["second"]
    if max(first["range"][0], second["range"][0]) <= min(first["range"][1], second["range"][1]):
        raise ValueError(f"claims.toml: {raw['id']}: the two statements do not exclude each other")
    return Conflict(
        id=raw["id"],
        title=raw["title"],
        first=first,
        second=second,
        claim=_claim(raw, quantities) if "quantity" in raw else None,
    )


def _entry(claim: Claim, measured: Measured, protocol: str | None, results: Results) -> dict[str, Any]:
    """Say what `claims.json` says of a claim before its verdict is known."""
    found = measured.estimate
    return {
        "id": claim.id,
        "title": claim.title,
        "source": claim.source,
        "published": claim.published,
        "range": [_plain(claim.low), _plain(claim.high)],
        "measured": None if found is None else _plain(found.value),
        "interval": None if found is None else _ends(found),
        "unit": claim.unit,
        "verdict": None,
        "protocol": protocol or claim.protocol,
        "tolerance": {"value": claim.tolerance, "kind": "absolute" if claim.absolute else "relative"},
        "rule": claim.rule,
        "reason": None,
        "needs": claim.needs,
        "data": None if not measured.rests_on else ("synthetic" if measured.synthetic else _real(claim)),
        "rests_on": list(measured.rests_on),
        "commands": _commands(claim, measured, results),
    }


def _commands(claim: Claim, measured: Measured, results: Results) -> list[str]:
    """Commands that measure the claim's cells again, or would measure them for the first time."""
    if claim.quantity == "training-difference":
        return [arms.COMMAND]
    wanting = wanted(claim.quantity, claim.subject, results)
    return commands.of_records(measured.behind) or commands.of_cells(wanting)


def _decide(claim: Claim, low: float, high: float) -> tuple[Verdict, str]:
    if claim.low <= low and high <= claim.high:
        return "reproduced", "the interval lies inside the claimed range"
    wide_low, wide_high = claim.widened()
    if wide_low <= low and high <= wide_high:
        return "within-tolerance", "the interval lies inside the claimed range widened by the tolerance"
    if high < wide_low:
        return "not-reproduced", "the interval lies below the widened range"
    if low > wide_high:
        return "not-reproduced", "the interval lies above the widened range"
    return (
        "not-reproduced",
        "the interval reaches out of the widened range; a narrower one could decide otherwise",
    )


def _caveats(claim: Claim, measured: Measured) -> list[str]:
    found = measured.estimate
    said = [MARKS.get(mark) or _mark(mark) for mark in measured.marks]
    if measured.synthetic:
        ordering = claim.quantity.endswith("-difference")
        said.append("made pictures: an ordering, not a distance" if ordering else "made pictures")
    if found is not None and found.count > 1 and found.coverage < 0.95:
        said.append(f"{found.count} repetitions cover the truth with probability {found.coverage:.2f}")
    if claim.quantity.startswith("memory") and (found is None or found.count < 2):
        said.append("a peak repeats to 3 %, which is its interval")
    return said


def _mark(mark: str) -> str:
    kind, _, name = mark.partition(":")
    return f"{name} diverged" if kind == "diverged" else f"timed in the {mark} runtime, not as published"


def _sentence(parts: list[str]) -> str:
    return "; ".join(parts)


def _real(claim: Claim) -> str | None:
    """Pictures that were taken; costs and counts rest on no pictures at all."""
    return "real" if claim.quantity.startswith(("psnr", "ssim", "gain")) else None


def _ends(found: Estimate) -> list[float | int | None] | None:
    if found.low is None or found.high is None:
        return None
    return [_plain(found.low), _plain(found.high)]


def _plain(value: float) -> float | int | None:
    """Return a number that strict JSON can hold, to seven significant digits; None for an open end."""
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.7g}")
    return int(rounded) if rounded.is_integer() else rounded
