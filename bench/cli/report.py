"""`llbench report`: tables, figures, verdicts and the report of a results folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.examples import examples

if TYPE_CHECKING:
    from rich.console import Console


@click.command(
    "report",
    short_help="write tables, figures and the report of a results folder",
    epilog=examples("llbench report out", "llbench report runs --history"),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--unpack", metavar="DIR", type=click.Path(path_type=Path),
    help="Folder of the UnPack experiment's trainings; default: DIR/unpack.",
)  # fmt: skip
@click.option(
    "--history", is_flag=True, help="DIR holds results folders of several runs: plot each cell over time."
)
def command(folder: Path, unpack: Path | None, history: bool) -> int:
    """Write tables, figures, claims.json and report.html from the results in DIR.

    Nothing is measured: the same result files give the same bytes on any machine. An unfinished run shows
    what it has so far. With --history, DIR/history gets a plot per cell that marks where its level changed
    for good.
    """
    from rich.console import Console

    if history:
        return _over_time(folder, Console())
    from bench.judge import outcomes
    from bench.judge.results import Results
    from bench.show import report
    from bench.show.tables import table1, writers

    results = Results.load(folder, unpack)
    verdicts = report.write(folder, results)
    console = Console()
    console.print(writers.as_rich(table1.table1(results)))
    console.print(outcomes.summary(verdicts), highlight=False)
    console.print(f"Report: {folder / report.FILE}", highlight=False)
    return 0


def _over_time(folder: Path, console: Console) -> int:
    from bench.judge.history import load
    from bench.show.figures import over_time
    from bench.show.tables import writers

    series = load(folder)
    paths = over_time.write(folder, series)
    console.print(writers.as_rich(over_time.table(series)))
    if paths:
        console.print(f"Plots: {folder / over_time.FOLDER}", highlight=False)
    return 0
