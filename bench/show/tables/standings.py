"""Tables of floors: how near each form of a network comes to the least time, and where the rest goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.judge import floors
from bench.show.tables import published
from bench.show.tables.entries import part
from bench.show.tables.layout import Column, Entry, Part, Table, dash, word
from bench.show.tables.numbers import compact, with_interval
from bench.show.tables.setting import cost_setting

if TYPE_CHECKING:
    from bench.judge.floors import Roof, Standing
    from bench.judge.results import Results

NO_ROOF = "No roof was measured for this number format: it has no instructions here, or no cell `kernels`."
FAULT = "Roof too low: this form was faster than every kernel."
KERNELS = {
    "product": "a matrix product",
    "numpy_product": "a matrix product by NumPy",
    "inner_product": "an inner product",
    "registers": "multiply-adds within the registers",
}


def kernel(name: str) -> str:
    """Say what a kernel is, with its article."""
    return KERNELS.get(name) or f"a {name.replace('_', ' ')}"


def ordered(results: Results) -> list[Standing]:
    """Every form that stands above a floor, in the order of tables; empty without a measured roof."""
    found = floors.standings(results)
    if not any(one.roof for one in found):
        return []
    models = published.ordered({one.model for one in found})
    return sorted(found, key=lambda one: models.index(one.model))


def floor_table(results: Results) -> Table | None:
    """Floor and share of it for every form; None if no roof, or no time under one, was measured."""
    found = ordered(results)
    if not found:
        return None
    columns = (
        Column("Method", ("method",), numeric=False),
        Column("Runtime", ("runtime",), numeric=False),
        Column("Precision", ("precision",), numeric=False),
        Column("Computed in", ("computes",), numeric=False),
        Column("GFLOP", ("gflop",)),
        Column("Floor s", ("floor_s",)),
        Column("Time s", ("time_s",), intervals=True),
        Column("Share of the floor's speed", ("floor_share",)),
    )
    caption = (
        "Floor: a pass's multiplications and additions over the rate of the fastest compute-bound kernel of "
        f"the number format. {roof_sentences(results)} {cost_setting(results, one_form=False)}"
    )
    rows = tuple(_row(one) for one in found)
    return Table("floors", "How close each form comes to the floor", caption, columns, rows)


def roof_sentences(results: Results) -> str:
    """Name the roof of each number format, what the instructions allow, and what contradicts either."""
    return " ".join(_sentence(one) for one in floors.roofs(results).values())


def _sentence(one: Roof) -> str:
    said = f"Roof in {one.precision}: {kernel(one.kernel)}, {compact(one.flops / 1e9, 4)} GFLOP/s"
    if one.limit is not None:
        allowed = f"{compact(one.limit / 1e9, 4)} GFLOP/s"
        said += f"; cores x lanes x 2 x units x clock: {allowed}"
    fault = " Roof too high: it exceeds what loop and clock allow." if one.is_above_limit else ""
    return f"{said}.{fault}"


def _row(one: Standing) -> tuple[Entry, ...]:
    runtime, precision = one.form
    if one.floor_s is None or one.share is None:
        floor, share = dash(NO_ROOF), dash(NO_ROOF)
    else:
        floor = Entry((Part(compact(one.floor_s, 3), one.floor_s),))
        notes = (FAULT,) if one.is_above_roof else ()
        share = Entry((Part(f"{100 * one.share:.0f} %", one.share),), notes, behind=one.behind)
    return (
        word(published.title(one.model)),
        word(runtime),
        word(precision),
        word(one.computes),
        Entry((Part(compact(one.operations / 1e9, 5), one.operations / 1e9),)),
        floor,
        Entry((part(one.time, with_interval(one.time, 3), is_ranked=False),), behind=one.behind[:1]),
        share,
    )


def profile_table(results: Results) -> Table | None:
    """Where the time of every profiled form goes; None if none was profiled."""
    rows: list[tuple[Entry, ...]] = []
    for one in floors.standings(results):
        found = floors.profile(results, one.model, one.form)
        if found is None:
            continue
        record, parts = found
        slower = floors.slowed(record)
        note = (
            f"With the profiler this pass took {slower:.2f} times as long: shares are shown, but no rates.",
        )
        notes = note if slower > floors.DISTURBED else ()
        for place in parts:
            rate = None if place.flops is None else place.flops / 1e9
            rows.append(
                (
                    word(published.title(one.model)),
                    word(" ".join(one.form), *notes),
                    word(place.kind),
                    Entry((Part(compact(place.share * one.time.value, 3), place.share * one.time.value),)),
                    Entry((Part(f"{100 * place.share:.1f} %", place.share),), behind=(record,)),
                    dash() if rate is None else Entry((Part(f"{rate:.0f}", rate),)),
                )
            )
    if not rows:
        return None
    columns = (
        Column("Method", ("method",), numeric=False),
        Column("Form", ("form",), numeric=False),
        Column("Where", ("kind",), numeric=False),
        Column("s", ("seconds",)),
        Column("Share", ("share",)),
        Column("GFLOP/s", ("gflop_per_s",)),
    )
    caption = (
        "Shares of the fastest of a few passes that torch profiled, and the seconds that these are of the "
        f"form's time. {cost_setting(results, one_form=False)}"
    )
    return Table("profile", "Where the time of a pass goes", caption, columns, tuple(rows))
