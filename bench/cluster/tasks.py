"""What a Dask worker does: it measures cells in processes of its own and writes their files itself.

Only a short account goes back through the scheduler.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from bench import process
from bench.attempt import Limits
from bench.cluster.hosts import Turn, facts, label
from bench.cluster.placing import by_picture, part
from bench.cluster.strikes import Strikes
from bench.environment import available_memory, memory_limit
from bench.manager import Execution
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.cells import Cell
    from bench.cluster.placing import Work
    from bench.jobs import Job

RUN_FILE = ".run"
_of_thread = threading.local()


@dataclass
class Account:
    """What a task has done.

    Attributes:
        worker: who did it.
        host: where.
        cells: cell, status and reason of all that it ended.
        kept: how many were there already, written by a worker that is no more.
        retries: how often its cells had been begun before by such workers.
        seconds: its wall time, the waiting below included.
        waited_s: until nobody timed anything on the host.
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
    """Progress of an execution, kept for the account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def start(self, jobs: Sequence[Job]) -> None:
        """Nothing to note."""

    def begin(self, job: Job) -> None:
        """Nothing to note."""

    def cell(self, job: Job, cell: Cell, status: str, reason: str | None) -> None:  # noqa: ARG002
        """Note the end of a cell; of one that is measured in rounds, the last end counts."""
        self._account.cells = [one for one in self._account.cells if one[0] != cell]
        self._account.cells.append((cell, status, reason))

    def finish(self, job: Job) -> None:
        """Nothing to note."""

    def stop(self) -> None:
        """Nothing to note."""


def measure(work: Work, worker: str | None = None) -> Account:
    """Measure the cells of a task; those that a dead worker has finished are kept.

    Raises:
        InputError: the worker runs other code than the client, stands on the wrong host, or cannot write.
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


def _measure_alone(work: Work, account: Account) -> None:
    if wanted(work):
        _resident().end()
        _execute(work, work.plan.jobs, account, process.run)
        account.built += len(work.plan.jobs)


def _measure_beside(work: Work, account: Account) -> None:
    resident = _resident()
    before = resident.started
    for job in (one for whole in work.plan.jobs for one in by_picture(whole)):
        if not wanted(work):
            break
        stays = job.measurement == "quality"
        _execute(work, (job,), account, resident.run if stays else process.run)
    account.built += resident.started - before


def _execute(work: Work, jobs: Sequence[Job], account: Account, run: Any) -> None:
    strikes = Strikes(Path(work.out))
    execution = Execution(
        part(work.plan, jobs),
        Path(work.out),
        Limits(timeout_s=work.timeout_s, memory_bytes=_memory(work)),
        _Notes(account),
        worker=run,
        watch=strikes,
        place={"host": account.host},
    )
    summary = execution.run()
    account.kept += summary.kept
    account.retries += strikes.seen


def wanted(work: Work) -> bool:
    """Whether the run that sent a task still goes on."""
    with contextlib.suppress(OSError):
        return (Path(work.out) / RUN_FILE).read_text(encoding="utf-8") == work.run
    return False


def _check(work: Work) -> None:
    own = facts()["code"]
    other = [name for name, value in work.code.items() if own.get(name) != value]
    if other:
        raise InputError(
            f"a worker on {label()} runs another {' and '.join(other)} than this command: install the same "
            "version and the same constraints.txt there"
        )
    if work.host and work.host != label():
        raise InputError(f"cells of the host {work.host} were sent to {label()}: start them again")


def drop_dask_settings() -> None:
    """Take out of this process's environment what Dask's nanny has put there for its own sake.

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
