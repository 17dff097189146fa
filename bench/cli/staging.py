"""The stages of the main job: each is measured, then tables, figures, verdicts and report are renewed."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click
from rich.console import Console

from bench.machine import trace
from bench.records import pending, store
from bench.run import progress
from bench.run.outcome import Summary
from bench.run.stages import predicted, stages, without

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.cli.crew import Crew
    from bench.judge.results import Results
    from bench.records.cells import Cell
    from bench.run.plan import Plan
    from bench.run.stages import Stage


@dataclass
class Staging:
    """Measures a plan in stages, and shows what there is after each.

    Attributes:
        workers: who measures.
        out: the results folder, which the caller holds.
        first_s: predicted seconds of the first stage; None for a single one.
        budget_s: seconds from `started` on that all stages may take; infinite for no limit.
        started: when the command began, on the monotonic clock.
        pace: how this machine fares against the predictions.
        left: stages that did not fit into the budget.
    """

    workers: Crew
    out: Path
    first_s: float | None
    budget_s: float
    started: float
    pace: progress.Pace = field(default_factory=progress.Pace)
    left: list[Stage] = field(default_factory=list)
    _shown: dict[str, str] = field(default_factory=dict)

    def measure(self, wanted: Plan) -> Summary:
        """Measure what fits into the budget.

        Raises InputError as `bench.run.manager.execute`, and KeyboardInterrupt once what there is was shown.
        """
        todo = stages(wanted, None if self.workers.cluster else self.first_s, self._time_left())
        failures: list[str] = []
        before = _stamps(wanted, self.out)
        try:
            while todo:
                stage = without(todo[0], self._ended(todo[0]))
                if stage.seconds * self.pace.factor > self._time_left():
                    self.left.append(todo.pop(0))
                    continue
                pending.write(self.out, predicted([*todo, *self.left]))
                failures += self._execute(stage, todo[1:])
                todo.pop(0)
                pending.write(self.out, predicted([*todo, *self.left]))
                if todo:
                    self._show(write(self.out))
        except KeyboardInterrupt:
            if store.files(self.out):
                write(self.out)
                click.echo(
                    f"what was finished is in {self.out / 'report.html'}; go on with --resume", err=True
                )
            raise
        return self._summary(wanted, failures, before)

    def _execute(self, stage: Stage, later: Sequence[Stage]) -> Sequence[str]:
        later_s = sum(one.seconds for one in later)
        shown = progress.for_stream(pace=self.pace, later_s=later_s)
        return self.workers.execute(stage.plan, self.out, resume=True, progress=shown).failures

    def _time_left(self) -> float:
        return self.budget_s - (time.monotonic() - self.started)

    def _ended(self, stage: Stage) -> set[Cell]:
        """Latency cells of later rounds that failed in the first."""
        ended: set[Cell] = set()
        for job in stage.plan.jobs:
            path = store.path_of(self.out, job.cell)
            if job.measurement == "latency" and job.round > 0 and path.is_file() and not store.validate(path):
                ended |= {job.cell} if store.read(path).status != "ok" else set()
        return ended

    def _show(self, results: Results) -> None:
        """Print Table 1 on a terminal, elsewhere those of its rows that have changed."""
        from bench.show.tables import writers
        from bench.show.tables.table1 import lines, table1

        table = table1(results)
        console = Console(stderr=True)
        if console.is_terminal:
            console.print(writers.as_rich(table))
            return
        found = lines(table)
        for method, text in found.items():
            if self._shown.get(method) != text:
                click.echo(f"Table 1: {method}: {text}", err=True)
        self._shown = found

    def _summary(self, wanted: Plan, failures: Sequence[str], before: Mapping[Path, int]) -> Summary:
        """Count what lies in the folder."""
        now = _stamps(wanted, self.out)
        counts = Counter(str(store.read(path).status) for path in now)
        kept = sum(before.get(path) == stamp for path, stamp in now.items())
        seconds = time.monotonic() - self.started
        return Summary(dict(counts), len(now) - kept, kept, seconds, tuple(dict.fromkeys(failures)))

    def left_words(self) -> str | None:
        """Say what did not fit into the budget, and how long it takes."""
        if not self.left:
            return None
        methods = ", ".join(dict.fromkeys(name for stage in self.left for name in stage.methods))
        seconds = sum(stage.seconds for stage in self.left) * self.pace.factor
        return f"left for --resume: {methods} (about {progress.duration(seconds)})"


def _stamps(wanted: Plan, out: Path) -> dict[Path, int]:
    """When the file of each cell was written, where there is one."""
    paths = (store.path_of(out, cell) for cell in wanted.cells)
    return {path: path.stat().st_mtime_ns for path in paths if path.is_file()}


def write(out: Path) -> Results:
    """Write tables, figures, verdicts and report of what there is; returns the results behind them."""
    with trace.span("import"):
        from bench.judge.results import Results
        from bench.show import report

    results = Results.load(out)
    with trace.span("report"), Console(stderr=True).status("writing tables, figures and the report"):
        report.write(out, results)
    return results


def budget_seconds(minutes: float | None) -> float:
    """Seconds of a budget in minutes; infinite without one."""
    return math.inf if minutes is None else minutes * 60
