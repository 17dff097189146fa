"""The manager: runs the jobs of a plan one after another, each in a fresh process, and never measures itself.

It imports no torch. Every end of a worker becomes a status with a reason, in a result file.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.machine import trace
from bench.machine.environment import machine
from bench.records import store
from bench.run import process, turns
from bench.run.attempt import WorkerLimits
from bench.run.budget import Budget
from bench.run.outcome import Summary
from bench.run.preflight import available
from bench.run.recorder import Recorder
from bench.run.resume import Resume
from bench.run.rounds import Rounds
from bench.run.workers import Workers
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.records.jobs import Job
    from bench.run.attempt import Runner
    from bench.run.outcome import Progress, Watch
    from bench.run.plan import Plan


def execute(
    plan: Plan,
    out: Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    limits: WorkerLimits | None = None,
    budget: Budget | None = None,
) -> Summary:
    """Measure the cells of a plan into `<out>/cells/`.

    Args:
        plan: what to measure.
        out: the results folder; created if it does not exist.
        resume: continue a folder that holds results: cells measured by the same code from the same weights
            and data are kept, others are measured again.
        progress: is notified of progress.
        limits: what a worker may use.
        budget: the time that it may take; afterwards it lists what was left out.

    Raises:
        InputError: the folder holds results and `resume` is False, cannot be written, is in use by another
            run, or is on a disk without enough space.
        KeyboardInterrupt: interrupted; everything finished so far is kept, and no worker is left. It is
            OutOfTime if the budget ran out.
    """
    with store.held(out, resume=resume):
        check_disk(plan, out)
        execution = Execution(plan, out, limits or WorkerLimits(), progress, budget=budget or Budget())
        return execution.run()


def check_disk(plan: Plan, out: Path, more: float = 0.0) -> None:
    """Raise InputError if the disk of a results folder, made or not, lacks what a plan and `more` need."""
    whole = out.absolute()
    there = next(folder for folder in (whole, *whole.parents) if folder.exists())
    free, needed = shutil.disk_usage(there).free, plan.disk_bytes + more
    if free < needed:
        raise InputError(
            f"{out} has {free / 1e9:.2f} GB of free space and {needed / 1e9:.2f} GB are needed: "
            "free some, or choose another --out"
        )


@dataclass(frozen=True)
class Execution:
    """The jobs of a plan, one after another, in a folder that the caller has locked.

    Attributes:
        plan: what to measure.
        out: the results folder.
        limits: what a worker may use.
        progress: is notified of progress.
        worker: how a worker is run for a job.
        watch: watches every cell.
        place: what goes into the environment of every result beside the machine's facts.
        budget: the time that it may take.
    """

    plan: Plan
    out: Path
    limits: WorkerLimits
    progress: Progress | None = None
    worker: Runner = process.run
    watch: Watch | None = None
    place: Mapping[str, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)

    def run(self) -> Summary:
        """Run the jobs; raises like `execute`."""
        start = time.monotonic()
        with trace.span("machine state"):
            environment = {**machine(), **self.place}
        resume = Resume(self.plan, self.out, self.place.get("host"))
        try:
            with trace.span("stored results"):
                jobs = resume.remaining()
            rounds = Rounds(jobs, self.out, resume.same_origin)
            recorder = Recorder(
                self.plan, self.out, environment, rounds, self.progress, self.watch, dict(resume.kept)
            )
            jobs = rounds.left(jobs)
            recorder.settle()
            self.budget.take_up(jobs)
            if self.progress:
                self.progress.start(jobs)
            workers = Workers(recorder, self.limits, self.worker)
            for together in turns.groups(jobs, lambda: available(self.limits)):
                group = self._admitted(together)
                if not group:
                    continue
                if len(group) == 1:
                    workers.alone(group[0])
                elif group[0].measurement == "latency":
                    workers.in_turns(group)
                else:
                    workers.at_once(group)
                self.budget.ended(group)
        finally:
            if self.progress:
                self.progress.stop()
        counts = Counter(str(status) for status in recorder.statuses.values())
        kept, seconds = len(resume.kept), time.monotonic() - start
        return Summary(dict(counts), len(recorder.statuses) - kept, kept, seconds, tuple(recorder.failures))

    def _admitted(self, group: list[Job]) -> list[Job]:
        """Return what the budget admits of a group: all, or of two that score images the first alone."""
        if self.budget.admits(group):
            return group
        alone = group[:1] if len(group) > 1 and group[0].measurement == "quality" else []
        return alone if alone and self.budget.admits(alone) else []
