"""`llbench compare`: two results folders, cell by cell."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bench.cli.examples import examples


@click.command(
    "compare",
    epilog=examples(
        "llbench compare before after",
        "llbench compare laptop server --across-machines",
        "llbench compare gate/base gate/head --json",
    ),
)
@click.argument("base", metavar="A", type=click.Path(path_type=Path))
@click.argument("head", metavar="B", type=click.Path(path_type=Path))
@click.option("--effect", type=click.FloatRange(0, 10, min_open=True), metavar="PERCENT", default=2.5,
              show_default=True, help="Smallest difference in time that matters.")  # fmt: skip
@click.option("--across-machines", is_flag=True, help="Compare times even if the machines differ.")
@click.option("--strict", is_flag=True, help="Exit with status 1 if B is slower or worse in any cell.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(base: Path, head: Path, effect: float, across_machines: bool, strict: bool, as_json: bool) -> int:
    """Compare the results in folder B with those in folder A.

    If they were measured under different conditions, the most likely explanation of a difference comes
    first. Times from different machines are not compared unless you ask for it.
    """
    from rich.console import Console

    from bench.judge.compare import compare
    from bench.judge.verdicts import Limits
    from bench.records import store
    from bench.show.tables import verdict_page, writers
    from llpacknet.errors import one_line

    if base.exists() and head.exists() and base.samefile(head):
        click.echo(f"note: {base} and {head} are the same folder", err=True)
    found = compare(
        store.load(base), store.load(head), Limits(effect=effect / 100), across_machines=across_machines
    )
    status = int(strict and any(one.fallen for one in found.findings))
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=1, ensure_ascii=False, allow_nan=False))
        return status
    console = Console()
    console = console if console.is_terminal else Console(width=160)
    if found.causes:
        console.print(
            "The two were measured under different conditions; the likeliest cause of a difference in time "
            "first:"
        )
        for cause in found.causes:
            console.print(f"  {one_line(str(cause))}", highlight=False, markup=False)
    title = f"{head} compared with {base}"
    console.print(writers.as_rich(verdict_page.findings_table("compare", title, found.findings, found.notes)))
    return status
