"""How an execution is shown: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench.machine.wording import plural
from bench.run import predictions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.records.cells import Cell
    from bench.records.jobs import Job
    from bench.run.outcome import Summary

# So many seconds of prediction count as confirmed before anything has run: one odd job does not decide.
FIRM_S = 15.0


def for_stream(stream: TextIO | None = None, pace: Pace | None = None, later_s: float = 0.0) -> Lines | Bar:
    """Choose the display for a stream: a bar for a terminal, lines for a file or pipe.

    Args:
        stream: standard error if None.
        pace: what this machine has shown so far, where the execution is one of several stages.
        later_s: predicted seconds of the stages to come.
    """
    target = stream or sys.stderr
    clock = _Clock(pace or Pace(), later_s)
    return Bar(target, clock) if target.isatty() else Lines(target, clock)


class Pace:
    """How long jobs take here relative to what was predicted, learnt from those that have ended."""

    def __init__(self) -> None:
        self._predicted = self._taken = FIRM_S

    def learn(self, predicted_s: float, taken_s: float) -> None:
        """Take note of jobs that have ended."""
        self._predicted += predicted_s
        self._taken += taken_s

    @property
    def factor(self) -> float:
        """What predictions are multiplied by."""
        return self._taken / self._predicted


def duration(seconds: float) -> str:
    """Seconds as people write them: 45 s, 12 min 5 s, 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class _Clock:
    """Estimates the time left: what remains by prediction, times the accuracy of predictions so far.

    Jobs that take turns end almost together, long after they began: what they took is known only for all of
    them, when nothing runs any more or the next job begins.
    """

    def __init__(self, pace: Pace, later_s: float) -> None:
        self._pace = pace
        self._later_s = later_s
        self._last = time.monotonic()
        self._running, self._unlearnt = 0, 0.0
        self.total = self.done = 0.0

    def start(self, jobs: Sequence[Job]) -> None:
        self._last = time.monotonic()
        self.total, self.done = predictions.total_s(tuple(jobs)), 0.0

    def begin(self) -> None:
        if self._unlearnt:
            self._learn()
        self._running += 1

    def finish(self, job: Job) -> None:
        predicted = predictions.total_s((job,))
        self.done += predicted
        self._unlearnt += predicted
        self._running = max(self._running - 1, 0)
        if not self._running:
            self._learn()

    def _learn(self) -> None:
        now = time.monotonic()
        self._pace.learn(self._unlearnt, now - self._last)
        self._last, self._unlearnt = now, 0.0

    def left(self) -> float:
        return (max(self.total - self.done, 0.0) + self._later_s) * self._pace.factor


class Lines:
    """One line for each finished cell."""

    def __init__(self, stream: TextIO, clock: _Clock | None = None) -> None:
        self._stream = stream
        self._clock = clock or _Clock(Pace(), 0.0)

    def start(self, jobs: Sequence[Job]) -> None:
        """Take note of all jobs that will run."""
        self._clock.start(jobs)
        self._say(
            f"{plural(len(jobs), 'worker process', 'worker processes')}, about {duration(self._clock.left())}"
        )

    def begin(self, job: Job) -> None:
        """Take note that a job begins."""
        self._clock.begin()
        self._say(f"{job.label()} ...")

    def cell(self, job: Job, cell: Cell, status: str, reason: str | None) -> None:
        """Take note of a finished cell, or of one finished round of it."""
        precision = None if cell.precision == "fp32" else cell.precision
        words = [cell.measurement, cell.model, cell.runtime, precision, cell.protocol, cell.image]
        if job.measurement == cell.measurement == "latency":
            words.append(f"round {job.round + 1}")
        name = " ".join(word for word in words if word)
        self._say(f"  {name}: {status}{f': {reason}' if reason else ''}")

    def finish(self, job: Job) -> None:
        """Take note that a job has ended."""
        self._clock.finish(job)
        self._say(f"  about {duration(self._clock.left())} left")

    def stop(self) -> None:
        """Take note that nothing more will come."""

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class Bar:
    """One bar over the predicted time, with what is being done; failures are shown above it."""

    def __init__(self, stream: TextIO, clock: _Clock) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]} left"),
            console=Console(file=stream),
            transient=True,
        )
        self._clock = clock
        self._task = self._bar.add_task("", total=None, left="")

    def start(self, jobs: Sequence[Job]) -> None:
        """Take note of all jobs that will run."""
        self._clock.start(jobs)
        self._bar.update(self._task, total=self._clock.total, left=duration(self._clock.left()))
        self._bar.start()

    def begin(self, job: Job) -> None:
        """Take note that a job begins."""
        self._clock.begin()
        self._bar.update(self._task, description=job.label())

    def cell(self, job: Job, cell: Cell, status: str, reason: str | None) -> None:  # noqa: ARG002
        """Take note of a finished cell, or of one finished round of it."""
        if status not in {"ok", "unsupported", "skipped"}:
            words = " ".join(word for word in (cell.measurement, cell.model, cell.image) if word)
            self._bar.console.print(f"{words}: {status}: {reason}", markup=False, highlight=False)

    def finish(self, job: Job) -> None:
        """Take note that a job has ended."""
        self._clock.finish(job)
        self._bar.update(self._task, completed=self._clock.done, left=duration(self._clock.left()))

    def stop(self) -> None:
        """Take note that nothing more will come."""
        self._bar.stop()


def summary_text(summary: Summary, out: Path) -> str:
    """Summarise in a few lines for people."""
    counts = ", ".join(f"{count} {status}" for status, count in sorted(summary.counts.items()))
    lines = [f"{out}: {counts or 'nothing to do'} ({summary.kept} already there)"]
    lines[0] += f" in {duration(summary.seconds)}"
    return "\n".join([*lines, *(f"  {failure}" for failure in summary.failures)])
