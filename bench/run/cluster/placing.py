"""From the jobs of a plan to tasks: by method, then by scene, with timed jobs separate from the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from bench.records import store
from bench.records.cells import TIMED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.records.jobs import Job
    from bench.run.plan import Plan

# At least so many tasks of a method for each worker, so that none is idle for long at the end.
TASKS_PER_WORKER = 3


@dataclass(frozen=True)
class Work:
    """What one task does.

    Attributes:
        plan: the part of the plan that it measures.
        out: the results folder, absolute, the same for all workers.
        run: token of the run; a worker stops before the next image once the folder names another.
        code: the measuring code that the client runs, which must be the worker's too.
        share: workers on the same host, of which each may use its part of the memory.
        host: for timed cells, the host that they are measured on.
        memory_bytes: private memory a measuring process may ask for, where that was given.
        timeout_s: longest time for one cell, where that was given.
    """

    plan: Plan
    out: str
    run: str
    code: dict[str, str | None]
    share: int = 1
    host: str | None = None
    memory_bytes: int | None = None
    timeout_s: float | None = None

    @property
    def name(self) -> str:
        """Its group on the dashboard."""
        if self.host is not None:
            return "costs"
        return " ".join(f"{job.measurement} {job.cell.model}" for job in self.plan.jobs[:1]) or "nothing"

    @property
    def key(self) -> str:
        """What distinguishes it from the other tasks of its run."""
        return " ".join([*(store.file_name(job.cell) for job in self.plan.jobs[:1]), self.host or ""])

    @property
    def gpu(self) -> bool:
        """Whether it needs a worker with a GPU."""
        return any(job.cell.device == "cuda" for job in self.plan.jobs)


def timed(jobs: Iterable[Job]) -> list[Job]:
    """Jobs that must have their host to themselves."""
    return [job for job in jobs if job.measurement in TIMED]


def shared(jobs: Iterable[Job], workers: int) -> Iterator[Job]:
    """Jobs that may run beside each other, cut into tasks.

    A task holds images of one scene, whose truth is rendered once; neighbours have the same method, which
    a worker builds once. Scenes are cut where a method would otherwise have fewer tasks than it takes to keep
    every worker busy.

    Args:
        jobs: of one plan; timed ones are left out.
        workers: how many tasks can run at a time.
    """
    workers = max(1, workers)
    for job in jobs:
        if job.measurement == "quality":
            yield from _by_scene(job, workers)
        elif job.measurement not in TIMED:
            yield job


def _by_scene(job: Job, workers: int) -> Iterator[Job]:
    order = sorted(range(len(job.cells)), key=lambda i: (job.images[i].long, job.images[i].short))
    images = len({image.short for image in job.images})
    most = max(1, math.ceil(images / (TASKS_PER_WORKER * workers)))
    for _, scene in groupby(order, key=lambda i: job.images[i].long):
        shots = [list(cells) for _, cells in groupby(scene, key=lambda i: job.images[i].short)]
        parts = math.ceil(len(shots) / most)
        for part in range(parts):
            taken = shots[len(shots) * part // parts : len(shots) * (part + 1) // parts]
            yield job.only([index for cells in taken for index in cells])


def by_image(job: Job) -> Iterator[Job]:
    """Cut a task's job at its images, between which a worker may be told to stop."""
    if job.measurement != "quality":
        yield job
        return
    for _, cells in groupby(range(len(job.cells)), key=lambda index: job.images[index].short):
        yield job.only(list(cells))


def part(plan: Plan, jobs: Iterable[Job]) -> Plan:
    """Return a plan of some of the jobs only."""
    return replace(plan, jobs=tuple(jobs), settled=(), notes=())
