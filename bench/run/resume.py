"""Which cells of a plan a results folder already holds, measured as they would be measured now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.metrics.lpips import available as lpips_unavailable
from bench.records import protocols, provenance, store
from bench.records.cells import TIMED
from bench.run.origins import data_sha256, provenance_of, settings_of
from bench.run.rounds import Rounds

if TYPE_CHECKING:
    from pathlib import Path

    from bench.records.cells import Cell, Record, Status
    from bench.records.jobs import Job
    from bench.run.plan import Plan


@dataclass
class Resume:
    """The stored results of a plan.

    Attributes:
        plan: what is to be measured.
        out: the results folder.
        host: the machine that measures, if it belongs to a cluster; else None.
        kept: status of each cell whose result is still valid, as far as `remaining` has looked.
    """

    plan: Plan
    out: Path
    host: str | None = None
    kept: dict[Cell, Status] = field(default_factory=dict)

    def remaining(self) -> list[Job]:
        """Drop the cells whose stored result is still valid."""
        return self.plan.left(self._stands)

    def plan_left(self) -> Plan:
        """Leave out of the plan what stands, and the rounds of latency whose contributions are kept.

        Cells whose rounds are all there stay, since they have yet to be put together.
        """
        jobs = self.remaining()
        rounds = Rounds(jobs, self.out, self.same_origin)
        to_join = {job.cell for job, _ in rounds.complete()}
        left = {(cell, job.round) for job in rounds.left(jobs) if not job.twin for cell in job.cells}
        left |= {(job.cell, job.round) for job in jobs if job.cell in to_join}
        return self.plan.only(lambda cell, number: (cell, number) in left)

    def same_origin(self, job: Job, record: Record, index: int = 0) -> bool:
        """Whether a stored record was made by this code from these weights, data and settings."""
        if record.status not in provenance.LASTING:
            return False
        if record.cell.measurement in TIMED and record.environment.get("host") != self.host:
            return False  # the costs of two machines do not belong together
        expected = {
            **provenance_of(job),
            "data_sha256": data_sha256(job, record, index),
            "settings": settings_of(job, self.plan.rounds)[record.cell.measurement],
        }
        return provenance.lasts(record, expected)

    def _stands(self, job: Job, index: int) -> bool:
        cell = job.cells[index]
        if cell in self.kept:
            return True
        path = store.path_of(self.out, cell)
        if not path.is_file() or store.validate(path):
            return False
        record = store.read(path)
        if not self.same_origin(job, record, index) or _lacks_lpips(record):
            return False
        self.kept[cell] = record.status
        return True


def _lacks_lpips(record: Record) -> bool:
    """Whether an image was scored without LPIPS, which is available by now."""
    cell = record.cell
    if cell.measurement != "quality" or record.status != "ok" or record.values["lpips"] is not None:
        return False
    return lpips_unavailable(protocols.get(str(cell.protocol)).lpips) is None
