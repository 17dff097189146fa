"""`llbench cache`: where caches are and how large they are; `llbench cache clear` empties the largest."""

from __future__ import annotations

import json

import click

from bench.cli.examples import examples


@click.group(
    invoke_without_command=True,
    epilog=examples("llbench cache", "llbench cache clear", "LLBENCH_CACHE=/big/disk llbench cache --json"),
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Show where rendered long exposures and other caches are kept and how much space they take."""
    if context.invoked_subcommand is not None:
        return
    from bench.data.decode import cache
    from bench.machine import caches

    found = cache.usage()
    others = {name: size for name, size in caches.sizes().items() if name != found.place.name}
    if as_json:
        print(json.dumps({**vars(found), "place": str(found.place), "others": others}))
        return
    print(f"rendered long exposures: {found.entries} in {found.place}")
    print(f"size: {found.size / 1e9:.2f} of at most {found.limit / 1e9:.2f} GB ({caches.LIMIT_VARIABLE})")
    for name, size in others.items():
        print(f"{name}: {size / 1e9:.2f} GB in {caches.place() / name}")
    print(
        f"to move the caches, set {caches.VARIABLE}=FOLDER; to remove rendered exposures: llbench cache clear"
    )


@command.command(short_help="Remove all rendered long exposures.", epilog=examples("llbench cache clear"))
def clear() -> None:
    """Remove all rendered long exposures; they are rendered again when they are needed."""
    from bench.data.decode import cache

    before = cache.clear()
    print(
        f"removed {before.entries} rendered long exposures, {before.size / 1e9:.2f} GB, from {before.place}"
    )
