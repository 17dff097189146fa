"""Progress callbacks and the summary of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.records.cells import Cell
    from bench.records.jobs import Job

FAILURES = ("oom-host", "oom-device", "timeout", "crash", "wrong-output", "bad-input")


class Progress(Protocol):
    """Receives the progress of an execution."""

    def start(self, jobs: Sequence[Job]) -> None:
        """Take note of all jobs that will run."""

    def begin(self, job: Job) -> None:
        """Take note that a job begins."""

    def cell(self, job: Job, cell: Cell, status: str, reason: str | None) -> None:
        """Take note of a finished cell, or of one finished round of it."""

    def finish(self, job: Job) -> None:
        """Take note that a job has ended."""

    def stop(self) -> None:
        """Take note that nothing more will come."""


class Watch(Protocol):
    """Watches cells from outside the process that measures them."""

    def condemned(self, cell: Cell) -> str | None:
        """Say why a cell must not be tried again, if so."""

    def begin(self, cell: Cell) -> None:
        """Take note that the work on a cell begins."""

    def end(self, cell: Cell) -> None:
        """Take note that it has ended, however it did."""


def failure_line(cell: Cell, status: str, reason: str | None) -> str:
    """Describe a failed cell in one line: model, measurement, form, image, status and reason."""
    words = (cell.model, cell.measurement, cell.runtime, cell.precision, cell.image, cell.protocol)
    return f"{' '.join(word for word in words if word)}: {status}: {reason}"


@dataclass(frozen=True)
class Summary:
    """What an execution did.

    Attributes:
        counts: cells of the plan by status, those kept from an earlier run included.
        measured: cells written by this execution.
        kept: cells that already existed.
        seconds: wall time.
        failures: a line for every failed cell, see `failure_line`.
    """

    counts: Mapping[str, int]
    measured: int
    kept: int
    seconds: float
    failures: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """Cells that were tried and failed; cells that cannot exist or were skipped do not count."""
        return sum(self.counts.get(status, 0) for status in FAILURES)
