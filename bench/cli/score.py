"""`llbench score`: score images that another program restored, under one protocol or all of them."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from bench.cli.crew import cluster_option, crew
from bench.cli.examples import examples
from llpacknet.errors import one_line

if TYPE_CHECKING:
    from bench.judge.waterfall import Waterfall
    from bench.score.scoring import Scores

FOLDER = click.Path(path_type=Path)


@click.command(
    epilog=examples(
        "llbench score --pred mine --truth truth",
        "llbench score --pred mine --truth truth --protocol dnf88 --out scores",
    )
)
@click.option("--pred", "predictions", type=FOLDER, required=True, help="Folder of images to score.")
@click.option("--truth", "truths", type=FOLDER, required=True, help="Folder of their ground truths.")
@click.option(
    "--protocol", "name", metavar="P", help="Score under this protocol only. [default: release2022, then all]"
)
@click.option("--lpips", "net", type=click.Choice(["alex", "vgg", "squeeze", "none"]),
              help="Network of LPIPS, by far the slowest metric, instead of the protocol's own.")  # fmt: skip
@click.option("--out", type=FOLDER, help="Folder for scores.json, scores.csv, waterfall.csv and the plot.")
@cluster_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(
    predictions: Path,
    truths: Path,
    name: str | None,
    net: Literal["alex", "vgg", "squeeze", "none"] | None,
    out: Path | None,
    cluster: str | None,
    as_json: bool,
) -> int:
    """Score PNG, JPEG or TIFF images of 8 or 16 bits against their ground truths.

    An image and its truth are matched by equal names, else by the longest common beginning of their names
    (at least the id before the first underscore). Names like 10003_00_0.1s select a protocol's subset.
    Without --protocol, every metric is shown under release2022, followed by how the mean changes from there
    to every other protocol, one step at a time. An image of 12 megapixels then takes about ten seconds, most
    of that for LPIPS; with --protocol release2022 --lpips none, about one.
    """
    from bench.cli.counting import counting
    from bench.metrics import definitions
    from bench.records import image_protocols
    from bench.score import reading, scoring

    made_under = reading.made_under(predictions)
    notes = _notes(made_under, name)
    name = name or made_under
    chosen = [image_protocols.get(name)] if name else scoring.all_protocols()
    if net is not None and net != "none":
        chosen = [replace(protocol, lpips=net) for protocol in chosen]
    more = () if name else tuple(metric for metric in definitions.METRICS if metric.startswith("ssim"))
    if out is not None:
        _prepare(out)
    left_out = chosen if net == "none" else []
    unwanted = {protocol.metric("lpips"): "not asked for" for protocol in left_out}
    with crew(cluster) as workers, counting("scoring") as advance:
        scores = scoring.score(
            predictions, truths, chosen, more, skip=unwanted, advance=advance, spread=workers.spread
        )
    falls = scoring.waterfalls(scores, chosen[0], chosen[1:])
    result = scoring.as_dict(scores, chosen[0], chosen[1:], falls)
    if out is not None:
        from bench.score import saving

        saving.write(out, result, falls)
    if as_json:
        print(json.dumps(result, indent=2, allow_nan=False))
    else:
        _show(result, scores, falls)
    for line in (*notes, *scores.warnings):
        print(f"llbench: warning: {one_line(line)}", file=sys.stderr)
    for line in (*scores.failures, *scores.matches.unscored):
        print(f"llbench: not scored: {one_line(line)}", file=sys.stderr)
    return 1 if scores.failures or scores.matches.unscored else 0


def _notes(made_under: str | None, name: str | None) -> list[str]:
    """Report what a reader must know about images that a run of this suite has kept."""
    from bench.records import image_protocols

    if made_under is None:
        return []
    own, asked = (image_protocols.get(each) for each in (made_under, name or made_under))
    notes = []
    if name is None:
        notes.append(f"these images were restored under {made_under} and are scored under that protocol only")
    elif own.given != asked.given:
        notes.append(f"these images were restored under {made_under}, which gives methods a different input")
    if own.quantise != "none" and asked.lpips_quantise not in {own.quantise, asked.quantise}:
        notes.append(
            f"LPIPS of {asked.name} is computed before rounding to 8 bits, but these images are already "
            "rounded"
        )
    return notes


def _prepare(out: Path) -> None:
    from llpacknet.errors import InputError

    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / ".probe").touch()
        (out / ".probe").unlink()
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror}): choose another folder") from error


def _show(result: dict[str, Any], scores: Scores, falls: list[Waterfall]) -> None:
    from rich.console import Console

    from bench.score import saving

    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(saving.image_table(result))
    if len(result["protocols"]) > 1:
        console.print(saving.protocol_table(result))
        console.print(saving.waterfall_table(falls))
    for metric, reason in scores.skipped.items():
        console.print(f"{metric} skipped: {reason}", highlight=False, markup=False, soft_wrap=True)
    for line in scores.matches.unused:
        console.print(f"not used: {line}", highlight=False, markup=False, soft_wrap=True)
