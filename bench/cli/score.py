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
    from collections.abc import Sequence

    from bench.judge.waterfall import Waterfall
    from bench.records.protocols import Protocol
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
    "--protocol", "name", metavar="P", help="Score under this protocol only; default: under all of them."
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
    Without --protocol, the means under every protocol come first, then every metric of each image under
    release2022 (or the protocol that a run of this suite restored the images under), then how the mean
    changes from there to every other protocol, one step at a time. That takes over ten seconds per image of
    12 megapixels, even without LPIPS; --protocol release2022 --lpips none takes about one.
    """
    from bench.cli.counting import counting
    from bench.metrics import definitions
    from bench.records import image_protocols
    from bench.score import reading, scoring

    made_under = reading.made_under(predictions)
    chosen = [image_protocols.get(name)] if name else scoring.all_protocols(made_under)
    notes = _notes(made_under, chosen)
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


def _notes(made_under: str | None, chosen: Sequence[Protocol]) -> list[str]:
    """Report what a reader must know about images that a run of this suite has kept."""
    from bench.records import image_protocols
    from bench.score import scoring

    if made_under is None:
        return []
    own, notes = image_protocols.get(made_under), []
    if any(own.given != asked.given for asked in chosen):
        which = "which gives" if len(chosen) == 1 else "and some of the other protocols give"
        notes.append(f"these images were restored under {made_under}, {which} methods a different input")
    floats = [
        asked.name
        for asked in chosen
        if "lpips" in scoring.told(asked) and asked.lpips_quantise not in {own.quantise, asked.quantise}
    ]
    if own.quantise != "none" and floats:
        notes.append(
            f"LPIPS of {', '.join(floats)} is computed before rounding to 8 bits, but these images are "
            "already rounded"
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
    several = len(result["protocols"]) > 1
    if several:
        console.print(saving.protocol_table(result))
    console.print(saving.image_table(result))
    if several:
        console.print(saving.waterfall_table(falls))
        console.print(saving.remark(falls), highlight=False, markup=False, soft_wrap=True)
    for metric, reason in scores.skipped.items():
        console.print(f"{metric} skipped: {reason}", highlight=False, markup=False, soft_wrap=True)
    for line in scores.matches.unused:
        console.print(f"not used: {line}", highlight=False, markup=False, soft_wrap=True)
