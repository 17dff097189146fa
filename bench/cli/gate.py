"""`llbench gate`: compare two revisions in time, memory, operation counts and images."""

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
from bench.machine.wording import plural
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
    "--also", metavar="REV", help="Second revision or folder to compare with, such as the last release."
)
@click.option(
    "--head", default="HEAD", show_default=True, help="Revision or folder to test; '.' is the working tree."
)
@click.option("--models", callback=names, default="llpacknet", show_default=True,
              help="Names of methods, or module:factory of your project, separated by commas.")  # fmt: skip
@click.option(
    "--measure", callback=names, default=",".join(MEASURES), show_default=True,
    help="What to measure. The table shows latency as the rows latency and tail, complexity as parameters "
    "and gmac, quality as correctness and psnr.",
)  # fmt: skip
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Measure the head against a reference workload and write a baseline.")  # fmt: skip
@click.option("--size", type=Size(), default="704x1056", show_default=True, help="Frame size.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads; default: all usable cores.")
@click.option(
    "--device", type=click.Choice(DEVICES), default="cpu", show_default=True, help="Device to measure on."
)
@click.option(
    "--runtime",
    type=click.Choice(RUNTIMES),
    default="published",
    show_default=True,
    help="Runtime of the network.",
)
@click.option(
    "--precision", type=click.Choice(PRECISIONS), default="fp32", show_default=True, help="Number format."
)
@weights_option
@only_free_option
@click.option("--effect", type=click.FloatRange(0, 10, min_open=True), metavar="PERCENT",
              help="Smallest difference in time that matters; default: 2.5, or 10 against a recorded "
              "baseline.")  # fmt: skip
@click.option("--tolerance", type=click.FloatRange(0), default=LARGEST_DIFFERENCE, show_default=True,
              help="Largest allowed difference of a pixel, where white is 1.")  # fmt: skip
@click.option("--accept", callback=names, metavar="QUANTITIES",
              help=f"Quantities that are expected to differ: {', '.join(QUANTITIES)}.")  # fmt: skip
@click.option("--sets", type=click.IntRange(LEAST_SETS), default=SETS, show_default=True,
              help="Fresh processes per side in one attempt.")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(1), default=SECONDS, show_default=True,
              help="Approximate length of the turns of one attempt per model.")  # fmt: skip
@click.option("--attempts", type=click.IntRange(1, 5), default=ATTEMPTS, show_default=True,
              help="How many times to measure, at most, before the gate fails.")  # fmt: skip
@click.option(
    "--instructions", is_flag=True, help="Also count CPU instructions of Pack and UnPack (takes minutes)."
)
@click.option(
    "--prepare",
    metavar="COMMAND",
    help="Command to run first in each checked-out revision, for example to compile.",
)
@click.option(
    "--source", "sources", multiple=True, metavar="DIR", help="Folder to import from; default: . and src."
)
@click.option("--strict", is_flag=True, help="Treat inconclusive results as failures.")
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help=f"Append the table to this file; default: the file that ${SUMMARY} names.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Folder to keep the results in.")
@click.option("--json", "as_json", is_flag=True, help="Print the contents of gate.json instead of a table.")
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
    """Compare revision HEAD with revision BASE; exit status 1 if it is slower, larger or wrong.

    Both are measured side by side on this machine, taking turns. A difference in time counts only if its
    whole interval exceeds both the effect size and the difference that the same run shows between a revision
    and itself. What cannot be decided is inconclusive, and fails the gate only with --strict.
    """
    from bench.gate import whole
    from bench.judge import gate_verdict

    if (base is None) == (record is None):
        raise InputError("give --base REV to compare with, or --record FILE to record a baseline")
    if record is not None and also is not None:
        raise InputError("--record measures only the head: --also needs --base")
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
            click.echo(f"{record}: {plural(count, 'cell')}")
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
    """Build the comparison; size, threads, sets, seconds and instructions are passed on unchanged."""
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
