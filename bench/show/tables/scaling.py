"""How time and memory grow with the frame and shrink with threads: figures per megapixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.judge import quantities
from bench.judge.quantities import GB, Measured
from bench.judge.results import describe
from bench.judge.statistics import over_rounds
from bench.show.tables import published
from bench.show.tables.entries import figure_entry
from bench.show.tables.layout import Column, Entry, Part, Table, dash, word
from bench.show.tables.numbers import compact

if TYPE_CHECKING:
    from bench.judge.results import Results
    from bench.records.cells import Cell, Record

Setting = tuple[str, str | None, str | None, str | None, int | None, int | None, int | None]


def scaling_table(results: Results) -> Table | None:
    """Time and memory per megapixel of each method measured at several sizes or thread counts, else None.

    A size that did not fit, or took too long, keeps its row, with the reason.
    """
    rows = _swept(results)
    if not rows:
        return None
    columns = (
        Column("Method", ("method",), numeric=False),
        Column("Form", ("form",), numeric=False),
        Column("Threads", ("threads",)),
        Column("Frame", ("frame",), numeric=False),
        Column("MP", ("megapixels",)),
        Column("Time s", ("time_s",), intervals=True),
        Column("s/MP", ("time_s_per_megapixel",), intervals=True),
        Column("Peak GB", ("peak_gb",), intervals=True),
        Column("GB/MP", ("peak_gb_per_megapixel",), intervals=True),
    )
    caption = (
        "One forward pass on the whole frame, never in tiles. For a camera of N megapixels take the figures "
        "per megapixel of the size next to it, times N. MP: 1e6 pixels of the mosaic; 1 GB = 1e9 bytes."
    )
    return Table("scaling", "Time and memory per megapixel", caption, columns, tuple(rows))


def _swept(results: Results) -> list[tuple[Entry, ...]]:
    found: dict[Setting, dict[str, Record]] = {}
    for kind in ("latency", "memory"):
        for record in results.of(kind):
            found.setdefault(_setting(record.cell), {})[kind] = record
    counted: dict[tuple[object, ...], set[tuple[object, ...]]] = {}
    for setting in found:
        counted.setdefault(setting[:4], set()).add(setting[4:])
    order = published.ordered(results.models)
    chosen = [setting for setting in found if len(counted[setting[:4]]) > 1]
    chosen.sort(key=lambda one: (order.index(one[0]), *map(str, one[1:4]), one[4] or 0, _pixels(one)))
    return [_row(results, setting, found[setting]) for setting in chosen]


def _setting(cell: Cell) -> Setting:
    return (
        cell.model,
        cell.device,
        cell.runtime,
        cell.precision,
        cell.threads,
        cell.height,
        cell.width,
    )


def _pixels(setting: Setting) -> int:
    return (setting[5] or 0) * (setting[6] or 0)


def _row(results: Results, setting: Setting, records: dict[str, Record]) -> tuple[Entry, ...]:
    model, device, runtime, precision, threads, height, width = setting
    megapixels = _pixels(setting) / 1e6
    time, memory = _time(records.get("latency")), _peak(results, records.get("memory"))
    return (
        word(published.title(model)),
        word(", ".join(str(part) for part in (device, runtime, precision))),
        _number(threads),
        word(f"{height}x{width}"),
        _number(megapixels),
        figure_entry(time, 1.0, 4, one_form=True),
        figure_entry(time, 1 / megapixels, 4, one_form=True),
        figure_entry(memory, 1 / GB, one_form=True),
        figure_entry(memory, 1 / GB / megapixels, 4, one_form=True),
    )


def _time(record: Record | None) -> Measured:
    if record is None or record.status != "ok":
        return Measured(None, "not measured" if record is None else describe(record))
    return Measured(over_rounds(quantities.rounds(record)), marks=quantities.cost_marks(record))


def _peak(results: Results, record: Record | None) -> Measured:
    if record is None or record.status != "ok":
        return Measured(None, "not measured" if record is None else describe(record))
    return quantities.peak(results, record)


def _number(value: float | None) -> Entry:
    return dash() if value is None else Entry((Part(compact(value, 3), value),))
