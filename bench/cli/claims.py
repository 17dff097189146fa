"""`llbench claims`: verdicts on what the paper, its code and RED claim, from a results folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.examples import examples
from bench.cli.options import names, some_of

if TYPE_CHECKING:
    from bench.judge.outcomes import Verdict


@click.command(
    "claims",
    short_help="print verdicts on the published claims",
    epilog=examples(
        "llbench claims out",
        "llbench claims out --outcome contradicted,inconclusive",
        "llbench claims out --strict --json",
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print them as in claims.json instead of a table.")
@click.option("--outcome", "wanted", callback=names, metavar="NAMES",
              help="Show only claims with these outcomes, for example contradicted,not-run.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Exit with status 1 if a claim is contradicted.")
@click.option(
    "--unpack", metavar="DIR", type=click.Path(path_type=Path),
    help="Folder of the UnPack experiment's trainings; default: DIR/unpack.",
)  # fmt: skip
def command(folder: Path, as_json: bool, wanted: tuple[str, ...], strict: bool, unpack: Path | None) -> int:
    """Give a verdict on every published claim from the results in DIR, and write DIR/claims.json."""
    from rich.console import Console

    from bench.judge import claims, outcomes
    from bench.judge.outcomes import Outcome
    from bench.judge.results import Results

    some_of(tuple(Outcome), wanted, "--outcome")
    verdicts = claims.write(folder, Results.load(folder, unpack))
    shown = [one for one in verdicts if not wanted or one.outcome in wanted]
    if as_json:
        click.echo(json.dumps([one.as_json() for one in shown], indent=1, ensure_ascii=False))
    else:
        console = Console()
        console.print(_table(shown))
        console.print(outcomes.summary(verdicts), highlight=False)
    return int(strict and any(one.outcome is Outcome.CONTRADICTED for one in verdicts))


def _table(verdicts: list[Verdict]) -> Any:
    from rich.table import Table

    from bench.show.tables.claim_rows import measured

    colours = {"reproduced": "green", "within-tolerance": "yellow", "contradicted": "red",
               "inconclusive": "cyan", "inconsistent-at-source": "magenta"}  # fmt: skip
    table = Table("Claim", "Published", "Measured", "Verdict", title="Published claims", show_lines=False)
    for one in verdicts:
        colour = colours.get(one.outcome, "dim")
        table.add_row(one.title, one.published, measured(one), f"[{colour}]{one.heading}[/]")
    return table
