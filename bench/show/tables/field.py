"""Table of the field: every learned method, its published figures beside measured ones, and cost by area."""

from __future__ import annotations

from typing import TYPE_CHECKING

import baselines
from baselines.paper import FULL_HEIGHT, FULL_WIDTH
from baselines.registry import named
from bench.judge import quantities
from bench.judge.evidence import with_protocol
from bench.judge.quantities import GB
from bench.show.tables import published
from bench.show.tables.entries import counted, figure_entry, image_entry
from bench.show.tables.layout import Column, Entry, Part, Table, ranked, word
from bench.show.tables.setting import cost_setting, data_setting

if TYPE_CHECKING:
    from baselines.spec import Spec
    from bench.judge.results import Results
    from bench.records.cells import Record

MEGAPIXELS = FULL_HEIGHT * FULL_WIDTH / 1e6
READING = (
    "Every learned method of the run. Free: not restrictively licensed (`--only-free` skips the others). "
    "Tiles: a frame can be cut into overlapping parts with the same result as for the whole. Published "
    "scores are for real SID under the protocol named beside them; they are comparable neither with "
    "scores of another protocol nor with those measured here."
)


def field_table(results: Results) -> Table | None:
    """Lay out all learned methods; None if none was measured that the paper does not compare."""
    newer = set(named("field")) - set(named("all"))
    if not newer & set(results.models):
        return None
    shown = [model for model in published.ordered(named("field")) if model in results.models]
    protocol = with_protocol(results)
    columns = (
        Column("Method", ("method",), numeric=False),
        Column("Year", ("year",)),
        Column("Free", ("free",), numeric=False),
        Column("Tiles", ("tiles",), numeric=False),
        Column("Params M", ("parameters_m",), better=("low",)),
        Column("per Mpx", ("gmac_per_mpx",), "GMAC", ("low",)),
        Column("per frame", ("time_s",), "Time s", ("low",), intervals=True),
        Column("per Mpx", ("time_s_per_mpx",), "Time s", ("low",), intervals=True),
        Column("per frame", ("memory_gb",), "Memory GB", ("low",), intervals=True),
        Column("per Mpx", ("memory_gb_per_mpx",), "Memory GB", ("low",), intervals=True),
        Column("published", ("published",), "PSNR/SSIM", numeric=False),
        Column("here", ("psnr_measured", "ssim_measured"), "PSNR/SSIM", ("high", "high"), intervals=True),
    )
    settings = (cost_setting(results), data_setting(results, (protocol,)))
    caption = " ".join(filter(None, (READING, *settings, f"Measured under protocol {protocol}.")))
    body = tuple(_row(results, baselines.spec(model), protocol) for model in shown)
    return ranked(Table("field", "The field: every learned method", caption, columns, body))


def _row(results: Results, declared: Spec, protocol: str) -> tuple[Entry, ...]:
    model = declared.name
    frame = results.frame()
    area = MEGAPIXELS if frame is None else frame[0] * frame[1] / 1e6
    counted_on = results.complexity(model)
    time, memory = quantities.latency(results, model), quantities.memory(results, model)
    return (
        word(published.title(model)),
        Entry((Part(str(declared.year) if declared.year else "–", float(declared.year)),)),
        word("no" if declared.restricted else "yes", *_reserve(declared)),
        word("yes" if declared.tile_safe else "no"),
        counted(quantities.count(results, model, "parameters"), 1e-6, "{:.3f}"),
        counted(quantities.count(results, model, "gmac"), 1 / _megapixels(counted_on), "{:.2f}"),
        figure_entry(time, 1.0, is_ranked=True, spread=True),
        figure_entry(time, 1 / area, is_ranked=True, spread=True),
        figure_entry(memory, 1 / GB, is_ranked=True),
        figure_entry(memory, 1 / GB / area, is_ranked=True),
        _scores(declared),
        image_entry(results, model, protocol),
    )


def _megapixels(counted_on: Record | str) -> float:
    if isinstance(counted_on, str) or not counted_on.cell.height or not counted_on.cell.width:
        return MEGAPIXELS
    return counted_on.cell.height * counted_on.cell.width / 1e6


def _reserve(declared: Spec) -> tuple[str, ...]:
    return (f"{declared.title}: {declared.licence}.",) if declared.restricted else ()


def _scores(declared: Spec) -> Entry:
    """Every published score with its protocol, and a footnote that says where it is printed."""
    if not declared.published:
        return word("–")
    shown = "; ".join(
        f"{one.psnr}{f' / {one.ssim}' if one.ssim else ''} ({one.protocol})" for one in declared.published
    )
    sources = (f"Under {one.protocol}: {one.source}." for one in declared.published)
    return word(shown, " ".join(f"{declared.title}. {' '.join(sources)}".split()))
