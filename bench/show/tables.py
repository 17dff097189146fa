"""Table 1 of the paper, published and measured side by side, and the writing of all tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench import store
from bench.judge import quantities
from bench.judge.evidence import WITHOUT, with_protocol
from bench.judge.quantities import GB, Measured
from bench.judge.results import FULL, NOT_MEASURED, Results
from bench.show import catalogue, published, writers
from bench.show.layout import Column, Entry, Part, Table, dash, ranked, word
from bench.show.numbers import plain, with_interval
from bench.show.setting import cost_setting, data_setting

if TYPE_CHECKING:
    from pathlib import Path

    import rich.table

    from bench.judge.statistics import Estimate

NOTES = {
    "single-pass": "Timed in a single pass, since it was predicted to be slow; its spread is unknown.",
    "quarter-area": "Judged at a quarter of the area; not ranked.",
    "unfinished": "Its weights come from an unfinished training; not ranked.",
}
"""Footnotes for the marks of `bench.judge.quantities.Measured`."""


def table1(results: Results) -> Table:
    """The paper's Table 1 with a published and a measured column for each figure."""
    rows = [row for row in published.load()["table1"] if "published" in row or _present(row, results)]
    protocol = with_protocol(results)
    table = Table(
        name="table1",
        title="Table 1 of the paper, published and measured",
        caption=_caption(results, protocol),
        columns=_columns(),
        rows=tuple(_row(row, results, protocol) for row in rows),
    )
    return ranked(table)


def table1_rich(out: Path) -> rich.table.Table:
    """Table 1 of a results folder, ready to be printed."""
    return writers.as_rich(table1(Results.load(out)))


def all_tables(results: Results) -> list[Table]:
    """Every table that the results can fill, Table 1 first."""
    return [table1(results), *catalogue.tables(results)]


def write_all(out: Path, tables: list[Table]) -> list[Path]:
    """Write every table under `<out>/tables/` as CSV, Markdown and LaTeX; returns the paths."""
    paths = []
    forms = {"csv": writers.as_csv, "md": writers.as_markdown, "tex": writers.as_latex}
    for table in tables:
        for suffix, form in forms.items():
            path = out / "tables" / f"{table.name}.{suffix}"
            store.replace(path, form(table))
            paths.append(path)
    return paths


def _columns() -> tuple[Column, ...]:
    columns = [Column("Method", ("method",), numeric=False)]
    for title, key in (("Time s", "time_s"), ("Memory GB", "memory_gb"), ("Params M", "parameters_m")):
        columns.append(Column("paper", (f"{key}_published",), title))
        columns.append(Column("here", (f"{key}_measured",), title, ("low",), intervals=True))
    for title, end in (("PSNR/SSIM without GT", "without_gt"), ("PSNR/SSIM with GT", "with_gt")):
        columns.append(Column("paper", (f"psnr_{end}_published", f"ssim_{end}_published"), title))
        keys = (f"psnr_{end}_measured", f"ssim_{end}_measured")
        columns.append(Column("here", keys, title, ("high", "high"), intervals=True))
    return tuple(columns)


def _present(row: dict[str, Any], results: Results) -> bool:
    return any(model in results.models for model in {*row["cost"], row["without"], row["with"]})


def _row(row: dict[str, Any], results: Results, protocol: str) -> tuple[Entry, ...]:
    printed = row.get("published", {})
    model = next((name for name in row["cost"] if results.of("latency", name)), row["cost"][0])
    is_ranked = not row.get("control", False)
    return (
        word(row["title"], *([row["note"]] if "note" in row else [])),
        _printed(printed, "time"),
        _cost(quantities.latency(results, model), 1.0, row, is_ranked=is_ranked, spread=True),
        _printed(printed, "memory"),
        _cost(quantities.memory(results, model), 1 / GB, row, is_ranked=is_ranked),
        _printed(printed, "parameters"),
        _parameters(results, model, row),
        _printed(printed, "psnr_without", "ssim_without"),
        picture_entry(results, row["without"], WITHOUT[0], is_ranked=is_ranked),
        _printed(printed, "psnr_with", "ssim_with"),
        _with_note(picture_entry(results, row["with"], protocol, is_ranked=is_ranked), row.get("note_with")),
    )


def _with_note(entry: Entry, note: str | None) -> Entry:
    return entry if note is None else Entry(entry.parts, (*entry.notes, note))


def _printed(printed: dict[str, str], *keys: str) -> Entry:
    if not any(key in printed for key in keys):
        return dash()
    return Entry(tuple(Part(printed[key], published.figure(printed[key])) for key in keys))


def _cost(
    found: Measured, scale: float, row: dict[str, Any], *, is_ranked: bool, spread: bool = False
) -> Entry:
    if found.estimate is None:
        return dash(_reason(found.reason))
    notes = [NOTES[mark] for mark in found.marks if mark in NOTES]
    runtime = next((mark for mark in found.marks if mark not in NOTES), None)
    if runtime is not None and not row.get("classical"):
        notes.append(f"In the {runtime} runtime: the published form was not measured.")
    shown = found.estimate.scaled(scale)
    text = with_interval(shown, 3) if spread else plain(shown, 3)
    return Entry((part(shown, text, is_ranked=is_ranked),), tuple(notes))


def _parameters(results: Results, model: str, row: dict[str, Any]) -> Entry:
    if row.get("classical"):
        return word("none")
    found = quantities.count(results, model, "parameters")
    if found.estimate is None:
        return dash(_reason(found.reason))
    shown = found.estimate.scaled(1e-6)
    return Entry((part(shown, f"{shown.value:.3f}", is_ranked=True),))


def picture_entry(results: Results, model: str, protocol: str, *, is_ranked: bool) -> Entry:
    """PSNR / SSIM of a method under a protocol, with the footnotes that qualify them."""
    psnr = quantities.quality(results, model, protocol, "psnr")
    ssim = quantities.quality(results, model, protocol, "ssim")
    if psnr.estimate is None or ssim.estimate is None:
        return dash(_reason(psnr.reason or ssim.reason))
    notes = [NOTES[mark] for mark in psnr.marks if mark in NOTES]
    if "incomplete" in psnr.marks:
        pictures = results.pictures(model, protocol)
        asked = len(results.images(protocol))
        why = f": {pictures.reason}" if pictures.failed else ""
        notes.append(f"Mean over {len(pictures.ok)} of {asked} images; not ranked{why}.")
    take_part = is_ranked and not psnr.marks
    return Entry(
        (
            part(psnr.estimate, plain(psnr.estimate, 2), is_ranked=take_part),
            part(ssim.estimate, plain(ssim.estimate, 3), is_ranked=take_part),
        ),
        tuple(notes),
    )


def part(found: Estimate, text: str, *, is_ranked: bool) -> Part:
    """A measured figure as a part of a cell."""
    return Part(text, found.value, found.low, found.high, ranked=is_ranked)


def _reason(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:].rstrip('.')}." if reason else f"{NOT_MEASURED.capitalize()}."


def _caption(results: Results, protocol: str) -> str:
    sentences = [cost_setting(results), data_setting(results, (WITHOUT[0], protocol))]
    sentences.append(f"Without GT exposure: protocol {WITHOUT[0]}; with GT exposure: protocol {protocol}.")
    frame = results.frame()
    if frame is not None and frame != FULL:
        sentences.insert(
            1, f"The paper's figures are for {FULL[0]}x{FULL[1]}: time and memory do not compare."
        )
    return " ".join(filter(None, sentences))
