"""Verdicts on published claims in words and as tables for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.judge.outcomes import Outcome
from bench.judge.statistics import Kind
from bench.show.tables.numbers import compact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.judge.outcomes import Decision, Verdict

DIFFERING = frozenset({Outcome.CONDITIONS_DIFFER, Outcome.INCONSISTENT_AT_SOURCE})
HEADINGS = {outcome: outcome.replace("-", " ").capitalize() for outcome in Outcome}
# By source as `claims.toml` names it, what it is called; in the order of a page.
SOURCES = {
    "readme": "The README of LLPackNet's authors",
    "paper": "LLPackNet's paper (BMVC 2020)",
    "repo20": "LLPackNet's code of 2020",
    "repo22": "LLPackNet's code of 2022",
    "RED": "RED's paper and README (CVPR 2021)",
    "ADU-Net": "ADU-Net's paper (TOMM 2024)",
    "ours": "Not published: questions added by this suite",
}
# Heading of what two statements are compared in.
BETWEEN = "Statements that differ between sources"
# What stands before the count of repetitions where the ends are no measured interval.
ENDS = {Kind.RANGE: "range, ", Kind.STATED: "stated, ", Kind.INTERVAL: "", "several": "hull, "}


def figure(one: Verdict | Decision, unit: str) -> str:
    """Measured figure with its unit, its ends, what they are and of how many values; a dash without one."""
    if one.measured is None:
        return "–"
    text = f"{compact(one.measured)} {unit}".strip()
    if one.interval is None or one.kind == Kind.EXACT:
        return text
    low, high = map(compact, one.interval)
    return f"{text} ({low} to {high}; {ENDS.get(one.kind or '', '')}n = {one.n})"


def measured(one: Verdict) -> str:
    """Measured figure of a claim, or of each method that it speaks of."""
    if not one.members:
        return figure(one, one.unit)
    return "; ".join(f"{member.name} {figure(member, one.unit)}" for member in one.members)


def told(one: Verdict) -> str:
    """Say why a claim has its outcome, with the direction of what contradicts it."""
    words = []
    if one.favours_authors:
        words.append("better than claimed")
    if one.why is not None:
        words.append(one.why.replace("-", " "))
    return ": ".join([*words, one.reason])


def by_source(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """Group verdicts by the source's title, in the order of `SOURCES`; in a group, the decided come first."""
    ranks = list(Outcome)
    found: dict[str, list[Verdict]] = {title: [] for title in (*SOURCES.values(), BETWEEN)}
    for one in sorted(verdicts, key=lambda one: (one.source, ranks.index(one.outcome))):
        name = one.source.partition(",")[0]
        title = BETWEEN if one.outcome in DIFFERING else SOURCES.get(name, name)
        found.setdefault(title, []).append(one)
    return {title: those for title, those in found.items() if those}


def as_markdown(verdicts: Sequence[Verdict]) -> str:
    """Lay verdicts out as Markdown: a section for each outcome, with its claims and what decided them."""
    sections = []
    for outcome, heading in HEADINGS.items():
        those = [one for one in verdicts if one.outcome is outcome]
        if those:
            sections.append(f"## {heading} ({len(those)})\n\n{_table(those)}")
    return "\n\n".join(sections) + "\n"


def _table(verdicts: Iterable[Verdict]) -> str:
    lines = ["| Claim | Published | Source | Measured | Why |", "| :--- | :--- | :--- | ---: | :--- |"]
    for one in verdicts:
        cells = (one.title, one.published, one.source, measured(one), told(one))
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(lines)


def _cell(text: str | None) -> str:
    return " ".join((text or "–").split()).replace("|", "\\|")
