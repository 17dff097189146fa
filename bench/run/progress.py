"""How an execution is shown: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench.run import predictions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.records.cells import Cell
    from bench.records.jobs import Job
    from bench.run.outcome import Summary


def for_stream(stream: TextIO | None = None) -> Lines | Bar:
    """Choose what suits a stream (standard error if None): a bar for a terminal, lines for a file or pipe."""
    target = stream or sys.stderr
    return Bar(target) if target.isatty() else Lines(target)


def duration(seconds: float) -> str:
    """Seconds as people say them: 45 s, 12 min 5 s, 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class _Clock:
    """Estimates the time left: what remains by prediction, times how predictions have fared so far."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = list(jobs)
        self._start = time.monotonic()
        self.total = predictions.total_s(tuple(jobs))
        self.done = 0.0

    def finish(self, job: Job) -> None:
        self.done += predictions.total_s((job,))

    def left(self) -> float:
        elapsed = time.monotonic() - self._start
        pace = elapsed / self.done if self.done > 0.05 * self.total else 1.0
        return max(self.total - self.done, 0.0) * pace


class Lines:
    """One line for each finished cell."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._clock = _Clock(())

    def start(self, jobs: Sequence[Job]) -> None:
        """Take note of all jobs that will run."""
        self._clock = _Clock(jobs)
        self._say(f"{len(jobs)} worker processes, about {duration(self._clock.total)}")

    def begin(self, job: Job) -> None:
        """Take note that a job begins."""
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
    """One bar over the predicted time, with what is being done; failures stand above it."""

    def __init__(self, stream: TextIO) -> None:
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
        self._clock = _Clock(())
        self._task = self._bar.add_task("", total=None, left="")

    def start(self, jobs: Sequence[Job]) -> None:
        """Take note of all jobs that will run."""
        self._clock = _Clock(jobs)
        self._bar.update(self._task, total=self._clock.total, left=duration(self._clock.total))
        self._bar.start()

    def begin(self, job: Job) -> None:
        """Take note that a job begins."""
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
    """Put a summary into a few lines for people."""
    counts = ", ".join(f"{count} {status}" for status, count in sorted(summary.counts.items()))
    lines = [f"{out}: {counts or 'nothing to do'} ({summary.kept} kept from before)"]
    lines[0] += f" in {duration(summary.seconds)}"
    return "\n".join([*lines, *(f"  {failure}" for failure in summary.failures)])
