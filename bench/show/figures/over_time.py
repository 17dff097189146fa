"""Results over time as plots: one for each method and quantity, with the points at which a level changed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from bench.machine.wording import plural
from bench.show.figures import style
from bench.show.tables.layout import Column, Entry, Part, Table, dash, word
from bench.show.tables.numbers import compact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.judge.history import Series
    from bench.show.figures.style import Drawn

FOLDER = "history"
MOST_LABELS = 12


def write(folder: Path, series: Sequence[Series]) -> list[Path]:
    """Draw every series with more than one point into `<folder>/history/`; returns the paths."""
    paths: list[Path] = []
    with style.styled():
        for index, one in enumerate(series):
            if len(one.points) > 1:
                drawn = plot(one)
                name = f"{index:02d}-{drawn.name}"
                paths += style.save(drawn.figure, folder / FOLDER, name)
    return paths


def plot(series: Series) -> Drawn:
    """Draw one series: values with their intervals, levels between change points, commits below."""
    drawn = style.figure(style.PAGE, 2.6)
    axes = drawn.subplots()
    colour, marker = style.look(series.model, [series.model])
    places = range(len(series.points))
    values = [point.value.value for point in series.points]
    for place, point in zip(places, series.points, strict=True):
        if point.value.low is not None and point.value.high is not None:
            axes.plot([place] * 2, [point.value.low, point.value.high], color=colour, lw=1.2, alpha=0.5)
    axes.plot(places, values, marker, color=colour, ms=4)
    ends = (0, *series.changes, len(values))
    for first, last in pairwise(ends):
        level = sum(values[first:last]) / (last - first)
        axes.plot([first - 0.4, last - 0.6], [level] * 2, color="#444444", lw=0.9)
    for change in series.changes:
        axes.axvline(change - 0.5, color="#444444", lw=0.8, ls=":")
        axes.annotate(
            f"{series.shift(change):+.1%}".replace("-", "−"), (change - 0.5, 1), (3, -2), va="top",
            fontsize=7,
            xycoords=("data", "axes fraction"), textcoords="offset points",
        )  # fmt: skip
    step = max(1, -(-len(values) // MOST_LABELS))
    labels = [f"{(point.commit or point.entry)[:8]}\n{point.time[:10]}" for point in series.points]
    axes.set_xticks(list(places)[::step], labels[::step], fontsize=6)
    axes.set_xlim(-0.7, len(values) - 0.3)
    axes.set_ylabel(f"{series.quantity} ({series.unit})" if series.unit else series.quantity)
    title = f"{series.model}: {series.quantity}"
    axes.set_title(f"{title}\n{' · '.join(filter(None, (series.setting, series.machine)))}", fontsize=7.5)
    caption = "Horizontal lines are levels; dotted lines mark where a level changed for good (PELT)."
    said = f"{title} over {plural(len(values), 'result')}, {plural(len(series.changes), 'change')} of level"
    name = "".join(
        sign if sign.isalnum() or sign in "+-" else "-" for sign in f"{series.model}-{series.quantity}"
    )
    return style.Drawn(name, title, caption, said, drawn)


def table(series: Sequence[Series]) -> Table:
    """List every series with its last value and its changes."""
    columns = (
        Column("Model", ("model",), numeric=False),
        Column("Quantity", ("quantity",), numeric=False),
        Column("Setting", ("setting",), numeric=False),
        Column("Results", ("results",)),
        Column("Last", ("last",)),
        Column("Changes of level", ("changes",), numeric=False),
    )
    caption = "A change of level is not a verdict: the machine may have changed as well as the code."
    return Table("history", "Results over time", caption, columns, tuple(_row(one) for one in series))


def _row(series: Series) -> tuple[Entry, ...]:
    changes = [
        f"{series.shift(change):+.1%} at {(series.points[change].commit or series.points[change].entry)[:8]}"
        for change in series.changes
    ]
    last = series.points[-1].value.value
    return (
        word(series.model),
        word(series.quantity),
        word(" · ".join(filter(None, (series.setting, series.machine))) or "–"),
        Entry((Part(str(len(series.points)), float(len(series.points))),)),
        Entry((Part(f"{compact(last)} {series.unit}".strip(), last),)),
        word(", ".join(changes).replace("-", "−")) if changes else dash(),
    )
