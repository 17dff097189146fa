"""The manager: runs the jobs of a plan one after another, each in a fresh process, and never measures itself.

It imports no torch. Every end of a worker becomes a status with a reason, in a result file.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.machine import trace
from bench.machine.address import versions
from bench.machine.environment import available_memory, library_versions, machine, moment
from bench.metrics.lpips import available as lpips_unavailable
from bench.records import protocols, provenance, store
from bench.records.cells import TIMED, Record
from bench.records.forms import versions_of
from bench.records.jobs import Job, Order
from bench.run import process, turns
from bench.run.attempt import Attempt, Limits
from bench.run.outcome import FAILURES, Summary
from bench.run.preflight import available, too_large
from bench.run.rounds import Rounds
from bench.run.span import weights_choice
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.records.cells import Cell, Status
    from bench.run.attempt import Runner
    from bench.run.outcome import Progress, Watch
    from bench.run.plan import Plan

STRIKES = 3
"""After so many pictures in a row that ended a method's process, the rest are not tried."""


def execute(
    plan: Plan,
    out: Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    limits: Limits | None = None,
) -> Summary:
    """Measure the cells of a plan into `<out>/cells/`.

    Args:
        plan: what to measure.
        out: the results folder; made if it is not there.
        resume: continue a folder that holds results: cells measured by the same code from the same weights
            and data are kept, others are measured again.
        progress: is told how it goes.
        limits: what a worker may use.

    Raises:
        InputError: the folder holds results and `resume` is False, cannot be written, is in use by another
            run, or lies on a disk without enough space.
        KeyboardInterrupt: interrupted; everything finished so far is kept, and no worker is left.
    """
    with store.held(out, resume=resume):
        check_disk(plan, out)
        return Execution(plan, out, limits or Limits(), progress).run()


def check_disk(plan: Plan, out: Path, more: float = 0.0) -> None:
    """Raise InputError where the disk of a results folder, made or not, lacks what a plan and `more` need."""
    whole = out.absolute()
    there = next(folder for folder in (whole, *whole.parents) if folder.exists())
    free, needed = shutil.disk_usage(there).free, plan.disk_bytes + more
    if free < needed:
        raise InputError(
            f"{out} has {free / 1e9:.2f} GB of free space and {needed / 1e9:.2f} GB are needed: "
            "free some, or choose another --out"
        )


