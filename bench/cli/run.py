"""`llbench run`: measure chosen models, runtimes and precisions."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.crew import cluster_options, crew
from bench.cli.examples import examples
from bench.cli.options import chosen_models, only_free_option, request_options, results_options
from bench.machine.wording import plural

if TYPE_CHECKING:
    from bench.run.plan import Plan


@click.command(
    epilog=examples(
        "llbench run --models llpacknet,red --measure latency,memory --out cost",
        "llbench run --models llpacknet --dataset dark --protocol paper2020,dnf88 --out scored",
        "llbench run --models all --measure latency --sweep resolution --out sweep --resume",
        "llbench run --models my_package.network:factory,llpacknet-2020 --measure latency --out mine",
        "llbench run --models did --dataset /shared/SID --cluster tcp://head:8786 --out /shared/did",
    )
)
@request_options(
    *("models", "measurements", "dataset", "protocols", "device", "runtimes", "precisions"),
    *("size", "threads", "rounds", "sweep", "black", "weights"),
    models={"required": True},
    rounds={"help": "Interleaved rounds of latency; default: 5."},
    size={"help": "Frame size for latency, memory and complexity."},
    dataset={"help": "Folder in SID's layout, or its address (s3://…); needed for quality."},
    protocols={"help": "Protocols separated by commas; default: release2022."},
)
@only_free_option
@request_options("predictions")
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), help="Most seconds that one cell may take."
)
@click.option(
    "--memory-limit",
    type=click.FloatRange(0, min_open=True),
    help="Most GB of memory that a worker may allocate.",
)
@cluster_options
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Results folder.")
@results_options
def command(
    only_free: bool,
    timeout: float | None,
    memory_limit: float | None,
    cluster: str | None,
    every_host: bool,
    out: Path,
    resume: bool,
    as_json: bool,
    **asked: Any,
) -> int:
    """Measure every combination of what is given; writes one JSON file per cell to OUT/cells."""
    from bench.run import progress
    from bench.run.attempt import WorkerLimits
    from bench.run.plan import plan
    from bench.run.request import Request

    limits = WorkerLimits(timeout_s=timeout, memory_bytes=round(memory_limit * 1e9) if memory_limit else None)
    models = chosen_models(asked.pop("models"), only_free=only_free)
    with crew(cluster, every_host=every_host) as workers:
        whole = plan(workers.suited(Request(models, **asked)))
        announce(whole)
        summary = workers.execute(whole, out, resume=resume, progress=progress.for_stream(), limits=limits)
    print(json.dumps(asdict(summary)) if as_json else progress.summary_text(summary, out))
    return 1 if summary.failed else 0


def announce(whole: Plan) -> None:
    """Announce on standard error what a plan will take before it starts."""
    from bench.run import progress

    click.echo(
        f"{plural(len(whole.cells), 'cell')}: about {progress.duration(whole.seconds)}, "
        f"{whole.disk_bytes / 1e6:.1f} MB of disk, {whole.peak_bytes / 1e9:.1f} GB of memory",
        err=True,
    )
    for note in whole.notes:
        click.echo(f"note: {note}", err=True)
