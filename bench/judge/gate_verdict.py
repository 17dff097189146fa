"""The gate's verdicts, only from the results folders of a base and a head."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bench.judge import exact, timing
from bench.judge.exact import Both
from bench.judge.paired import by_round, centre, faster_half, slower_half
from bench.judge.verdicts import (
    EFFECT,
    EFFECT_RECORDED,
    EFFECT_TAIL,
    TIMES,
    Finding,
    Limits,
    Verdict,
    status,
)
from bench.records import store
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from bench.judge.timing import Evidence, Judged
    from bench.records.cells import Cell, Record

FILE = "gate.json"
SCHEMA_VERSION = 1
OUTPUTS = "outputs"
# What the head is compared with, by the name of its folder.
BASES = ("base", "also")
ORDER = (*TIMES, "memory", "gmac", "parameters", "instructions", "correctness", "psnr")
# Ends of a base that say what this machine could not do, rather than that the base has no such method.
UNMEASURED = frozenset({"timeout", "oom-host", "oom-device"})
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Decision:
    """What a gate has found.

    Attributes:
        findings: all of them, in the order in which they are shown.
        recorded: whether the base was recorded elsewhere, so that times are ratios to a reference workload.
        base: the base's revision and commit.
        head: the head's.
        notes: what a reader must know, one sentence each.
        also: the second base's revision and commit; None without one.
    """

    findings: tuple[Finding, ...]
    recorded: bool
    base: dict[str, Any]
    head: dict[str, Any]
    notes: tuple[str, ...] = ()
    also: dict[str, Any] | None = None

    def open_times(self, attempts: int) -> tuple[str, ...]:
        """Models whose times need another attempt after so many.

        After the first, these are the ones that would fail or could not be decided; later, those that could
        not be decided and do not fail already, since `slower` then has what further attempts could give it.
        """
        times = [one for one in self.findings if one.quantity in TIMES]
        again = {"slower", "inconclusive"} if attempts == 1 else {"inconclusive"}
        settled = {one.model for one in times if one.fallen and attempts > 1}
        found = [one.model for one in times if one.verdict in again]
        return tuple(dict.fromkeys(model for model in found if model not in settled))

    @property
    def open_memory(self) -> tuple[str, ...]:
        """Models whose memory would make the gate fail, which is measured again first."""
        found = [one.model for one in self.findings if one.quantity == "memory" and one.verdict == "worse"]
        return tuple(dict.fromkeys(found))

    def status(self, *, strict: bool = False) -> int:
        """Exit status: 1 if the gate failed, else 0."""
        return status(list(self.findings), strict=strict)

    def as_json(self, *, strict: bool = False) -> dict[str, Any]:
        """Return plain JSON values, as in `gate.json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "fallen": bool(self.status(strict=strict)),
            "recorded": self.recorded,
            "base": self.base,
            "head": self.head,
            **({"also": self.also} if self.also else {}),
            "notes": list(self.notes),
            "findings": [one.as_json() for one in self.findings],
        }


def decide(
    out: Path, limits: Limits, called: Mapping[str, Mapping[str, str | None]] | None = None
) -> Decision:
    """Compare the results in `<out>/head` with those in `<out>/base` and, if present, `<out>/also`.

    Args:
        out: the folder of the results.
        limits: from what size on a difference counts.
        called: revision and commit of a side, by its folder's name, where it may have no results.

    Raises:
        InputError: the folder holds no results, or a damaged one.
    """
    # A side on which nothing could be built has none at all.
    sides = {
        side: _by_key(store.load(out / side)) if store.files(out / side) else {} for side in (*BASES, "head")
    }
    if not (sides["base"] or sides["head"]):
        raise InputError(f"{out} contains no gate results: neither base nor head has any")
    recorded = not _same_run(sides["base"], sides["head"])
    also = _revision(sides["also"], "also") if sides["also"] else None
    found: list[tuple[str, Finding]] = []
    pairs: dict[str, list[Both]] = {}
    for side in BASES if also else BASES[:1]:
        pairs[side] = _pairs(sides[side], sides["head"])
        failures = _failures(sides[side], sides["head"], limits)
        found += [(side, one) for one in (*failures, *_exact(pairs[side], out, side, limits))]
    found += _times(pairs, limits, recorded=recorded)
    models = list(dict.fromkeys(one.model for _, one in found))
    found.sort(
        key=lambda one: (models.index(one[1].model), BASES.index(one[0]), ORDER.index(one[1].quantity))
    )
    against = {} if also is None else {"against": f"against {also['revision'] or 'the second base'}"}
    findings = [
        one if side == "base" else replace(one, detail={**one.detail, **against}) for side, one in found
    ]
    revisions = (_revision(sides["base"], "base", called), _revision(sides["head"], "head", called))
    notes = tuple(_notes(limits, revisions, recorded=recorded))
    return Decision(tuple(findings), recorded, *revisions, notes, also)


def _pairs(base: dict[Key, Record], head: dict[Key, Record]) -> list[Both]:
    return [
        Both(base[key], head[key])
        for key in head
        if key in base and base[key].status == head[key].status == "ok"
    ]


def write(out: Path, decision: Decision, *, strict: bool = False) -> None:
    """Write `<out>/gate.json`."""
    text = json.dumps(decision.as_json(strict=strict), indent=1, ensure_ascii=False, allow_nan=False)
    store.replace(out / FILE, text + "\n")


def _times(pairs: dict[str, list[Both]], limits: Limits, *, recorded: bool) -> list[tuple[str, Finding]]:
    """Compare the faster half of turns with each base, and the slower half if both took turns."""
    timed = {
        (side, both.model): both
        for side, some in pairs.items()
        for both in some
        if both.head.cell.measurement == "latency"
    }
    # Whoever has the twin of this run shows its noise: the base, or the head where the base is a file.
    twins = {
        model: both.head if recorded else both.base for (side, model), both in timed.items() if side == "base"
    }
    found: list[tuple[str, Finding]] = []
    for quantity, half in zip(TIMES, (faster_half, slower_half), strict=True):
        evidence: dict[str, Evidence] = {}
        for (side, model), both in timed.items():
            if side != "base" or not recorded:
                floor = twins.get(model)
                evidence[f"{side} {model}"] = timing.side_by_side(
                    both.base, both.head, floor=floor, half=half
                )
            elif quantity == "latency":
                evidence[f"{side} {model}"] = timing.against_recorded(both.base, both.head)
        effect = limits.effect or (EFFECT_RECORDED if recorded else EFFECT)
        effect = effect if quantity == "latency" else max(effect, EFFECT_TAIL)
        judged = timing.judge(evidence, effect, limits.error / limits.looks)
        found += [
            (key[0], _time(both, quantity, half, judged[" ".join(key)], limits))
            for key, both in timed.items()
            if " ".join(key) in judged
        ]
    return found


def _time(
    both: Both, quantity: str, half: Callable[[Sequence[float]], float], judged: Judged, limits: Limits
) -> Finding:
    base, head = (_seconds(record, half) for record in (both.base, both.head))
    return Finding(
        both.model, quantity, judged.verdict, base, head, "s",
        judged.change, judged.interval, judged.floor, judged.reason, quantity in limits.accepted,
    )  # fmt: skip


def _seconds(record: Record, half: Callable[[Sequence[float]], float]) -> float:
    """Return a side's time over the same rounds as its change, so that no tail is below its latency."""
    rounds = by_round(record.values["samples_s"], record.values["round"], half)
    return math.exp(centre(list(rounds.values())))


def _exact(pairs: list[Both], out: Path, base: str, limits: Limits) -> list[Finding]:
    found: list[Finding] = []
    quality: dict[str, list[Both]] = {}
    for both in pairs:
        kind = both.head.cell.measurement
        if kind == "memory":
            found.append(exact.memory(both, limits))
        elif kind == "complexity":
            found += [*exact.counts(both, limits), *exact.golden(both, limits)]
        elif kind == "quality":
            quality.setdefault(both.model, []).append(both)
            found.append(exact.psnr(both, limits))
    for model, some in quality.items():
        folders = [out / side / OUTPUTS / model.replace(":", "-") for side in (base, "head")]
        pixels = exact.images(some, folders[0], folders[1], limits)
        found += [pixels] if pixels else []
    return found


def _failures(base: dict[Key, Record], head: dict[Key, Record], limits: Limits) -> Iterable[Finding]:
    """Cells of which a side is missing or has failed."""
    failed = {one.cell.model: one for one in base.values() if one.status != "ok"}
    for key in dict.fromkeys([*head, *base]):
        one, other = base.get(key), head.get(key)
        cell = (other or one).cell  # type: ignore[union-attr]
        if one is None:  # what was to come after a failure was not tried
            one = failed.get(cell.model)
        word, reason = _failure(one, other)
        if word is not None:
            quantity = "correctness" if word == "wrong-output" else _quantity(cell)
            yield Finding(cell.model, quantity, word, reason=reason, accepted=quantity in limits.accepted)


def _failure(base: Record | None, head: Record | None) -> tuple[Verdict | None, str]:
    """Say what is wrong with one of two cells; no verdict if nothing is.

    A base that ends in an error still has the method, unless its revision lacks the module: what cannot be
    compared with it must not pass as new.
    """
    ended = "" if base is None else f"the base ended the same way: {base.status}: {base.reason}"
    if (
        base is not None
        and base.status in UNMEASURED
        and (head is None or head.status in {"ok", *UNMEASURED})
    ):
        return "inconclusive", ended
    if head is not None and head.status != "ok":
        word: Verdict = "wrong-output" if head.status == "wrong-output" else "failed"
        return word, f"{head.status}: {head.reason}"
    if base is not None and base.status != "ok":
        lacking: dict[str | None, Verdict] = {"module": "new", "factory": "inconclusive"}
        return lacking.get(base.values.get("lacks"), "failed"), ended
    if head is None:
        return "gone", "not measured on the head"
    return (None, "") if base is not None else ("new", "the base has none")


def _quantity(cell: Cell) -> str:
    return {"complexity": "gmac", "quality": "psnr"}.get(cell.measurement, cell.measurement)


def _by_key(records: list[Record]) -> dict[Key, Record]:
    """Index records by what makes a cell the same on both sides; threads are the machine's own affair."""
    found = {}
    for record in records:
        cell = record.cell
        form = (cell.device, cell.runtime, cell.precision, cell.height, cell.width)
        found[cell.measurement, cell.model, form, cell.protocol, cell.image] = record
    return found


def _same_run(base: dict[Key, Record], head: dict[Key, Record]) -> bool:
    runs = [{one.values.get("run") for one in side.values()} - {None} for side in (base, head)]
    return bool(runs[0] & runs[1]) or not (runs[0] and runs[1])


def _revision(
    records: dict[Key, Record], side: str, called: Mapping[str, Mapping[str, str | None]] | None = None
) -> dict[str, Any]:
    first = next(iter(records.values()), None)
    if first is None:
        return {"revision": None, "commit": None, **(called or {}).get(side, {})}
    return {"revision": first.provenance.get("revision"), "commit": first.provenance.get("commit")}


def _notes(limits: Limits, sides: Sequence[dict[str, Any]], *, recorded: bool) -> Iterable[str]:
    commits = {side["commit"] for side in sides}
    if len(commits) == 1 and None not in commits and not str(*commits).endswith("+changes"):
        yield "Base and head are the same commit: differences between them do not come from the code."
    if recorded:
        effect = limits.effect or EFFECT_RECORDED
        yield (
            "The baseline was recorded in another run: times are compared only as ratios to a reference "
            f"workload, from {effect:.1%} on, since such a ratio differs a little between machines; counts, "
            "memory and images are compared directly."
        )