@dataclass
class Execution:
    """The jobs of a plan, one after another, in a folder that the caller has locked.

    Attributes:
        plan: what to measure.
        out: the results folder.
        limits: what a worker may use.
        progress: is told how it goes.
        worker: how a worker is run for a job.
        watch: keeps an eye on every cell.
        place: what goes into the environment of every result beside the machine's facts.
        statuses: ends of cells so far, those kept from an earlier run included.
        failures: a line for each that failed.
        kept: how many were there already.
    """

    plan: Plan
    out: Path
    limits: Limits
    progress: Progress | None = None
    worker: Runner = process.run
    watch: Watch | None = None
    place: Mapping[str, Any] = field(default_factory=dict)
    statuses: dict[Cell, Status] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    kept: int = 0
    _turn: int = 0

    def run(self) -> Summary:
        """Do it; raises as `execute`."""
        start = time.monotonic()
        with trace.span("machine state"):
            self._environment = {**machine(), **self.place}
        try:
            with trace.span("stored results"):
                jobs = self.remaining()
            timed = [job for job in jobs if job.measurement == "latency"]
            self._rounds = Rounds(timed, self.out, self._same_origin)
            for record in self._rounds.complete():
                self._store_finished(timed[0], record)
            left = {id(job) for job in self._rounds.left(timed)}
            jobs = [
                job if job.measurement != "latency" or id(job) in left else job.only(range(1, len(job.cells)))
                for job in jobs
            ]
            jobs = [job for job in jobs if job.cells]
            self._settle()
            if self.progress:
                self.progress.start(jobs)
            for group in turns.groups(jobs, lambda: available(self.limits)):
                if len(group) == 1:
                    self._run(group[0])
                else:
                    self._run_in_turns(group)
        finally:
            if self.progress:
                self.progress.stop()
        counts = Counter(self.statuses.values())
        written = len(self.statuses) - self.kept
        by_status: dict[str, int] = {str(status): count for status, count in counts.items()}
        return Summary(by_status, written, self.kept, time.monotonic() - start, tuple(self.failures))

    def remaining(self) -> list[Job]:
        """Leave out the cells whose stored result still stands."""
        return self.plan.left(self._stands)

    def _stands(self, job: Job, index: int) -> bool:
        cell = job.cells[index]
        if cell in self.statuses:
            return True
        path = store.path_of(self.out, cell)
        if not path.is_file() or store.validate(path):
            return False
        record = store.read(path)
        if not self._same_origin(job, record, index) or self._lacks_lpips(record):
            return False
        self.statuses[cell] = record.status
        self.kept += 1
        return True

    def _same_origin(self, job: Job, record: Record, index: int = 0) -> bool:
        """Whether a stored record was made by this code from these weights, data and settings."""
        if record.status not in provenance.LASTING:
            return False
        data = self._data(job, record, index)
        if record.cell.measurement in TIMED and record.environment.get("host") != self.place.get("host"):
            return False  # the costs of two machines do not belong together
        settings = self._settings(job)[record.cell.measurement]
        return provenance.lasts(record, {**self._provenance(job), "data_sha256": data, "settings": settings})

    @staticmethod
    def _data(job: Job, record: Record, index: int) -> str | None:
        """Hash of the raw files behind a cell as they are now."""
        try:
            version = versions(job.sources(index))
            if version is not None and version == record.provenance.get("data_version"):
                # The store says that nothing has changed: no need to copy the files here.
                return str(record.provenance["data_sha256"])
            return provenance.data_sha256(job.files(index))
        except (OSError, InputError):
            return None

    @staticmethod
    def _lacks_lpips(record: Record) -> bool:
        """Whether a picture was judged without LPIPS, which can be had by now."""
        cell = record.cell
        if cell.measurement != "quality" or record.status != "ok" or record.values["lpips"] is not None:
            return False
        return lpips_unavailable(protocols.get(str(cell.protocol)).lpips) is None

    def _provenance(self, job: Job) -> dict[str, Any]:
        """Say what the manager knows of where a result comes from."""
        return {
            **provenance.base(),
            **provenance.weights_facts(self._weights_file(job)),
            "model_sha256": provenance.model_sha256(job.cell.model),
            "synthetic": job.synthetic,
        }

    def _settings(self, job: Job) -> dict[str, dict[str, Any]]:
        """Say by measurement what else a result depends on: one made with other settings is made again."""
        needed = versions_of(job.cell.runtime, library_versions())
        form = {"versions": needed} if needed else {}
        return {
            "complexity": {},
            "latency": {"rounds": 1 if job.single_pass else self.plan.rounds, **form},
            "memory": form,
            "quality": {"area_fraction": job.area_fraction, **form},
            "kernels": {},
        }

    @staticmethod
    def _weights_file(job: Job) -> Path | None:
        import baselines

        if job.weights == "none":
            return None
        return baselines.weights_path(job.cell.model) if job.weights == "shipped" else Path(job.weights)

    def _settle(self) -> None:
        for end in self.plan.settled:
            weights = weights_choice(end.cell.model, self.plan.weights or {})
            self._write(Job((end.cell,), weights=weights), end.cell, end.status, end.reason)

    def _run(self, job: Job) -> None:
        """Run a job, in as many workers as its pictures end."""
        if job.measurement == "latency" and not self._rounds.wants(job):
            return
        if self.progress:
            self.progress.begin(job)
        left, strikes = job, 0
        while left.cells:
            reason = too_large(left, self.limits)
            if reason:
                self._end(left, left.cells, "skipped", reason)
                break
            verdict = self.watch.condemned(left.cell) if self.watch else None
            if verdict:
                self._end(left, left.cells[:1], "crash", verdict)
                left = left.only(range(1, len(left.cells)))
                continue
            attempt = Attempt(self._order(left), self.limits, self, self.worker)
            finished = attempt.work()
            self._trace(left, attempt)
            if finished == len(left.cells):
                break
            status, reason = attempt.verdict()
            strikes = strikes + 1 if finished == 0 else 1
            several = left.measurement in {"quality", "complexity"} and strikes < STRIKES
            ended = left.cells[finished : finished + 1] if several else left.cells[finished:]
            self._end(left, ended[:1], status, reason)
            if not several and left.measurement in {"quality", "complexity"}:
                self._end(
                    left, ended[1:], "skipped", f"not tried after {STRIKES} in a row ended so: {reason}"
                )
            else:
                self._end(left, ended[1:], status, reason)
            left = (
                left.only(range(finished + len(ended), len(left.cells)))
                if several
                else replace(left, cells=())
            )
        if self.progress:
            self.progress.finish(job)

    def _run_in_turns(self, jobs: Sequence[Job]) -> None:
        """Run jobs of one round side by side, so that their samples lie next to each other in time."""
        begun = [job for job in jobs if self._rounds.wants(job) and self._may_begin(job)]
        attempts = {Attempt(self._order(job, shared=True), self.limits, self): job for job in begun}
        try:
            with trace.span("starting workers"):
                for attempt in attempts:
                    attempt.start()
                for attempt in attempts:
                    attempt.arrive()
            for attempt in attempts:
                if attempt.waits:
                    attempt.go_on()
            self._turn = turns.take_turns(attempts, self._turn)
            for attempt, job in attempts.items():
                if attempt.waits:
                    attempt.go_on()
                self._account(job, attempt)
        finally:
            for attempt in attempts:
                attempt.close()
        if self.progress:
            for job in jobs:
                self.progress.finish(job)

    def _may_begin(self, job: Job) -> bool:
        """Whether a job can be tried; if not, its cells end here."""
        if self.progress:
            self.progress.begin(job)
        reason = too_large(job, self.limits)
        verdict = self.watch.condemned(job.cell) if self.watch else None
        if reason:
            self._end(job, job.cells, "skipped", reason)
        elif verdict:
            self._end(job, job.cells, "crash", verdict)
        return not (reason or verdict)

    def _account(self, job: Job, attempt: Attempt) -> None:
        """Store the end of the cells that a worker which took turns has not finished."""
        self._trace(job, attempt)
        left = job.cells[attempt.finished :]
        if left and left[0] == job.cell and not self._rounds.wants(job):
            left = left[1:]  # its cell has failed in another process, or proved too slow to repeat
        if left:
            self._end(job, left, *attempt.verdict())

    def _trace(self, job: Job, attempt: Attempt) -> None:
        seconds = round(attempt.seconds, 4)
        trace.write(self.out, "worker", model=job.cell.model, measurement=job.measurement, seconds=seconds)

    def _end(self, job: Job, cells: Sequence[Cell], status: Status, reason: str) -> None:
        for cell in cells:
            self._write(job, cell, status, reason)

    def _write(self, job: Job, cell: Cell, status: Status, reason: str) -> None:
        """Store the end of a cell that no worker could store."""
        now = moment()
        environment = {**self._environment, "before": now, "after": now}
        origin = {
            **self._provenance(job),
            "data_sha256": None,
            "settings": self._settings(job)[cell.measurement],
        }
        record = Record(cell, status, reason, {}, environment, origin)
        if cell.measurement == "latency" and self._rounds.wants(job):
            self.take_round(job, record)
        else:
            self._store_finished(job, record)

    def take_begin(self, cell: Cell) -> None:
        """Pass on that the work on a cell begins."""
        if self.watch:
            self.watch.begin(cell)

    def take_round(self, job: Job, record: Record) -> None:
        """Add a process's share to its latency cell and store the cell once it is complete."""
        if self.watch:
            self.watch.end(record.cell)
        if not self._rounds.wants(job):
            return  # as in `_account`
        finished = self._rounds.add(job, record)
        if finished is not None:
            self._store_finished(job, finished)
        elif self.progress:
            self.progress.cell(job, record.cell, record.status, record.reason)

    def _store_finished(self, job: Job, record: Record) -> None:
        store.write(self.out, record)
        self._rounds.close(record.cell)
        self.take_done(job, record.cell, record.status, record.reason)

    def take_done(self, job: Job, cell: Cell, status: Status, reason: str | None) -> None:
        """Keep count of a cell that is stored."""
        if self.watch:
            self.watch.end(cell)
        self.statuses[cell] = status
        if status in FAILURES:
            words = (cell.model, cell.measurement, cell.runtime, cell.precision, cell.image, cell.protocol)
            self.failures.append(f"{' '.join(word for word in words if word)}: {status}: {reason}")
        if self.progress:
            self.progress.cell(job, cell, status, reason)

    def _order(self, job: Job, *, shared: bool = False) -> Order:
        """Address a job to a worker, which shares its round with others or has it for itself."""
        limit = self.limits.memory_bytes or available_memory()
        return Order(
            job=job,
            out=str(self.out.absolute()),
            manager=os.getpid(),
            memory_limit=limit if job.cell.device != "cuda" else None,
            keep_predictions=self.plan.keep_predictions,
            environment=self._environment,
            provenance=self._provenance(job),
            settings=self._settings(job),
            turns=shared,
        )
