"""`llbench report`: tables, figures, verdicts and the report of a results folder."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.examples import examples


@click.command(
    "report",
    short_help="tables, figures and the report of a results folder",
    epilog=examples("llbench report out"),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--unpack", metavar="DIR", type=click.Path(path_type=Path),
    help="Trainings of the UnPack experiment, where they do not lie in DIR/unpack.",
)  # fmt: skip
def command(folder: Path, unpack: Path | None) -> int:
    """Write tables, figures, claims.json and report.html from the results in DIR.

    Nothing is measured: the same result files give the same bytes, on whatever machine. A half-finished run
    shows what there is.
    """
    from rich.console import Console

    from bench.judge import claims
    from bench.judge.results import Results
    from bench.show import report, tables, writers

    results = Results.load(folder, unpack)
    verdicts = report.write(folder, results)
    console = Console()
    console.print(writers.as_rich(tables.table1(results)))
    counted = claims.tally(verdicts)
    console.print(", ".join(f"{count} {name}" for name, count in counted.items()), highlight=False)
    console.print(f"Report: {folder / report.FILE}", highlight=False)
    return 0
