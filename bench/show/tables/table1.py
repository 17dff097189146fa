"""Table 1 of the paper, published and measured side by side, and the writing of all tables."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from baselines.paper import FULL_SIZE
from bench.judge import image_scores, quantities
from bench.judge.evidence import shown_protocols
from bench.judge.quantities import GB, PEAK_REPEATABILITY, Measured
from bench.judge.statistics import seed_reach
from bench.machine.wording import plural
from bench.records import protocols, store
from bench.show.tables import catalogue, published, writers
from bench.show.tables.entries import (
    common_images,
    counted,
    figure_entry,
    image_entry,
    part_entry,
    printed,
    with_note,
)
from bench.show.tables.gain_worth import control_sentence
from bench.show.tables.layout import Column, Entry, Table, dash, ranked, word
from bench.show.tables.numbers import compact
from bench.show.tables.option_words import options_in_words
from bench.show.tables.setting import cost_setting, data_setting, is_floor_known

if TYPE_CHECKING:
    from pathlib import Path

    from bench.judge.results import Results

# How the heads of the measured columns that rank begin.
RANKED = frozenset({"here", "same part"})
PARTS = (
    "Same part: on the central part of the images that all methods have, which ranks them; whole: on whole "
    "images, where a method restored them."
)
SSIMS = {
    "matlab-rgb": "as in MATLAB, an assumption: the paper does not say which definition it uses",
    "uniform": "with scikit-image's uniform window of 7x7 pixels",
    "gaussian": "with a Gaussian window of 11x11 pixels",
    "gaussian-population": "with a Gaussian window of 11x11 pixels and the population's covariance",
    "wang-luma": "on luma, with a Gaussian window of 11x11 pixels",
}


def table1(results: Results) -> Table:
    """Return the paper's Table 1 with a published and a measured column for each figure.

    Rows of which nothing was measured are left out; a method of a user's own follows the paper's.
    """
    rows = published.rows(results)
    without, protocol = shown_protocols(results)
    matched = _matched(results, (without, protocol))
    table = Table(
        name="table1",
        title="Table 1 of the paper, published and measured",
        caption=_caption(results, protocol, matched),
        columns=_columns(results, protocol, matched=any(matched.values())),
        rows=tuple(_row(row, results, protocol, matched) for row in rows),
    )
    return ranked(table)


def _matched(results: Results, names: tuple[str, ...]) -> dict[str, list[str]]:
    """By protocol, the images with a part that all methods share; none where all restored whole images."""
    marks = {
        mark
        for name in names
        for model in results.models
        for mark in image_scores.image_marks(results.scored(model, name).ok)
    }
    return {name: common_images(results, name) if "central-part" in marks else [] for name in names}


def lines(table: Table) -> dict[str, str]:
    """By method, what Table 1 says of it in one plain line: the measured columns."""
    shown = [index for index, one in enumerate(table.columns) if one.title.partition(":")[0] in RANKED]
    return {
        row[0].text: ", ".join(f"{table.columns[index].group} {row[index].text}" for index in shown)
        for row in table.rows
    }


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


def _columns(results: Results, protocol: str, *, matched: bool) -> tuple[Column, ...]:
    """Columns; where a part of the images was scored for all methods, that ranks, and the whole follows."""
    floor = (quantities.noise_floor(results) or 0.0) if is_floor_known(results) else math.inf
    columns = [Column("Method", ("method",), numeric=False)]
    costs = (("Time s", "time_s", floor), ("Memory GB", "memory_gb", PEAK_REPEATABILITY - 1))
    for title, key, least in (*costs, ("Params M", "parameters_m", 0.0)):
        columns.append(Column("paper", (f"{key}_published",), title))
        keys: tuple[str, ...] = (f"{key}_measured",)
        columns.append(Column("here", keys, title, ("low",), intervals=True, floors=(least,)))
    without, _ = shown_protocols(results)
    for title, end, name in (("without GT", "without_gt", without), ("with GT", "with_gt", protocol)):
        head = f"PSNR/SSIM {title}"
        judged = len(results.images(name))
        columns.append(Column("paper", (f"psnr_{end}_published", f"ssim_{end}_published"), head))
        keys = (f"psnr_{end}_measured", f"ssim_{end}_measured")
        here = f": {name}, {plural(judged, 'image')}" if judged else ""
        # One training says nothing of smaller distances; how far SSIM moves with the training is not known.
        floors = (seed_reach(1), 0.0)
        if matched:
            part = (f"psnr_{end}_part", f"ssim_{end}_part")
            columns.append(Column("same part", part, head, ("high", None), intervals=True, floors=floors))
            columns.append(Column(f"whole{here}", keys, head, intervals=True))
        else:
            columns.append(Column(f"here{here}", keys, head, ("high", None), intervals=True, floors=floors))
    return tuple(columns)


def _row(
    row: dict[str, Any], results: Results, protocol: str, matched: dict[str, list[str]]
) -> tuple[Entry, ...]:
    figures = row.get("published", {})
    model = next((name for name in row["cost"] if results.of("latency", name)), row["cost"][0])
    judged = not row.get("control", False)
    parameters = quantities.count(results, model, "parameters")
    left = results.pending
    return (
        with_note(
            with_note(word(row["title"], short=row["short"]), row.get("note")), _options(results, model)
        ),
        printed(figures, "time"),
        _or_to_come(_time(results, model, row), left.get(("latency", model))),
        printed(figures, "memory"),
        _or_to_come(_cost(quantities.memory(results, model), 1 / GB, row), left.get(("memory", model))),
        printed(figures, "parameters"),
        word("none") if row.get("classical") else counted(parameters, 1e-6, "{:.3f}"),
        printed(figures, "psnr_without", "ssim_without"),
        *_images(results, row["without"], shown_protocols(results)[0], matched, is_ranked=judged),
        printed(figures, "psnr_with", "ssim_with"),
        *(with_note(entry, row.get("note_with")) for entry in _with(results, row, protocol, matched)),
    )


def _time(results: Results, model: str, row: dict[str, Any]) -> Entry:
    """Time of a pass with fresh pages, as everybody gets them, and below it with kept ones."""
    entry = _cost(quantities.latency(results, model), 1.0, row, spread=True)
    kept = {
        row["short"]: seconds
        for row in published.rows(results)
        for name in row["cost"]
        if (seconds := quantities.kept_pages(results, name)) is not None
    }
    if quantities.kept_pages(results, model) is None:
        return entry
    # One footnote for all rows.
    those = ", ".join(f"{name} {compact(seconds, 3)} s" for name, seconds in kept.items())
    return with_note(
        entry, f"With the memory of the last pass kept by the C library and used again: {those}."
    )


def _images(
    results: Results, model: str, protocol: str, matched: dict[str, list[str]], *, is_ranked: bool
) -> list[Entry]:
    """Quality on whole images, after that on the part which all methods share where there is one."""
    pending = results.pending.get(("quality", model))
    whole = image_entry(results, model, protocol, is_ranked=is_ranked)
    if not any(matched.values()):
        return [_or_to_come(whole, pending)]
    part = part_entry(results, model, protocol, matched[protocol], is_ranked=is_ranked)
    if "central-part" in image_scores.image_marks(results.scored(model, protocol).ok):
        whole = dash("Only the part was restored.")
    return [_or_to_come(part, pending), _or_to_come(whole, pending)]


def _or_to_come(entry: Entry, seconds: float | None) -> Entry:
    """Say in an open cell how long its figure will take, and of a figure that more of it is to follow."""
    if seconds is None:
        return entry
    if any(part.value is not None for part in entry.parts):
        return replace(
            with_note(entry, "From what was measured so far; more is still to come."), is_open=True
        )
    text = f"still to come: {max(seconds / 60, 0.1):.1f} min"
    return replace(word(text, "Predicted time; --resume continues a run that has ended."), is_open=True)


def _with(results: Results, row: dict[str, Any], protocol: str, matched: dict[str, list[str]]) -> list[Entry]:
    """Figures with GT exposure: a dash for a method that never sees a gain, no rank for another row's."""
    if "with" not in row:
        return [dash()] * (2 if any(matched.values()) else 1)
    is_ranked = not (row.get("control") or row.get("borrowed_with"))
    return _images(results, row["with"], protocol, matched, is_ranked=is_ranked)


