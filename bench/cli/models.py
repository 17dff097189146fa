"""`llbench models`: the registry as a table."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import click

from baselines import names, spec, weights_path

if TYPE_CHECKING:
    from baselines.spec import Spec

PLAIN_WIDTH = 160
"""Columns of the table where the output is no terminal."""


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="print the registry as JSON")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Show what is registered: one row per method."""
    if context.invoked_subcommand is not None:
        return
    if as_json:
        click.echo(json.dumps([entry(name) for name in names()], indent=1))
    else:
        _print_table()


def entry(name: str) -> dict[str, Any]:
    """Return a method's declaration with `weights_shipped`: true, false, or null if it has no weights."""
    declared = dataclasses.asdict(spec(name))
    learned = declared["kind"] == "network"
    return {**declared, "weights_shipped": weights_path(name) is not None if learned else None}


def _print_table() -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Registered methods (GMAC at 2848×4256)", title_justify="left")
    table.add_column("name", no_wrap=True)
    table.add_column("year")
    for heading in ("params", "fused", "GMAC", "sides"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("gain", "weights"):
        table.add_column(heading, no_wrap=True)
    table.add_column("licence", min_width=20)
    for name in names():
        table.add_row(*_row(spec(name)))
    console = Console()
    (console if console.is_terminal else Console(width=PLAIN_WIDTH)).print(table)


def _row(declared: Spec) -> tuple[str, ...]:
    learned = declared.kind == "network"
    shipped = "shipped" if weights_path(declared.name) is not None else "not shipped"
    return (
        declared.name,
        str(declared.year or "–"),
        f"{declared.params:,}" if declared.params else "–",
        f"{declared.params_fused:,}" if declared.params else "–",
        "–" if declared.gmac is None else f"{declared.gmac:,.1f}",
        f"×{declared.size_multiple}",
        "given" if declared.needs_gain else "own",
        shipped if learned else "none needed",
        declared.licence,
    )
