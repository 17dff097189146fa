"""`report.html`: everything that a results folder shows, in one file that needs no network."""

from __future__ import annotations

import base64
from importlib import resources
from itertools import groupby
from typing import TYPE_CHECKING

import jinja2

from baselines.paper import FULL_SIZE
from bench.judge import claims, commands, outcomes
from bench.judge.results import Results
from bench.records import store
from bench.show.figures import crops, every
from bench.show.tables import catalogue, published, table1
from bench.show.tables.claim_rows import by_source, figure, told
from bench.show.tables.numbers import compact
from bench.show.tables.setting import SYNTHETIC, processor

if TYPE_CHECKING:
    from pathlib import Path

    from bench.judge.outcomes import Verdict
    from bench.show.figures.style import Drawn
    from bench.show.tables.layout import Table

FILE = "report.html"
TEMPLATES = "templates"
# Source of the claims that the page opens with.
HEADLINE = "readme, headline"


def write_all(out: Path) -> None:
    """Write verdicts, tables, figures and the report of a results folder.

    Reads `<out>/cells/` (and `<out>/predictions/` where it exists) and nothing else, so that the same results
    give the same bytes on any machine; a half-finished run shows what there is.

    Raises:
        InputError: no results in the folder, a damaged one, or the folder cannot be written.
    """
    write(out, Results.load(out))


def write(out: Path, results: Results) -> list[Verdict]:
    """Write everything that `write_all` does, from results read before; returns the verdicts."""
    verdicts = claims.write(out, results)
    made = table1.all_tables(results)
    table1.write_all(out, made)
    drawn = every.write_all(out, results)
    store.replace(out / FILE, render(out, results, verdicts, made, drawn))
    return verdicts


def render(
    out: Path,
    results: Results,
    verdicts: list[Verdict],
    made: list[Table],
    drawn: list[Drawn],
) -> str:
    """Return the report as one HTML page."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"figure": compact, "ends": figure, "told": told, "label": published.label}
    template = environment.from_string(_text("report.html"))
    return template.render(
        style=_text("report.css"),
        script=_text("report.js"),
        verdicts=verdicts,
        sources={title: (those, outcomes.tally(those)) for title, those in by_source(verdicts).items()},
        headline=_sentences(verdicts),
        tally=outcomes.tally(verdicts),
        tables=[table for table in made if table.name != catalogue.ENVIRONMENT],
        figures=[{"drawn": one, "source": _source(out, one)} for one in drawn],
        small=_small(results),
        synthetic=SYNTHETIC if results.dataset is not None and results.synthetic else "",
        processor=processor(results),
        environment=next(table for table in made if table.name == catalogue.ENVIRONMENT),
        commands=commands.of_records(results.records),
        lines={table.name: commands.of_records(table.behind) for table in made},
        slides=crops.slides(out, results),
        cells=len(results.records),
        ok=sum(record.status == "ok" for record in results.records),
    )


def _small(results: Results) -> str:
    """Say of a run on small frames that it decides nothing; empty for one at the paper's size."""
    frame = results.frame()
    if frame in {None, FULL_SIZE}:
        return ""
    height, width = frame
    return (
        f"Measured at {height}x{width} instead of {FULL_SIZE[0]}x{FULL_SIZE[1]}: this checks the "
        "installation. For verdicts, run llbench reproduce."
    )


def _sentences(verdicts: list[Verdict]) -> list[tuple[str, list[Verdict]]]:
    """Return each sentence of the headline with its verdicts: of one sentence they stand side by side."""
    headline = [one for one in verdicts if one.source == HEADLINE]
    return [(text, list(those)) for text, those in groupby(headline, key=lambda one: one.published)]


def _text(name: str) -> str:
    return resources.files("bench.show").joinpath(TEMPLATES, name).read_text(encoding="utf-8")


def _source(out: Path, drawn: Drawn) -> str:
    """Return a figure as a data address: vectors, or a JPEG where it shows photographs."""
    suffix, kind = ("jpg", "jpeg") if drawn.photographs else ("svg", "svg+xml")
    content = (out / "figures" / f"{drawn.name}.{suffix}").read_bytes()
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
