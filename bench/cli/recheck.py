"""`llbench recheck`: someone else's results, measured again here."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.examples import examples
from bench.cli.options import indexed, weights_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.data.folder.pairs import Dataset


@click.command(
    epilog=examples(
        "llbench recheck theirs",
        "llbench recheck theirs --cells 6 --dataset dark",
    )
)
@click.argument("folder", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--cells", type=click.IntRange(0), default=6, show_default=True,
              help="How many pictures to draw at random; counts are always checked in full.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed of the draw.")
@click.option("--dataset", callback=indexed, help="Data set behind the results, in SID's layout.")
@weights_option
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def command(
    folder: Path,
    cells: int,
    seed: int,
    dataset: Dataset | None,
    weights: Mapping[str, Path],
    as_json: bool,
) -> int:
    """Measure a sample of the results in OUT again and report which agree.

    Parameter and operation counts have to be equal; a picture's scores may differ by the rounding of sums in
    another order. What cannot be compared here is listed with the reason. Exit status 1 if a cell differs.
    """
    from bench.records import store
    from bench.run.outcome import failure_line
    from bench.score.rechecking import AGREES, DIFFERS, recheck
    from llpacknet.errors import one_line

    records = store.load(folder)
    with tempfile.TemporaryDirectory(prefix="llbench-recheck-") as out:
        found = recheck(records, Path(out), cells=cells, seed=seed, dataset=dataset, weights=weights)
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
