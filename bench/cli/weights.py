"""`llbench weights import`: bring a published checkpoint into this project's form."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bench.cli.completing import method
from bench.cli.examples import examples
from bench.machine.hosting import building


@click.group(epilog=examples("llbench weights import checkpoint.pth --as red --out red.safetensors"))
def command() -> None:
    """Bring published checkpoints in."""


@command.command(
    "import",
    short_help="Convert a checkpoint to safetensors.",
    epilog=examples(
        "llbench weights import checkpoint.pth --as red --out red.safetensors",
        "llbench run --models red --weights red=red.safetensors --dataset dark --out scored",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "name", required=True, shell_complete=method,
              help="The registered network that the checkpoint is for.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The safetensors file to write.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def import_(file: Path, name: str, out: Path, as_json: bool) -> None:
    """Convert the checkpoint FILE to safetensors, with a record of its origin beside it.

    FILE is a state dict with the names under which the network was published: a torch checkpoint or a
    safetensors file. Keys that hold it (model, params_ema, ...) and words that wrappers put before its names
    (module, _orig_mod, ...) are peeled off, and named. It is opened as tensors and plain data alone; one that
    asks for more, or does not fit the network, is refused.
    """
    from baselines.checkpoints import import_checkpoint

    paths = file.absolute(), out.absolute()
    with building(name):
        record = import_checkpoint(paths[0], name, paths[1])
    if as_json:
        click.echo(json.dumps(record, indent=1))
        return
    peeled = record["peeled"]
    if peeled["keys"] or peeled["prefix"] or peeled["inside"]:
        off = [*peeled["keys"], peeled["prefix"].rstrip("."), *peeled["inside"]]
        click.echo(f"peeled off: {', '.join(each for each in off if each)}")
    if peeled["others"]:
        click.echo(f"not taken, though it would fit: {', '.join(peeled['others'])}", err=True)
    ignored = f", {len(record['ignored'])} unused entries left out" if record["ignored"] else ""
    click.echo(f"{file}: names of {record['names']}{ignored}")
    click.echo(f"wrote {out} and {out}.json; use it with --weights {name}={out}")