def _cost(found: Measured, scale: float, row: dict[str, Any], *, spread: bool = False) -> Entry:
    one_form, control = row.get("classical", False), row.get("control", False)
    return figure_entry(found, scale, is_ranked=not control, spread=spread, one_form=one_form)


def _options(results: Results, model: str) -> str | None:
    """Say with which parameters and tolerances a classical method ran."""
    for record in results.of("complexity", model):
        if record.values.get("options"):
            return f"Options: {options_in_words(str(record.values['options']))}."
    return None


def _caption(results: Results, protocol: str, matched: dict[str, list[str]]) -> str:
    without, _ = shown_protocols(results)
    sentences = [cost_setting(results), data_setting(results, (without, protocol))]
    sentences.append(f"Without GT exposure: protocol {without}; with GT exposure: protocol {protocol}.")
    if any(matched.values()):
        sentences.append(PARTS)
    sentences.append(_ssim_sentence([name for name in (without, protocol) if results.judged.get(name)]))
    sentences.append(control_sentence(results))
    frame = results.frame()
    if frame is not None and frame != FULL_SIZE:
        sentences.insert(
            1,
            f"The paper's figures are for {FULL_SIZE[0]}x{FULL_SIZE[1]}: time and memory are not comparable.",
        )
    return " ".join(filter(None, sentences))


def _ssim_sentence(names: list[str]) -> str:
    """Say which SSIM the columns hold, by protocol where they hold two."""
    kinds = {name: SSIMS[protocols.get(name).ssim] for name in names}
    if len(set(kinds.values())) < 2:
        return "".join(f"SSIM {kind}." for kind in set(kinds.values()))
    return " ".join(f"SSIM under {name} {kind}." for name, kind in kinds.items())
