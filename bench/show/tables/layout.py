"""Tables as data: what stands in a cell, which figure is best, which footnote explains a dash."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.records.cells import Record

DASH = "–"


@dataclass(frozen=True)
class Part:
    """One figure of a cell.

    Attributes:
        text: as printed.
        value: the number behind it, for sorting, ranking and CSV; None for a dash or a word.
        low: lower end of its interval.
        high: upper end of it.
        ranked: whether it takes part in the ranking of its column.
        rank: 1 for the best, 2 for the second best, else 0; filled in by `ranked`.
    """

    text: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    ranked: bool = False
    rank: int = 0


@dataclass(frozen=True)
class Entry:
    """A table cell: one figure or several parted by slashes.

    Attributes:
        parts: its figures.
        notes: the footnotes that it needs.
        short: what a terminal shows instead, where columns are narrow.
        behind: the records that it rests on.
        is_open: whether its figure, or more of it, is still to come.
    """

    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()
    short: str = ""
    behind: tuple[Record, ...] = ()
    is_open: bool = False

    @property
    def text(self) -> str:
        """The cell without marks."""
        return " / ".join(part.text for part in self.parts)


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        title: its heading.
        keys: CSV names, one per part.
        group: heading above several columns.
        better: per part whether "low" or "high" values are better; None if nothing is ranked.
        numeric: whether it is set flush right.
        intervals: whether CSV has columns for the interval of its parts.
        wraps: whether it holds sentences, which run over several lines.
        floors: per part the difference below which two figures share a rank: relative to the better where it
            is better low, in the part's unit where it is better high.
    """

    title: str
    keys: tuple[str, ...]
    group: str = ""
    better: tuple[Literal["low", "high"] | None, ...] = ()
    numeric: bool = True
    intervals: bool = False
    wraps: bool = False
    floors: tuple[float, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table ready to be written in any form.

    Attributes:
        name: file name without its suffix.
        title: heading.
        caption: what a reader must know: data, protocol, machine.
        columns: its columns.
        rows: entries, one per column.
    """

    name: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Entry, ...], ...]

    @property
    def notes(self) -> dict[str, str]:
        """Footnote letter by footnote, in order of appearance."""
        texts = dict.fromkeys(note for row in self.rows for entry in row for note in entry.notes)
        return {text: letter(index) for index, text in enumerate(texts)}

    @property
    def behind(self) -> tuple[Record, ...]:
        """The records that its figures rest on."""
        found = (record for row in self.rows for entry in row for record in entry.behind)
        return tuple({record.cell: record for record in found}.values())

    @property
    def heads(self) -> list[tuple[str, int]]:
        """Group headings with the number of columns that each spans."""
        found: list[tuple[str, int]] = []
        for column in self.columns:
            if found and column.group and found[-1][0] == column.group:
                found[-1] = (column.group, found[-1][1] + 1)
            else:
                found.append((column.group, 1))
        return found

    @property
    def has_ranks(self) -> bool:
        """Whether any figure is marked as best or second best."""
        return any(part.rank for row in self.rows for entry in row for part in entry.parts)


def word(text: str, *notes: str, short: str = "") -> Entry:
    """Return a cell that holds a word or a published figure as printed."""
    return Entry((Part(text),), notes, short)


def dash(reason: str = "") -> Entry:
    """Return a cell without a figure, with the footnote that says why."""
    return Entry((Part(DASH),), (reason,) if reason else ())


def letter(index: int) -> str:
    """Footnote letters: a, b, ..., z, aa, ab, ..."""
    return (letter(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)


def ranked(table: Table) -> Table:
    """Return the table with the best and second best figure of each column marked.

    A column of which a figure is still to come is left as it is.
    """
    rows = [list(row) for row in table.rows]
    for index, column in enumerate(table.columns):
        if any(row[index].is_open for row in rows):
            continue
        for part, better in enumerate(column.better):
            if better is not None:
                floor = column.floors[part] if column.floors else 0.0
                _rank(rows, index, part, better, floor)
    return replace(table, rows=tuple(tuple(row) for row in rows))


def _rank(rows: list[list[Entry]], column: int, part: int, better: str, floor: float) -> None:
    """Mark the best and, where it is alone, the second best; what differs by less than the floor ties."""

    def value(row: Sequence[Entry]) -> float | None:
        parts = row[column].parts
        return parts[part].value if part < len(parts) and parts[part].ranked else None

    def ties(one: float, best: float) -> bool:
        return one <= best * (1 + floor) if better == "low" else one >= best - floor

    found = sorted((shown for row in rows if (shown := value(row)) is not None), reverse=better == "high")
    if len(found) < 2:
        return
    first = [one for one in found if ties(one, found[0])]
    rest = found[len(first) :] if len(first) == 1 else []
    second = [one for one in rest if ties(one, rest[0])]
    if len(first) == len(found):
        return
    for row in rows:
        shown = value(row)
        if shown in first or shown in second:
            entry = row[column]
            parts = list(entry.parts)
            parts[part] = replace(parts[part], rank=1 if shown in first else 2)
            row[column] = replace(entry, parts=tuple(parts))
