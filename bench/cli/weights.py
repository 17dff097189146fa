"""`llbench weights`: import published checkpoints, export networks for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.completing import method
from bench.cli.examples import examples
from bench.cli.options import weights_option
from bench.machine.hosting import building
from llpacknet.errors import UnsupportedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


@click.group(
    epilog=examples(
        "llbench weights import checkpoint.pth --as red --out red.safetensors",
        "llbench weights export llpacknet --onnx llpacknet.onnx",
    )
)
def command() -> None:
    """Import published checkpoints and export networks for other programs."""


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
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def import_(file: Path, name: str, out: Path, as_json: bool) -> None:
    """Convert the checkpoint FILE to safetensors, with a record of its origin in a second file.

    FILE is a torch checkpoint or safetensors file with a state dict whose names are those the network was
    published with. Enclosing keys (model, params_ema, ...) and prefixes of wrappers (module, _orig_mod, ...)
    are removed and reported. Only tensors and plain data are loaded; a file that contains anything else, or
    does not fit the network, is refused.
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
        click.echo(f"removed wrappers: {', '.join(each for each in off if each)}")
    if peeled["others"]:
        click.echo(f"not used, although it would fit: {', '.join(peeled['others'])}", err=True)
    ignored = f", {len(record['ignored'])} unused entries left out" if record["ignored"] else ""
    click.echo(f"{file}: names of {record['names']}{ignored}")
    click.echo(f"wrote {out} and {out}.json; use it with --weights {name}={out}")


@command.command(
    "export",
    short_help="Write a network as ONNX or TorchScript.",
    epilog=examples(
        "llbench weights export llpacknet --onnx llpacknet.onnx",
        "llbench weights export red --weights red=red.safetensors --onnx red.onnx --torchscript red.pt",
    ),
)
@click.argument("name", shell_complete=method)
@click.option("--onnx", type=click.Path(path_type=Path), metavar="FILE", help="The ONNX file to write.")
@click.option("--torchscript", type=click.Path(path_type=Path), metavar="FILE",
              help="The TorchScript file to write.")  # fmt: skip
@weights_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def export(
    name: str, onnx: Path | None, torchscript: Path | None, weights: Mapping[str, Path], as_json: bool
) -> None:
    """Write the network NAME, with its weights, for use without this package.

    The exported file takes frames of any size; padding and the network's own amplifier are part of it. Its
    metadata describe the input, the gain and the output. It is compared with the network in torch before it
    is written; a network that cannot be exported is reported with the reason.
    """
    from llpacknet.runtimes.saving import save

    wanted = {kind: path for kind, path in (("onnx", onnx), ("torchscript", torchscript)) if path is not None}
    if not wanted:
        raise UsageError("give a file to write: --onnx FILE, --torchscript FILE, or both")
    network, about = _network(name, weights)
    written = {}
    for kind, path in wanted.items():
        try:
            written[kind] = {"file": str(path), **save(network, path, kind, about)}
        except UnsupportedError as error:
            raise UnsupportedError(f"{name} as {kind} is unsupported: {error}") from error
    if as_json:
        click.echo(json.dumps(written, indent=1, ensure_ascii=False))
        return
    for kind, facts in written.items():
        click.echo(f"wrote {facts['file']}: {kind}, {facts['largest_difference']} from torch at most")
    for key in ("input", "sides", "gain", "output"):
        click.echo(f"  {key}: {next(iter(written.values()))[key]}")


def _network(name: str, weights: Mapping[str, Path]) -> tuple[nn.Module, dict[str, str]]:
    """Build a network and describe it; raises UnsupportedError for anything else."""
    import torch

    import baselines
    from baselines.registry import conventions, network_of, weights_path
    from bench.records.provenance import weights_facts
    from llpacknet import __version__

    declared = baselines.spec(name)
    if not declared.learned:
        raise UnsupportedError(f"{name} is unsupported: a classical method has no network to export")
    with building(name):
        method = baselines.create(name, weights.get(name, "shipped"))
        network = network_of(name, method)
    if not isinstance(network, torch.nn.Module):
        raise UnsupportedError(f"{name} is unsupported: it is not a torch.nn.Module")
    network.conventions = conventions(name, method)  # type: ignore[assignment]
    facts = weights_facts(weights.get(name) or weights_path(name))
    about = {"model": name, "title": declared.title, "paper": declared.paper, "licence": declared.licence}
    return network, {
        **about,
        "weights_sha256": str(facts.get("weights_sha256") or "the factory's own"),
        "made_by": f"llpacknet-bench {__version__}",
    }
