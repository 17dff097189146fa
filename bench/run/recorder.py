"""Records how cells end: into result files, into the counts of a run, and to the progress display."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.machine import trace
from bench.machine.environment import moment
from bench.records import store
from bench.records.cells import Record
from bench.records.jobs import Job
from bench.run.origins import provenance_of, settings_of
from bench.run.outcome import FAILURES, failure_line
from bench.run.span import weights_choice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.records.cells import Cell, Status
    from bench.run.outcome import Progress, Watch
    from bench.run.plan import Plan
    from bench.run.rounds import Rounds


@dataclass
class Recorder:
    """Receives what workers have done, and the outcome of other cells (see `bench.run.attempt.Receiver`).

    Attributes:
        plan: what is measured.
        out: the results folder.
        environment: what every result says about the machine.
        rounds: the latency cells that are not complete yet.
        progress: is notified of progress.
        watch: watches every cell.
        statuses: ends of cells so far, those kept from an earlier run included.
        failures: a line for each that failed.
    """

    plan: Plan
    out: Path
    environment: Mapping[str, Any]
    rounds: Rounds
    progress: Progress | None = None
    watch: Watch | None = None
    statuses: dict[Cell, Status] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def settle(self) -> None:
        """Store what the plan knows without measuring, and what an interrupted run left to be joined."""
        for job, record in self.rounds.complete():
            self._store(job, record)
        for end in self.plan.settled:
            weights = weights_choice(end.cell.model, self.plan.weights or {})
            self._write(Job((end.cell,), weights=weights), end.cell, end.status, end.reason)

    def wants(self, job: Job) -> bool:
        """Whether a job still counts: one of latency does not once its cell failed, or proved too slow."""
        return job.measurement != "latency" or self.rounds.wants(job)

    def begin(self, job: Job) -> None:
        """Report that a job begins."""
        if self.progress:
            self.progress.begin(job)

    def finish(self, job: Job) -> None:
        """Report that a job has ended."""
        if self.progress:
            self.progress.finish(job)

    def note_work(self, job: Job, seconds: float) -> None:
        """Note how long a worker was at work on a job."""
        words = {"model": job.cell.model, "measurement": job.measurement}
        trace.write(self.out, "worker", **words, seconds=round(seconds, 4))

    def condemned(self, cell: Cell) -> str | None:
        """Say why a cell must not be tried again, if so."""
        return self.watch.condemned(cell) if self.watch else None

    def end(self, job: Job, cells: Sequence[Cell], status: Status, reason: str) -> None:
        """Record the end of cells that no worker could store."""
        for cell in cells:
            self._write(job, cell, status, reason)

    def take_begin(self, cell: Cell) -> None:
        """Pass on that the work on a cell begins."""
        if self.watch:
            self.watch.begin(cell)

    def take_round(self, job: Job, record: Record) -> None:
        """Add a process's share to its latency cell and store the cell once it is complete."""
        if self.watch:
            self.watch.end(record.cell)
        if not self.rounds.wants(job):
            return  # its cell has failed in another process, or proved too slow to repeat
        finished = self.rounds.add(job, record)
        if finished is not None:
            self._store(job, finished)
        elif self.progress:
            self.progress.cell(job, record.cell, record.status, record.reason)

    def take_done(self, job: Job, cell: Cell, status: Status, reason: str | None) -> None:
        """Keep count of a cell that is stored."""
        if self.watch:
            self.watch.end(cell)
        self.statuses[cell] = status
        if status in FAILURES:
            self.failures.append(failure_line(cell, status, reason))
        if self.progress:
            self.progress.cell(job, cell, status, reason)

    def _write(self, job: Job, cell: Cell, status: Status, reason: str) -> None:
        now = moment()
        origin = {
            **provenance_of(job),
            "data_sha256": None,
            "settings": settings_of(job, self.plan.rounds)[cell.measurement],
        }
        environment = {**self.environment, "before": now, "after": now}
        record = Record(cell, status, reason, {}, environment, origin)
        if cell.measurement == "latency" and self.rounds.wants(job):
            self.take_round(job, record)
        else:
            self._store(job, record)

    def _store(self, job: Job, record: Record) -> None:
        store.write(self.out, record)
        self.rounds.close(record.cell)
        self.take_done(job, record.cell, record.status, record.reason)
