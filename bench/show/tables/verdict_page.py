"""Findings of the gate and of a comparison as a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bench.show.tables.layout import Column, Entry, Part, Table, dash, word
from bench.show.tables.numbers import compact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.judge.gate_verdict import Decision
    from bench.judge.verdicts import Finding

SCALES = {"s": (1e3, "ms"), "B": (1e-6, "MB")}
MARKS = {True: "✗", False: "✓"}
# Stands before what could not be told.
PATIENT = "?"


def gate_table(decision: Decision, *, strict: bool = False) -> Table:
    """Return the gate's findings, one row each."""
    fell = decision.status(strict=strict)
    base, head = (_revision(side) for side in (decision.base, decision.head))
    also = f" and {_revision(decision.also)}" if decision.also else ""
    title = f"Gate {'failed' if fell else 'passed'}: {head} compared with {base}{also}"
    return findings_table("gate", title, decision.findings, decision.notes)


def findings_table(name: str, title: str, findings: Sequence[Finding], notes: Sequence[str] = ()) -> Table:
    """Give findings, one row each.

    Args:
        name: file name without its suffix.
        title: heading.
        findings: what is shown.
        notes: sentences for the caption.
    """
    columns = (
        Column("Model", ("model",), numeric=False),
        Column("Quantity", ("quantity",), numeric=False),
        Column("Base", ("base",)),
        Column("Head", ("head",)),
        Column("Change", ("change",), intervals=True),
        Column("A/A floor", ("floor",)),
        Column("Verdict", ("verdict",), numeric=False),
        Column("Why", ("why",), numeric=False),
    )
    caption = " ".join((_legend(findings), *notes)).strip()
    return Table(name, title, caption, columns, tuple(_row(one) for one in findings))


def _legend(findings: Sequence[Finding]) -> str:
    if not any(one.interval for one in findings):
        return ""
    floor = "The A/A floor is how much a revision differs from itself"
    if not any(one.quantity == "tail" for one in findings):
        return f"Change of a time: head over base, with its interval over processes. {floor}."
    return (
        f"Change of a time: the mean of paired ratios with its interval over processes. {floor} in the same "
        "run. Latency is the mean of the faster half of each process's turns, tail that of the slower half, "
        "over the same processes."
    )


def _row(one: Finding) -> tuple[Entry, ...]:
    mark = PATIENT if one.verdict == "inconclusive" else MARKS[one.fallen]
    reason = f"{one.reason} (accepted)" if one.accepted and one.reason else one.reason
    detail = " ".join(str(value) for value in one.detail.values() if value is not None)
    return (
        word(one.model),
        word(f"{one.quantity} {detail}".strip()),
        _figure(one.base, one.unit),
        _figure(one.head, one.unit),
        _change(one),
        dash() if one.floor is None else Entry((Part(f"{one.floor:.1%}", one.floor),)),
        word(f"{mark} {one.verdict}"),
        word(reason or "–"),
    )


def _figure(value: float | None, unit: str) -> Entry:
    if value is None or not math.isfinite(value):
        return dash() if value is None else word("∞")
    scale, name = SCALES.get(unit, (1.0, unit))
    text = f"{int(value):,}" if not unit and float(value).is_integer() else compact(value * scale, 4)
    return Entry((Part(f"{text} {name}".strip(), value),))


def _change(one: Finding) -> Entry:
    if one.change is None:
        return dash()
    if one.unit == "dB":
        return Entry((Part(f"{one.change:+.3f} dB".replace("-", "−"), one.change),))
    if one.quantity == "correctness":
        return Entry((Part(compact(one.change), one.change),))
    low, high = one.interval or (None, None)
    text = (
        f"{one.change:+.2%}"
        if low is None or high is None
        else (f"{one.change:+.1%} ({low:+.1%} to {high:+.1%})")
    )
    return Entry((Part(text.replace("-", "−"), one.change, low, high),))


def _revision(side: dict[str, object]) -> str:
    name, commit = side.get("revision"), side.get("commit")
    short = str(commit).partition("+")[0][:10] + ("+changes" if "+" in str(commit) else "") if commit else ""
    if not name or str(name) == str(commit):
        return short or "a folder"
    return f"{name} ({short})" if short else str(name)
