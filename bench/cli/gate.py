"""`llbench gate`: two revisions side by side, in time, memory, counts and pictures."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.examples import examples
from bench.cli.options import chosen_models, names, only_free_option, some_of, weights_option
from bench.cli.size import Size
from bench.gate.comparison import ATTEMPTS, LEAST_SETS, MEASURES, SECONDS, SETS
from bench.judge.verdicts import LARGEST_DIFFERENCE, QUANTITIES, Limits
from bench.records.forms import DEVICES, PRECISIONS, RUNTIMES
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from bench.gate.comparison import Comparison
    from bench.judge.gate_verdict import Decision

SUMMARY = "GITHUB_STEP_SUMMARY"


@click.command(
    epilog=examples(
        "llbench gate --base main --head HEAD --models llpacknet",
        "llbench gate --base origin/main --head . --models my_package.network:build --markdown gate.md",
        "llbench gate --head v1.0 --models llpacknet --record baseline.json",
        "llbench gate --base baseline.json --head HEAD --models llpacknet",
        "llbench gate --base main --also v1.0 --head HEAD --models llpacknet",
        more="How it decides, and how to run it in continuous integration: docs/gating.md.",
    )
)
@click.option("--base", help="Revision, folder or recorded baseline to compare with.")
@click.option(
    "--also", metavar="REV", help="A second revision or folder to compare with, such as the last release."
)
@click.option(
    "--head", default="HEAD", show_default=True, help="Revision or folder to test; '.' is the working tree."
)
@click.option("--models", callback=names, default="llpacknet", show_default=True,
              help="Names, separated by commas, or module:factory of the project.")  # fmt: skip
@click.option(
    "--measure", callback=names, default=",".join(MEASURES), show_default=True,
    help="What to measure. In the table latency stands as latency and tail, complexity as parameters and "
    "gmac, quality as correctness and psnr.",
)  # fmt: skip
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Measure the head beside a reference workload and write a baseline.")  # fmt: skip
@click.option("--size", type=Size(), default="704x1056", show_default=True, help="Size of the frame.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads; default: the usable cores.")
@click.option(
    "--device", type=click.Choice(DEVICES), default="cpu", show_default=True, help="Where to measure."
)
@click.option(
    "--runtime", type=click.Choice(RUNTIMES), default="published", show_default=True, help="Runtime."
)
@click.option(
    "--precision", type=click.Choice(PRECISIONS), default="fp32", show_default=True, help="Number format."
)
@weights_option
@only_free_option
@click.option("--effect", type=click.FloatRange(0, 10, min_open=True), metavar="PERCENT",
              help="Difference of time that matters; 2.5, or 10 against a recording.")  # fmt: skip
@click.option("--tolerance", type=click.FloatRange(0), default=LARGEST_DIFFERENCE, show_default=True,
              help="Largest difference of a pixel, where white is 1.")  # fmt: skip
@click.option("--accept", callback=names, metavar="QUANTITIES",
              help=f"Quantities that are meant to differ: {', '.join(QUANTITIES)}.")  # fmt: skip
@click.option("--sets", type=click.IntRange(LEAST_SETS), default=SETS, show_default=True,
              help="Fresh processes of each side in an attempt.")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(1), default=SECONDS, show_default=True,
              help="About how long an attempt at one model may take.")  # fmt: skip
@click.option("--attempts", type=click.IntRange(1, 5), default=ATTEMPTS, show_default=True,
              help="How often times are measured, at most, before the gate fails.")  # fmt: skip
@click.option(
    "--instructions", is_flag=True, help="Also count the instructions of Pack and UnPack (takes minutes)."
)
@click.option(
    "--prepare",
    metavar="COMMAND",
    help="Run this in each checked-out revision first, for example to compile.",
)
@click.option(
    "--source", "sources", multiple=True, metavar="DIR", help="Folder to import from; default: . and src."
)
@click.option("--strict", is_flag=True, help="Treat inconclusive results as failures.")
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help=f"Append the table to this file; default: the one that ${SUMMARY} names.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Keep the results in this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print what gate.json holds instead of a table.")
def command(
    *,
    base: str | None,
    also: str | None,
    head: str,
    record: Path | None,
    effect: float | None,
    tolerance: float,
    accept: tuple[str, ...],
    attempts: int,
    prepare: str | None,
    sources: tuple[str, ...],
    strict: bool,
    markdown: Path | None,
    out: Path | None,
    as_json: bool,
    **asked: Any,
) -> int:
    """Compare the revision HEAD with the revision BASE: exit status 1 if it is slower, larger or wrong.

    Both are measured side by side on this machine, taking turns. A difference of time counts only if its
    whole interval exceeds the effect size and what the same run shows between a revision and itself. What
    cannot be decided is inconclusive and does not fail the gate, unless --strict is given.
    """
    from bench.gate import whole
    from bench.judge import gate_verdict

    if (base is None) == (record is None):
        raise InputError("give --base REV to compare with, or --record FILE to record a baseline")
    if record is not None and also is not None:
        raise InputError("--record measures the head alone: give --also together with --base")
    sides = whole.Sides(head if base is None else base, head, Path.cwd(), prepare, sources, also)
    wanted = _comparison(**asked)
    limits = Limits(
        effect=effect / 100 if effect else None,
        outputs=tolerance,
        accepted=frozenset(some_of(QUANTITIES, accept, "--accept")),
    )
    with whole.results_folder(out) as folder:
        if record is not None:
            count = whole.record(sides, wanted, record, folder, say=_say)
            click.echo(f"{record}: {count} cells")
            return 0
        decision = whole.run(sides, wanted, limits, folder, attempts=attempts, say=_say)
        gate_verdict.write(folder, decision, strict=strict)
        _show(decision, strict=strict, as_json=as_json, markdown=markdown)
    return decision.status(strict=strict)


def _comparison(
    models: tuple[str, ...],
    measure: tuple[str, ...],
    device: str,
    runtime: str,
    precision: str,
    weights: dict[str, Path],
    *,
    only_free: bool,
    **options: Any,
) -> Comparison:
    """Put together what is measured; size, threads, sets, seconds and instructions go on as they are."""
    from bench.gate import whole

    return whole.comparison(
        chosen_models(models, only_free=only_free),
        measures=some_of(MEASURES, measure, "--measure"),
        form=(device, runtime, precision),
        weights={name: str(path.resolve()) for name, path in weights.items()},
        **options,
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _show(decision: Decision, *, strict: bool, as_json: bool, markdown: Path | None) -> None:
    from rich.console import Console

    from bench.show.tables import verdict_page, writers

    table = verdict_page.gate_table(decision, strict=strict)
    named = os.environ.get(SUMMARY)
    target = markdown or (Path(named) if named else None)
    if target is not None:
        with target.open("a", encoding="utf-8") as stream:
            stream.write(writers.as_markdown(table))
    if as_json:
        click.echo(json.dumps(decision.as_json(strict=strict), indent=1, ensure_ascii=False))
        return
    console = Console()
    (console if console.is_terminal else Console(width=160)).print(writers.as_rich(table))
