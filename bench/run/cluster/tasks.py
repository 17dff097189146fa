"""What a Dask worker does: it measures cells in processes of its own and writes their files itself.

Only a short account goes back through the scheduler.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from bench.machine.environment import available_memory, memory_limit
from bench.run import process
from bench.run.attempt import WorkerLimits
from bench.run.cluster.events import CellEnded, JobBegun, JobFinished, to_json
from bench.run.cluster.hosts import Turn, facts, label
from bench.run.cluster.placing import by_image, part
from bench.run.cluster.strikes import Strikes
from bench.run.manager import Execution
from bench.run.resume import Resume
from bench.run.span import Settled
from bench.run.workers import STRIKES
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.records.cells import Cell
    from bench.records.jobs import Job
    from bench.run.attempt import Runner
    from bench.run.cluster.events import Event
    from bench.run.cluster.placing import Work
    from bench.run.plan import Plan

RUN_FILE = ".run"
# Ends of a measuring process, not of a cell alone.
FATAL = ("timeout", "crash", "oom-host")
_of_thread = threading.local()


@dataclass
class Account:
    """What a task has done.

    Attributes:
        worker: who did it.
        host: where.
        cells: cell, status and reason of all that it ended.
        kept: how many existed already, written by a worker that is gone.
        retries: how often its cells had been begun before by such workers.
        seconds: its wall time, the waiting below included.
        waited_s: seconds until no other process was timing on the host.
        built: measuring processes started, which build a method each.
    """

    worker: str
    host: str
    cells: list[tuple[Cell, str, str | None]] = field(default_factory=list)
    kept: int = 0
    retries: int = 0
    seconds: float = 0.0
    waited_s: float = 0.0
    built: int = 0


class _Notes:
    """Progress of an execution: kept for the account, and sent to the client while it runs.

    Args:
        account: where ends of cells are noted.
        tell: passes an event on to the client.
    """

    def __init__(self, account: Account, tell: Callable[[Event], None]) -> None:
        self._account = account
        self._tell = tell

    def start(self, jobs: Sequence[Job]) -> None:
        """Nothing to note."""

    def begin(self, job: Job) -> None:
        """Tell that a job begins."""
        self._tell(JobBegun(job))

    def cell(self, job: Job, cell: Cell, status: str, reason: str | None) -> None:
        """Note the end of a cell; of one that is measured in rounds, the last end counts."""
        self._account.cells = [one for one in self._account.cells if one[0] != cell]
        self._account.cells.append((cell, status, reason))
        self._tell(CellEnded(job, cell, status, reason))

    def finish(self, job: Job) -> None:
        """Tell that a job has ended."""
        self._tell(JobFinished(job))

    def stop(self) -> None:
        """Nothing to note."""


def _teller(work: Work) -> Callable[[Event], None]:
    """Report the progress of a long task to the client: timed work is a single task on each host."""
    from distributed import get_worker

    try:
        worker = get_worker() if work.host else None
    except ValueError:  # outside a worker there is nobody to tell
        worker = None
    if worker is None:
        return lambda _: None
    return lambda event: worker.log_event(work.run, to_json(event))


def measure(work: Work, worker: str | None = None) -> Account:
    """Measure the cells of a task; those that a dead worker has finished are kept.

    Raises:
        InputError: the worker runs other code than the client, is on the wrong host, or cannot write.
    """
    begun = time.monotonic()
    _check(work)
    drop_dask_settings()
    account = Account(worker or _address(), label())
    turn = Turn()
    with turn.alone() if work.host else turn.together():
        account.waited_s = time.monotonic() - begun
        if work.host:
            _measure_alone(work, account)
        else:
            _measure_beside(work, account)
    account.seconds = time.monotonic() - begun
    return account


class _Over(Exception):  # noqa: N818 - nothing went wrong
    """The run that sent the task has ended."""


class _Watch(Strikes):
    """Also end an execution before its next cell once no client waits for it."""

    def __init__(self, work: Work) -> None:
        super().__init__(Path(work.out))
        self._work = work

    def begin(self, cell: Cell) -> None:
        """Leave a mark, unless the run is over."""
        if not wanted(self._work):
            raise _Over
        super().begin(cell)


def _measure_alone(work: Work, account: Account) -> None:
    if wanted(work):
        _resident().end()
        _execute(work, part(work.plan, work.plan.jobs), account, process.run)
        account.built += len(work.plan.jobs)


def _measure_beside(work: Work, account: Account) -> None:
    resident = _resident()
    before = resident.started
    for job in (one for whole in work.plan.jobs for one in by_image(whole)):
        if not wanted(work):
            break
        row = _row(work, job)
        plan = part(work.plan, (job,))
        if row.length < STRIKES:
            stays = job.measurement == "quality"
            _execute(work, plan, account, resident.run if stays else process.run)
            row.add([one for one in account.cells if one[0] in job.cells])
        else:
            reason = f"not tried after {STRIKES} in a row ended so: {row.reason}"
            jobs = Resume(plan, Path(work.out), account.host).remaining()
            left = [cell for one in jobs for cell in one.cells]
            ends = tuple(Settled(cell, "skipped", reason) for cell in left)
            _execute(work, replace(plan, jobs=(), settled=ends), account, process.run)
    account.built += resident.started - before


@dataclass
class _Row:
    """How many images of one method have ended their measuring process one after another, and how.

    A worker counts its own: in a run on several, each gives a method that hangs its three chances.
    """

    of: tuple[Any, ...]
    length: int = 0
    reason: str | None = None

    def add(self, ends: Sequence[tuple[Cell, str, str | None]]) -> None:
        """Count an image."""
        fatal = [reason for _, status, reason in ends if status in FATAL]
        if ends and len(fatal) == len(ends):
            self.length, self.reason = self.length + 1, fatal[0]
        elif ends:
            self.length = 0


def _row(work: Work, job: Job) -> _Row:
    cell = job.cell
    of = (work.run, cell.measurement, cell.model, cell.device, cell.runtime, cell.precision, cell.threads)
    row: _Row | None = getattr(_of_thread, "row", None)
    if row is None or row.of != of:
        _of_thread.row = row = _Row(of)
    return row


def _execute(work: Work, plan: Plan, account: Account, run: Runner) -> None:
    watch = _Watch(work)
    execution = Execution(
        plan,
        Path(work.out),
        WorkerLimits(timeout_s=work.timeout_s, memory_bytes=_memory(work)),
        _Notes(account, _teller(work)),
        worker=run,
        watch=watch,
        place={"host": account.host},
    )
    with contextlib.suppress(_Over):
        account.kept += execution.run().kept
    account.retries += watch.seen


def wanted(work: Work) -> bool:
    """Whether the run that sent a task is still running."""
    with contextlib.suppress(OSError):
        return (Path(work.out) / RUN_FILE).read_text(encoding="utf-8") == work.run
    return False


def _check(work: Work) -> None:
    own = facts()["code"]
    other = [name for name, value in work.code.items() if own.get(name) != value]
    if other:
        raise InputError(
            f"a worker on {label()} has a different {' and '.join(other)} from this command: install the "
            "same version and the same constraints.txt there"
        )
    if work.host and work.host != label():
        raise InputError(f"cells of the host {work.host} were sent to {label()}: start them again")


def drop_dask_settings() -> None:
    """Remove from this process's environment what Dask's nanny has set for itself.

    Measuring processes inherit it. Above all, its setting of glibc's allocator gives freed memory back to the
    kernel at once: a network then touches fresh pages in every layer, and takes up to twice as long.
    """
    import dask

    for name, value in dask.config.get("distributed.nanny.pre-spawn-environ", {}).items():
        if os.environ.get(name) == str(value):
            del os.environ[name]


def _memory(work: Work) -> int | None:
    """Return this worker's part of the host's memory, if it is there."""
    if work.memory_bytes is not None or work.host:
        return work.memory_bytes
    whole = min(memory_limit() or psutil.virtual_memory().total, psutil.virtual_memory().total)
    return min(available_memory(), whole // work.share)


def _resident() -> process.Resident:
    """Return this thread's own: a worker with several threads measures several methods at a time."""
    if not hasattr(_of_thread, "resident"):
        _of_thread.resident = process.Resident()
    resident: process.Resident = _of_thread.resident
    return resident


def _address() -> str:
    from distributed import get_worker

    return str(get_worker().name)
