"""`llbench recheck`: someone else's results, measured again here."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.counting import counting
from bench.cli.examples import examples
from bench.cli.options import indexed, weights_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.data.folder.pairs import Dataset


@click.command(
    epilog=examples(
        "llbench recheck theirs",
        "llbench recheck theirs --cells 6 --ratios 2 --dataset dark",
        "llbench recheck results/epyc-2-cores-avx512/standard --make made",
    )
)
@click.argument("folder", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--cells", type=click.IntRange(0), default=6, show_default=True,
              help="How many images to draw at random; counts are always checked in full.")  # fmt: skip
@click.option("--ratios", type=click.IntRange(0), default=2, show_default=True,
              help="How many methods to draw for time and memory relative to a reference.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed of the draw.")
@click.option("--dataset", callback=indexed, help="Data set behind the results, in SID's layout.")
@click.option("--make", type=click.Path(path_type=Path), metavar="DIR",
              help="Generate the synthetic data set behind the results again, in this folder.")  # fmt: skip
@weights_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(
    folder: Path,
    cells: int,
    ratios: int,
    seed: int,
    dataset: Dataset | None,
    make: Path | None,
    weights: Mapping[str, Path],
    as_json: bool,
) -> int:
    """Measure a sample of the results in OUT again and report which agree.

    Parameter and operation counts have to be equal; an image's scores may differ by the rounding of sums in
    another order. Times and memory peaks are never compared across machines: a method and a reference are
    measured in turns, and their ratio is compared. What cannot be compared here is listed with the reason.
    Exit status 1 if a cell differs.
    """
    from bench.records import store
    from bench.run.outcome import failure_line
    from bench.run.progress import for_stream
    from bench.score.checked import AGREES, DIFFERS
    from bench.score.rechecking import Here, recheck
    from llpacknet.errors import one_line

    if dataset is not None and make is not None:
        raise click.UsageError("--dataset and --make both say where the images are: give one of them")
    records = store.load(folder)
    with tempfile.TemporaryDirectory(prefix="llbench-recheck-") as out:
        here = Here(dataset, make, weights, partial(counting, "generating dark raws"), for_stream())
        found = recheck(records, Path(out), cells=cells, ratios=ratios, seed=seed, here=here)
    status = int(any(one.word == DIFFERS for one in found))
    if as_json:
        click.echo(json.dumps([one.as_json() for one in found], indent=1, ensure_ascii=False))
        return status
    for one in found:
        if one.word in {AGREES, DIFFERS}:
            click.echo(one_line(failure_line(one.cell, one.word, one.reason)))
    reasons = Counter(one.reason for one in found if one.word not in {AGREES, DIFFERS})
    for reason, count in reasons.items():
        click.echo(one_line(f"{count} not compared: {reason}"))
    words = Counter(one.word for one in found)
    click.echo(f"{words[AGREES]} agree, {words[DIFFERS]} differ, {sum(reasons.values())} not compared")
    return status
