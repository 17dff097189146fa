"""Runs jobs in worker processes: one by itself, two at once, or those of an interleaved round in turns."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from bench.machine.environment import available_memory
from bench.records.jobs import Job, Order
from bench.run import turns
from bench.run.attempt import Attempt
from bench.run.origins import provenance_of, settings_of
from bench.run.preflight import too_large

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.records.cells import Status
    from bench.run.attempt import Runner, WorkerLimits
    from bench.run.recorder import Recorder

# After so many images in a row that ended a method's process, the rest are not tried.
STRIKES = 3


class EndCause(Enum):
    """Why a cell ended that no worker has finished."""

    TOO_LARGE = auto()
    CONDEMNED = auto()
    IMAGE = auto()
    LAST_STRIKE = auto()
    CALL = auto()


class AfterEnd(Enum):
    """What happens to the remaining cells of a job after the one that ends."""

    TRY = auto()
    SKIP = auto()
    END_ALIKE = auto()


AFTER_END = {
    EndCause.TOO_LARGE: AfterEnd.END_ALIKE,  # the prediction is that of the job
    EndCause.CONDEMNED: AfterEnd.TRY,
    EndCause.IMAGE: AfterEnd.TRY,  # a fresh process may well do the next image
    EndCause.LAST_STRIKE: AfterEnd.SKIP,
    EndCause.CALL: AfterEnd.END_ALIKE,  # all cells of such a job are views of one and the same call
}


@dataclass(frozen=True)
class End:
    """How a cell ended that no worker has finished: the cause, and what the result file says about it."""

    cause: EndCause
    status: Status
    reason: str


class Workers:
    """Runs the jobs of a plan.

    Args:
        recorder: records how cells end.
        limits: what a worker may use.
        run: how a worker is run for a job that has its round for itself.
    """

    def __init__(self, recorder: Recorder, limits: WorkerLimits, run: Runner) -> None:
        self._recorder = recorder
        self._limits = limits
        self._run = run
        self._turn = 0

    def alone(self, job: Job) -> None:
        """Run a job by itself; where an image ends its worker, the next one has another."""
        if not self._recorder.wants(job):
            return
        self._recorder.begin(job)
        self._complete(job)
        self._recorder.finish(job)

    def at_once(self, jobs: Sequence[Job]) -> None:
        """Run jobs that are not timed at the same time."""
        attempts = [self._attempt(job) for job in jobs]
        try:
            for job, attempt in zip(jobs, attempts, strict=True):
                self._recorder.begin(job)
                attempt.start()
            for job, attempt in zip(jobs, attempts, strict=True):
                self._complete(job, attempt)
                self._recorder.finish(job)
        finally:
            for attempt in attempts:
                attempt.close()

    def _complete(self, job: Job, started: Attempt | None = None) -> None:
        """Run a job's workers, of which the first may have been started, until its last cell has ended."""
        left, strikes = job, 0
        while left.cells:
            end = None if started else self._refused(left)
            if end is None:
                attempt, started = started or self._attempt(left), None
                finished = attempt.work()
                self._recorder.note_work(left, attempt.seconds)
                left = left.only(range(finished, len(left.cells)))
                if not left.cells:
                    break
                strikes = strikes + 1 if finished == 0 else 1
                end = End(_cause(left, strikes), *attempt.verdict())
            left = self._after(left, end)

    def in_turns(self, jobs: Sequence[Job]) -> None:
        """Run jobs of one round side by side, so that their samples are adjacent in time."""
        begun = [job for job in jobs if self._recorder.wants(job) and self._begins(job)]
        attempts = [Attempt(self._order(job, shared=True), self._limits, self._recorder) for job in begun]
        self._turn = turns.side_by_side(attempts, self._turn)
        for job, attempt in zip(begun, attempts, strict=True):
            self._account(job, attempt)
        for job in jobs:
            self._recorder.finish(job)

    def _attempt(self, job: Job) -> Attempt:
        return Attempt(self._order(job), self._limits, self._recorder, self._run)

    def _refused(self, job: Job) -> End | None:
        """Say how the first cell of a job ends before it is tried, if so."""
        reason = too_large(job, self._limits)
        if reason:
            return End(EndCause.TOO_LARGE, "skipped", reason)
        verdict = self._recorder.condemned(job.cell)
        return End(EndCause.CONDEMNED, "crash", verdict) if verdict else None

    def _after(self, job: Job, end: End) -> Job:
        """Record the end of a job's first cell, and what it means for the others; return what is left."""
        step, others = AFTER_END[end.cause], job.cells[1:]
        self._recorder.end(job, job.cells[:1], end.status, end.reason)
        if step is AfterEnd.TRY:
            return job.only(range(1, len(job.cells)))
        if step is AfterEnd.SKIP:
            reason = f"not tried after {STRIKES} in a row ended so: {end.reason}"
            self._recorder.end(job, others, "skipped", reason)
        else:
            self._recorder.end(job, others, end.status, end.reason)
        return replace(job, cells=())

    def _begins(self, job: Job) -> bool:
        """Whether a job of a round can be tried; if not, its cells end here."""
        self._recorder.begin(job)
        end = self._refused(job)
        if end:
            self._recorder.end(job, job.cells, end.status, end.reason)
        return end is None

    def _account(self, job: Job, attempt: Attempt) -> None:
        """Record the end of the cells that a worker which took turns has not finished."""
        self._recorder.note_work(job, attempt.seconds)
        left = job.cells[attempt.finished :]
        if left and left[0] == job.cell and not self._recorder.wants(job):
            left = left[1:]  # its cell has failed in another process, or proved too slow to repeat
        if left:
            self._recorder.end(job, left, *attempt.verdict())

    def _order(self, job: Job, *, shared: bool = False) -> Order:
        """Address a job to a worker, which shares its round with others or has it for itself."""
        plan = self._recorder.plan
        limit = self._limits.memory_bytes or available_memory()
        return Order(
            job=job,
            out=str(self._recorder.out.absolute()),
            manager=os.getpid(),
            memory_limit=limit if job.cell.device != "cuda" else None,
            keep_predictions=plan.keep_predictions,
            environment=dict(self._recorder.environment),
            provenance=provenance_of(job),
            settings=settings_of(job, plan.rounds),
            turns=shared,
        )


def _cause(job: Job, strikes: int) -> EndCause:
    """Say what ended with a process: images and counts fail one by one, a timed call as a whole."""
    if job.measurement not in {"quality", "complexity"}:
        return EndCause.CALL
    return EndCause.IMAGE if strikes < STRIKES else EndCause.LAST_STRIKE
