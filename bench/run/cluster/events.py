"""What a worker tells the client of a long task while it runs: named events, which travel as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bench.records.cells import Cell
from bench.records.jobs import Job

if TYPE_CHECKING:
    from bench.run.outcome import Progress


@dataclass(frozen=True)
class JobBegun:
    """A job begins."""

    job: Job

    def tell(self, progress: Progress) -> None:
        """Pass it on."""
        progress.begin(self.job)


@dataclass(frozen=True)
class CellEnded:
    """A cell of a job, or one round of it, has ended."""

    job: Job
    cell: Cell
    status: str
    reason: str | None

    def tell(self, progress: Progress) -> None:
        """Pass it on."""
        progress.cell(self.job, self.cell, self.status, self.reason)


@dataclass(frozen=True)
class JobFinished:
    """A job has ended."""

    job: Job

    def tell(self, progress: Progress) -> None:
        """Pass it on."""
        progress.finish(self.job)


Event = JobBegun | CellEnded | JobFinished


def to_json(event: Event) -> str:
    """Return an event as text for `from_json`."""
    return json.dumps({"event": type(event).__name__, **asdict(event)})


def from_json(text: str) -> Event:
    """Read what `to_json` gave.

    Raises:
        ValueError: it is not an event.
    """
    raw = json.loads(text)
    kind, job = raw["event"], Job.from_json(raw["job"])
    if kind == JobBegun.__name__:
        return JobBegun(job)
    if kind == CellEnded.__name__:
        return CellEnded(job, Cell(**raw["cell"]), raw["status"], raw["reason"])
    if kind == JobFinished.__name__:
        return JobFinished(job)
    raise ValueError(f"there is no task event {kind!r}")
