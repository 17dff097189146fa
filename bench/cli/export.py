"""`llbench export`: results in formats that other tools read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.examples import examples

if TYPE_CHECKING:
    from bench.judge.exporting import Format

FORMATS = ("pytest-benchmark", "csv", "parquet", "json")


@click.command(
    short_help="write results for pytest-benchmark, pandas or a spreadsheet",
    epilog=examples(
        "llbench export out --format pytest-benchmark -o today.json",
        "llbench export out --format csv > out.csv",
    ),
)
@click.argument("folder", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(FORMATS), required=True, help="File format.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Output file; default: standard output.")
def command(folder: Path, kind: Format, out: Path | None) -> int:
    """Write the results in OUT as one file for other tools.

    `pytest-benchmark` holds every timed cell with its raw samples, in the format of `pytest-benchmark
    compare` and github-action-benchmark; csv, parquet and json hold one row per cell, the same as
    `bench.load`.
    """
    from bench.judge.exporting import export
    from bench.records import store

    content = export(folder, kind)
    if out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        store.replace(out, content)
    return 0
