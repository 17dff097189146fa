"""The stages of the main job: each is measured, then tables, figures, verdicts and report are updated."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import click
from rich.console import Console

from bench.machine import trace
from bench.records import pending, store
from bench.run import progress
from bench.run.budget import Budget, OutOfTime
from bench.run.outcome import Summary
from bench.run.predictions import total_s
from bench.run.resume import Resume
from bench.run.stages import Stage, predicted, stages, without

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.cli.crew import Crew
    from bench.judge.results import Results
    from bench.records.cells import Cell
    from bench.run.plan import Plan


class Staging:
    """Measures a plan in stages and shows the results so far after each.

    Args:
        workers: who measures.
        out: the results folder, which the caller holds.
        first_s: seconds of the first stage, by prediction and by the clock; None for a single one.
        budget_s: seconds from `started` on that all stages may take; infinite for no limit.
        started: when the command began, on the monotonic clock.

    Attributes:
        left: what did not fit into the budget.
    """

    def __init__(
        self, workers: Crew, out: Path, first_s: float | None, budget_s: float, started: float
    ) -> None:
        self.out = out
        self.left: list[Stage] = []
        self._workers = workers
        self._first_s = first_s
        self._started = started
        self._pace = progress.Pace()
        self._budget = Budget(started + budget_s, lambda: self._pace.factor)
        self._shown: dict[str, str] = {}

    def measure(self, wanted: Plan) -> Summary:
        """Measure what fits into the budget.

        Raises InputError like `bench.run.manager.execute`; after an interrupt the results so far are shown,
        then KeyboardInterrupt is raised.
        """
        first_s = None if self._workers.cluster else self._first_s
        with trace.span("stored results"):
            open_plan = Resume(wanted, self.out).plan_left()
        todo = stages(open_plan, first_s, self._budget.time_left())
        failures: list[str] = []
        before = _stamps(wanted, self.out)
        at_most_s = math.inf if first_s is None else first_s
        try:
            while todo:
                stage = todo.pop(0)
                stage = without(stage, self._ended(stage))
                if not self._fits(stage):
                    self.left.append(stage)
                    continue
                self._promise([stage, *todo])
                failures += self._execute(stage, todo, at_most_s)
                at_most_s = math.inf
                self._promise(todo)
                if any(self._fits(one) for one in todo) and store.files(self.out):
                    self._show(write(self.out))
            self._promise([])
        except KeyboardInterrupt:
            if store.files(self.out):
                write(self.out)
                click.echo(
                    f"what is finished is in {self.out / 'report.html'}; continue with --resume", err=True
                )
            raise
        return self._summary(wanted, failures, before)

    def _fits(self, stage: Stage) -> bool:
        """Whether anything of a stage would end in time; on a cluster, all of it."""
        jobs = stage.plan.jobs
        if not jobs:
            return True  # what is settled takes no time
        least = min(total_s((job,)) for job in jobs)
        return self._budget.fits(stage.seconds if self._workers.cluster else least)

    def _promise(self, todo: Sequence[Stage]) -> None:
        """Tell the tables what is still to come."""
        factor = self._pace.factor
        pending.write(self.out, {key: s * factor for key, s in predicted([*todo, *self.left]).items()})

    def _execute(self, stage: Stage, later: list[Stage], at_most_s: float) -> Sequence[str]:
        """Measure what fits into the budget and into a stage of so many seconds; returns the failures.

        What does not fit into the stage alone becomes the beginning of the next one.
        """
        shown = progress.for_stream(pace=self._pace, later_s=sum(one.seconds for one in later))
        budget, failures = self._budget, tuple[str, ...]()
        budget.take_up(stage.plan.jobs)
        budget.end_stage_in(at_most_s)
        try:
            with budget.alarm():
                summary = self._workers.execute(
                    stage.plan, self.out, resume=True, progress=shown, budget=budget
                )
            failures = summary.failures
        except OutOfTime:
            click.echo("the budget is used up: unfinished cells are left for --resume", err=True)
        if not self._workers.cluster and budget.left:
            rest = Stage(replace(stage.plan.part(budget.left), settled=()))
            if math.isinf(at_most_s) or not self._fits(rest):
                self.left.append(rest)
            else:
                later[:1] = [rest.before(later[0]) if later else rest]
        return failures

    def _ended(self, stage: Stage) -> set[Cell]:
        """Latency cells of later rounds that failed in the first."""
        ended: set[Cell] = set()
        for job in stage.plan.jobs:
            path = store.path_of(self.out, job.cell)
            if job.measurement == "latency" and job.round > 0 and path.is_file() and not store.validate(path):
                ended |= {job.cell} if store.read(path).status != "ok" else set()
        return ended

    def _show(self, results: Results) -> None:
        """Print Table 1 on a terminal; elsewhere, only its rows that have changed."""
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
        """Count the cells in the folder."""
        now = _stamps(wanted, self.out)
        counts = Counter(str(store.read(path).status) for path in now)
        kept = sum(before.get(path) == stamp for path, stamp in now.items())
        seconds = time.monotonic() - self._started
        return Summary(dict(counts), len(now) - kept, kept, seconds, tuple(dict.fromkeys(failures)))

    def left_words(self) -> str | None:
        """Report what did not fit into the budget and how long it takes."""
        if not self.left:
            return None
        seconds: defaultdict[str, float] = defaultdict(float)
        for (_, method), predicted_s in predicted(self.left).items():
            seconds[method] += predicted_s * self._pace.factor
        methods = ", ".join(f"{method} about {progress.duration(s)}" for method, s in seconds.items())
        return f"left for --resume: {methods}; about {progress.duration(sum(seconds.values()))}"


def _stamps(wanted: Plan, out: Path) -> dict[Path, int]:
    """When the file of each cell was written, where there is one."""
    paths = (store.path_of(out, cell) for cell in wanted.cells)
    return {path: path.stat().st_mtime_ns for path in paths if path.is_file()}


def write(out: Path) -> Results:
    """Write tables, figures, verdicts and report of the results so far; returns these results."""
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
