"""Tables of time and memory: every runtime, precision, size and thread count that was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.judge import quantities
from bench.judge.quantities import GB, Measured
from bench.judge.statistics import over_rounds
from bench.show.tables import published
from bench.show.tables.entries import figure_entry
from bench.show.tables.layout import Column, Entry, Part, Table, dash, word
from bench.show.tables.numbers import compact
from bench.show.tables.setting import cost_setting, floor_sentence

if TYPE_CHECKING:
    from bench.judge.results import Results
    from bench.records.cells import Cell, Record

# The method that the others are compared with, setting by setting.
REFERENCE = "llpacknet"
SCOPES = ("decode", "gain", "quantise", "end_to_end")


def cost_table(results: Results) -> Table | None:
    """Time, spread, memory and ratios of every setting that was timed; None if nothing was."""
    timed = [record for record in results.of("latency") if record.status == "ok"]
    if not timed:
        return None
    order = published.ordered(results.models)
    timed.sort(key=lambda record: (order.index(record.cell.model), _order(record)))
    body = [_cost_row(results, record) for record in timed]
    columns = (
        Column("Method", ("method",), numeric=False),
        Column("Device", ("device",), numeric=False),
        Column("Runtime", ("runtime",), numeric=False),
        Column("Precision", ("precision",), numeric=False),
        Column("Frame", ("frame",), numeric=False),
        Column("Threads", ("threads",)),
        Column("Time s", ("time_s",), intervals=True),
        Column("IQR s", ("iqr_s",)),
        Column("Rounds", ("rounds",)),
        Column("Cold s", ("cold_s",)),
        Column("Kept s", ("kept_pages_s",)),
        Column("Peak GB", ("peak_gb",), intervals=True),
        Column("Process GB", ("process_gb",)),
        Column("× published", ("ratio_published",), intervals=True),
        Column("× LLPackNet", ("ratio_llpacknet",), intervals=True),
    )
    floor = floor_sentence(results, "A/A noise floor", "smaller differences mean nothing")
    caption = (
        f"Time is the median over rounds (fresh processes) of each round's median, ± its interval.{floor} "
        "Ratios are taken round by round within one interleaved run: to the same method in "
        "its published form, and to LLPackNet in the same setting. Kept: the published form if the "
        "C library keeps the memory of a pass for the next one instead of returning it. "
        "Peak: of the forward pass beside weights and input; Process: of the whole process. 1 GB = 1e9 bytes."
    )
    return Table("costs", "Time and memory in every setting", caption, columns, tuple(body))


def scope_table(results: Results) -> Table | None:
    """Where the time of one photograph goes: decoding, gain, network, quantising; None if not taken."""
    frame = results.frame()
    rows = []
    for model in published.ordered(results.models):
        record = results.cost("latency", model, frame=frame) if frame else "not measured"
        if isinstance(record, str) or not record.values.get("scopes"):
            continue
        scopes = record.values["scopes"]
        cells = [_median(scopes.get(name)) for name in SCOPES]
        cells.insert(2, figure_entry(quantities.latency(results, model, frame=frame), 1.0, one_form=True))
        rows.append((word(published.title(model)), *cells))
    if not rows:
        return None
    titles = ("Decode s", "Gain s", "Method s", "Quantise s", "End to end s")
    keys = ("decode_s", "gain_s", "method_s", "quantise_s", "end_to_end_s")
    columns = [Column("Method", ("method",), numeric=False)]
    columns += [
        Column(title, (key,), intervals=key == "method_s") for title, key in zip(titles, keys, strict=True)
    ]
    return Table(
        "scopes", "Where the time of one photograph goes", cost_setting(results), tuple(columns), tuple(rows)
    )


def _cost_row(results: Results, record: Record) -> tuple[Entry, ...]:
    cell = record.cell
    medians = list(quantities.rounds(record).values())
    marks = ("single-pass",) if record.values.get("single_pass") else ()
    memory = _memory(results, cell)
    samples = record.values["samples_s"]
    low, high = np.percentile(samples, [25, 75])
    spread = float(high - low)
    return (
        word(published.title(cell.model)),
        word(cell.device or "–"),
        word(cell.runtime or "–"),
        word(cell.precision or "–"),
        word(f"{cell.height}x{cell.width}"),
        _number(cell.threads),
        figure_entry(
            Measured(over_rounds(quantities.rounds(record)), marks=marks, behind=(record,)),
            1.0,
            4,
            spread=True,
        ),
        dash() if len(samples) < 4 else Entry((Part(compact(spread, 2), spread),)),
        _number(len(medians)),
        _number(record.values.get("cold_s")),
        _median((record.values.get("scopes") or {}).get("kept_pages")),
        dash() if memory is None else figure_entry(quantities.peak(results, memory), 1 / GB),
        _number(None if memory is None else memory.values["process_peak_bytes"] / GB),
        _ratio(results, record, _same(results, cell, runtime="published", precision="fp32")),
        _ratio(results, record, _same(results, cell, model=REFERENCE)),
    )


def _same(results: Results, cell: Cell, **other: str) -> Record | None:
    """Return the latency record whose cell differs from this one only as told."""
    wanted = {**vars(cell), **other}
    for record in results.of("latency", str(wanted["model"])):
        if record.status == "ok" and vars(record.cell) == wanted and record.cell != cell:
            return record
    return None


def _ratio(results: Results, record: Record, reference: Record | None) -> Entry:
    if reference is None:
        return dash()
    found = quantities.record_ratio(results, record, reference)
    return dash() if found.estimate is None else figure_entry(Measured(found.estimate), 1.0, 3, spread=True)


def _memory(results: Results, cell: Cell) -> Record | None:
    """Return the memory record of the setting that a cell was timed in."""
    wanted = {**vars(cell), "measurement": "memory"}
    for record in results.of("memory", cell.model):
        if record.status == "ok" and vars(record.cell) == wanted:
            return record
    return None


def _median(seconds: list[float] | None) -> Entry:
    return dash() if not seconds else _number(float(np.median(seconds)))


def _number(value: float | None) -> Entry:
    return dash() if value is None else Entry((Part(compact(value, 3), value),))


def _order(record: Record) -> tuple[object, ...]:
    cell = record.cell
    size = (cell.height or 0) * (cell.width or 0)
    return (cell.device, -size, -(cell.threads or 0), str(cell.precision), str(cell.runtime))
