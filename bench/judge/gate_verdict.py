"""The gate's verdicts, from the results folders of a base and a head and from nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.judge import exact, timing
from bench.judge.exact import Both
from bench.judge.verdicts import EFFECT, EFFECT_RECORDED, Finding, Limits, Verdict, status
from bench.records import store
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bench.judge.timing import Evidence
    from bench.records.cells import Cell, Record

FILE = "gate.json"
SCHEMA_VERSION = 1
OUTPUTS = "outputs"
UNMEASURED = frozenset({"timeout", "oom-host", "oom-device"})
"""Ends of a base that say what this machine could not do, rather than that the base has no such method."""
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
    """

    findings: tuple[Finding, ...]
    recorded: bool
    base: dict[str, Any]
    head: dict[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def open_times(self) -> tuple[str, ...]:
        """Models that another attempt has to look at: before falling, and where nothing could be said."""
        again = {"slower", "inconclusive"}
        found = [one.model for one in self.findings if one.quantity == "latency" and one.verdict in again]
        return tuple(dict.fromkeys(found))

    @property
    def open_memory(self) -> tuple[str, ...]:
        """Models whose memory would make the gate fall, which takes a second look."""
        found = [one.model for one in self.findings if one.quantity == "memory" and one.verdict == "worse"]
        return tuple(dict.fromkeys(found))

    def status(self, *, strict: bool = False) -> int:
        """Exit status: 1 if the gate fell, else 0."""
        return status(list(self.findings), strict=strict)

    def as_json(self, *, strict: bool = False) -> dict[str, Any]:
        """Give plain JSON values, as they go into `gate.json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "fallen": bool(self.status(strict=strict)),
            "recorded": self.recorded,
            "base": self.base,
            "head": self.head,
            "notes": list(self.notes),
            "findings": [one.as_json() for one in self.findings],
        }


def decide(out: Path, limits: Limits) -> Decision:
    """Judge the results under `<out>/base` and `<out>/head`.

    Raises:
        InputError: the folder holds no results, or a damaged one.
    """
    folders = (out / "base", out / "head")
    if not any(map(store.files, folders)):
        raise InputError(f"{out} holds no results of a gate: neither base nor head has any")
    # A side on which nothing could be built has none at all.
    base, head = (_by_key(store.load(side)) if store.files(side) else {} for side in folders)
    recorded = not _same_run(base, head)
    found = [*_failures(base, head, limits)]
    pairs = [
        Both(base[key], head[key])
        for key in head
        if key in base and base[key].status == head[key].status == "ok"
    ]
    found += _times(pairs, limits, recorded=recorded)
    found += _exact(pairs, out, limits)
    order = ["latency", "memory", "gmac", "parameters", "instructions", "correctness", "psnr"]
    models = list(dict.fromkeys(one.model for one in found))
    found.sort(key=lambda one: (models.index(one.model), order.index(one.quantity)))
    sides = (_revision(base), _revision(head))
    return Decision(tuple(found), recorded, *sides, tuple(_notes(limits, sides, recorded=recorded)))


def write(out: Path, decision: Decision, *, strict: bool = False) -> None:
    """Write `<out>/gate.json`."""
    text = json.dumps(decision.as_json(strict=strict), indent=1, ensure_ascii=False, allow_nan=False)
    store.replace(out / FILE, text + "\n")


def _times(pairs: list[Both], limits: Limits, *, recorded: bool) -> list[Finding]:
    timed = [both for both in pairs if both.head.cell.measurement == "latency"]
    evidence: dict[str, Evidence] = {}
    for both in timed:
        judge = timing.against_recorded if recorded else timing.side_by_side
        evidence[both.model] = judge(both.base, both.head)
    effect = limits.effect or (EFFECT_RECORDED if recorded else EFFECT)
    judged = timing.judge(evidence, effect, limits.error / limits.looks)
    found = []
    for both in timed:
        one = judged[both.model]
        found.append(
            Finding(
                both.model, "latency", one.verdict, _middle(both.base), _middle(both.head), "s",
                one.change, one.interval, one.floor, one.reason, "latency" in limits.accepted,
            )
        )  # fmt: skip
    return found


def _exact(pairs: list[Both], out: Path, limits: Limits) -> list[Finding]:
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
        folders = [out / side / OUTPUTS / model.replace(":", "-") for side in ("base", "head")]
        picture = exact.pictures(some, folders[0], folders[1], limits)
        found += [picture] if picture else []
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
    """Say what is wrong with one of two cells; no verdict where nothing is.

    A base that ends in an error has a method all the same, unless its revision lacks the module: what cannot
    be compared with it must not pass as new.
    """
    ended = "" if base is None else f"the base ended so: {base.status}: {base.reason}"
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


def _middle(record: Record) -> float:
    from bench.judge.statistics import estimate, round_medians

    medians = round_medians(record.values["samples_s"], record.values["round"])
    return estimate(list(medians.values()), "median").value


def _revision(records: dict[Key, Record]) -> dict[str, Any]:
    first = next(iter(records.values()), None)
    if first is None:
        return {"revision": None, "commit": None}
    return {"revision": first.provenance.get("revision"), "commit": first.provenance.get("commit")}


def _notes(limits: Limits, sides: Sequence[dict[str, Any]], *, recorded: bool) -> Iterable[str]:
    commits = {side["commit"] for side in sides}
    if len(commits) == 1 and None not in commits and not str(*commits).endswith("+changes"):
        yield "Base and head are the same commit: no difference between them is the code's."
    if recorded:
        effect = limits.effect or EFFECT_RECORDED
        yield (
            "The baseline was recorded in another run: times are compared as ratios to a reference workload "
            f"alone, from {effect:.1%} on, since a ratio moves a little from machine to machine; counts, "
            "memory and pictures are compared as they are."
        )
