"""`llbench run`: measure the cells that models, measurements, runtimes and precisions span."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.completing import methods
from bench.cli.crew import cluster_options, crew
from bench.cli.examples import examples
from bench.cli.options import chosen_models, names, only_free_option, some_of, weights_option
from bench.cli.size import Size
from bench.data.folder.index import index
from bench.records.forms import DEVICES, PRECISIONS, RUNTIMES
from bench.run import progress
from bench.run.attempt import Limits
from bench.run.plan import KINDS, MEASUREMENTS, merge, plan, resolutions, thread_counts

if TYPE_CHECKING:
    from bench.run.plan import Plan


@click.command(
    epilog=examples(
        "llbench run --models llpacknet,red --measure latency,memory --out cost",
        "llbench run --models llpacknet --dataset dark --protocol paper2020,dnf88 --out judged",
        "llbench run --models all --measure latency --sweep resolution --out sweep --resume",
        "llbench run --models did --dataset /shared/SID --cluster tcp://head:8786 --out /shared/did",
    )
)
@click.option("--models", callback=names, required=True, shell_complete=methods,
              help="Names with commas between, 'all' or 'field' (every learned method).")  # fmt: skip
@click.option("--measure", callback=names, default=",".join(MEASUREMENTS), show_default=True,
              help="Also: kernels, the forms of UnPack against each other.")  # fmt: skip
@click.option("--dataset", help="Folder in SID's layout, or its address (s3://…); quality needs one.")
@click.option("--protocol", callback=names, help="Protocols with commas between; default: release2022.")
@click.option(
    "--device", type=click.Choice(DEVICES), default="cpu", show_default=True, help="Where to measure."
)
@click.option("--runtime", callback=names, default="published", show_default=True, help=", ".join(RUNTIMES))
@click.option("--precision", callback=names, default="fp32", show_default=True, help=", ".join(PRECISIONS))
@click.option("--size", type=Size(), help="Frame for latency, memory and complexity.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads; default: the usable cores.")
@click.option("--rounds", type=click.IntRange(1), help="Interleaved rounds of latency; default 5.")
@click.option(
    "--sweep", type=click.Choice(["resolution", "threads"]), help="Repeat over sizes or thread counts."
)
@weights_option
@only_free_option
@click.option("--predictions", is_flag=True, help="Keep restored pictures under OUT/predictions.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), help="Seconds for one cell.")
@click.option("--memory-limit", type=click.FloatRange(0, min_open=True), help="GB that a worker may ask for.")
@cluster_options
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Results folder.")
@click.option("--resume", is_flag=True, help="Continue a folder that holds results.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    models: tuple[str, ...],
    measure: tuple[str, ...],
    dataset: str | None,
    protocol: tuple[str, ...],
    device: str,
    runtime: tuple[str, ...],
    precision: tuple[str, ...],
    size: tuple[int, int] | None,
    threads: int | None,
    rounds: int | None,
    sweep: str | None,
    weights: dict[str, Path],
    only_free: bool,
    predictions: bool,
    timeout: float | None,
    memory_limit: float | None,
    cluster: str | None,
    every_host: bool,
    out: Path,
    resume: bool,
    as_json: bool,
) -> int:
    """Measure, one JSON file per cell under OUT/cells."""
    chosen = chosen_models(models, only_free=only_free)
    kinds = some_of(KINDS, measure, "--measure")
    pairs = index(dataset) if dataset else None
    if pairs is None and "quality" in kinds and not _asked("measure"):
        kinds = tuple(kind for kind in kinds if kind != "quality")
    limits = Limits(timeout_s=timeout, memory_bytes=round(memory_limit * 1e9) if memory_limit else None)
    with crew(cluster, every_host=every_host) as workers:
        sizes = resolutions() if sweep == "resolution" else (size,)
        counts = thread_counts() if sweep == "threads" else (threads or workers.threads,)
        plans = [
            plan(
                chosen,
                kinds,
                dataset=pairs,
                protocol_names=protocol or None,
                device=device,
                runtimes=some_of(RUNTIMES, runtime, "--runtime"),
                precisions=some_of(PRECISIONS, precision, "--precision"),
                size=one_size,
                threads=count,
                rounds=rounds,
                weights=weights,
                keep_predictions=predictions,
            )
            for one_size in sizes
            for count in counts
        ]
        whole = merge(plans)
        announce(whole)
        summary = workers.execute(whole, out, resume=resume, progress=progress.for_stream(), limits=limits)
    print(json.dumps(asdict(summary)) if as_json else progress.summary_text(summary, out))
    return 1 if summary.failed else 0


def announce(whole: Plan) -> None:
    """Say on standard error what a plan will take, before it starts."""
    click.echo(
        f"{len(whole.cells)} cells: about {progress.duration(whole.seconds)}, "
        f"{whole.disk_bytes / 1e6:.1f} MB of disk, {whole.peak_bytes / 1e9:.1f} GB of memory",
        err=True,
    )
    for note in whole.notes:
        click.echo(f"note: {note}", err=True)


def _asked(option: str) -> bool:
    """Whether an option was given rather than left at its default."""
    source = click.get_current_context().get_parameter_source(option)
    return source is not click.core.ParameterSource.DEFAULT
