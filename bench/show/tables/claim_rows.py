"""Verdicts on published claims in words and as tables for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.judge.claims import VERDICTS
from bench.show.tables.numbers import compact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HEADINGS = {
    "reproduced": "Reproduced",
    "within-tolerance": "Within tolerance",
    "not-reproduced": "Not reproduced",
    "inconsistent-at-source": "Inconsistent at the source",
    "untestable-here": "Untestable here",
}


def measured(entry: dict[str, Any]) -> str:
    """Measured figure of a claim with its unit, and its interval unless it is a count; a dash without one."""
    if entry["measured"] is None:
        return "–"
    text = f"{compact(entry['measured'])} {entry['unit']}".strip()
    if entry["interval"] and entry["interval"][0] != entry["interval"][1]:
        low, high = map(compact, entry["interval"])
        text += f" ({low} to {high})"
    return text


def as_markdown(verdicts: Sequence[dict[str, Any]]) -> str:
    """Lay verdicts out as Markdown: a section for each, with a table of its claims and what decided them."""
    assert set(HEADINGS) == set(VERDICTS)
    sections = []
    for verdict, heading in HEADINGS.items():
        those = [entry for entry in verdicts if entry["verdict"] == verdict]
        if those:
            sections.append(f"## {heading} ({len(those)})\n\n{_table(those)}")
    return "\n\n".join(sections) + "\n"


def _table(entries: Iterable[dict[str, Any]]) -> str:
    lines = ["| Claim | Published | Source | Measured | Why |", "| :--- | :--- | :--- | ---: | :--- |"]
    for entry in entries:
        cells = (entry["title"], entry["published"], entry["source"], measured(entry), entry["reason"])
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(lines)


def _cell(text: str | None) -> str:
    return " ".join((text or "–").split()).replace("|", "\\|")
