"""`llbench cache`: where the decode cache lies and how large it is; `llbench cache clear` empties it."""

from __future__ import annotations

import json

import click

from bench.data import cache


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Show where rendered long exposures are kept and how much room they take."""
    if context.invoked_subcommand is not None:
        return
    found = cache.usage()
    if as_json:
        print(json.dumps({**vars(found), "place": str(found.place)}))
        return
    print(f"rendered long exposures: {found.entries} in {found.place}")
    print(f"size: {found.size / 1e9:.2f} of at most {found.limit / 1e9:.2f} GB ({cache.LIMIT_VARIABLE})")
    print(f"another place: {cache.PLACE_VARIABLE}=FOLDER; empty it: llbench cache clear")


@command.command()
def clear() -> None:
    """Remove all rendered long exposures; they are rendered again when they are needed."""
    before = cache.clear()
    print(
        f"removed {before.entries} rendered long exposures, {before.size / 1e9:.2f} GB, from {before.place}"
    )
