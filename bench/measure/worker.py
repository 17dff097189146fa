"""A worker: a fresh interpreter that does one job and ends, or dies with its manager.

Started by `bench.run.process`; reads one order from standard input, answers with events on standard output:
`begin` before each cell; after it `done` once its file is written, or `round` with what this process
contributes to a latency cell, which the manager puts together. It says `rests` where it waits for a word: for
another order for the same method, if it is to stay; for its turn, if it shares a round with others.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import functools
import importlib
import json
import os
import select
import signal
import sys
import threading
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from bench.machine import pages, trace
from bench.machine.address import versions
from bench.machine.affinity import pin
from bench.machine.collecting import uncollected
from bench.machine.environment import moment, worker_settings
from bench.machine.strays import TOKEN, kill_strays
from bench.measure.failures import attempt
from bench.records import store
from bench.records.cells import TIMED, Record
from bench.records.jobs import RESTS, Order
from bench.records.provenance import data_sha256, lasts
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from bench.records.jobs import Job

PR_SET_PDEATHSIG = 1


class Channel:
    """The private line to the manager; what a model prints on standard output goes to the log instead."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def send(self, **event: Any) -> None:
        """Send one event; a manager that is gone is no reason to fail, the guard ends this process."""
        with contextlib.suppress(BrokenPipeError):
            self._stream.write(json.dumps(event, allow_nan=False) + "\n")
            self._stream.flush()


def main() -> None:
    """Do the one job of this process."""
    faulthandler.enable()
    orders, channel = _take_standard_streams()
    order = Order.from_json(json.loads(_first_line(orders)))
    _end_with_manager(orders, order.manager, stays=order.stays or order.turns)
    if order.memory_limit is not None:
        _limit_memory(order.memory_limit)
    if order.job.measurement in TIMED and order.job.cell.threads is not None:
        # Before any library starts threads, which are bound as the thread that starts them is.
        pin(order.job.cell.threads)
    if order.job.cell.runtime == "eager" or order.job.measurement not in TIMED:
        # The published form is timed with the memory that torch gives everybody. Its fastest form takes what
        # there is, as does whatever is not timed.
        pages.ask_for_huge()
    status = 0
    try:
        _work(order, channel, orders)
        while order.stays:
            channel.send(event=RESTS)
            order = Order.from_json(json.loads(_first_line(orders)))
            _work(order, channel, orders)
    except store.UnwritableError as error:
        channel.send(event="unwritable", reason=str(error))
        status = 1
    except BaseException:  # noqa: BLE001 -- the log is where the manager looks for the cause
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that a model left running, or a slow teardown of a library, are no concern of ours.
    os._exit(status)


def _take_standard_streams() -> tuple[int, Channel]:
    """Keep standard input and output for the manager and give the process null and the log instead."""
    orders, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return orders, Channel(os.fdopen(answers, "w", encoding="utf-8"))


def _first_line(descriptor: int) -> bytes:
    """Read up to the first newline without buffering beyond it; the end of input means: no manager."""
    line = b""
    while not line.endswith(b"\n"):
        chunk = os.read(descriptor, 65536)
        if not chunk:
            os._exit(1)
        line += chunk
    return line


def _end_with_manager(orders: int, manager: int, *, stays: bool) -> None:
    """See to it that this process and its group end when the manager does, however that ended."""
    if os.name != "posix":
        threading.Thread(target=_exit_at_end_of, args=(orders,), daemon=True).start()
        return
    _guard(orders, stays=stays)
    if not stays:
        os.close(orders)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != manager:
            os._exit(1)


def _guard(orders: int, *, stays: bool) -> None:
    """Fork a process that kills the group, and what left it, at the end of the manager's pipe.

    A thread could not do it while a model holds the interpreter lock, and the kernel's parent-death signal
    does not reach the children of a model. This runs before any library has started threads.
    """
    if os.fork():
        return
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for descriptor in (1, 2, *range(3, 64)):
        if descriptor != orders:
            with contextlib.suppress(OSError):
                os.close(descriptor)
    if stays:
        # Further orders are the worker's to read: only the end of the pipe is waited for.
        poll = select.poll()
        poll.register(orders, 0)
        poll.poll()
    else:
        while os.read(orders, 4096):
            pass
    with contextlib.suppress(Exception):
        kill_strays(os.environ[TOKEN])
    os.killpg(0, signal.SIGKILL)


def _exit_at_end_of(descriptor: int) -> None:
    while os.read(descriptor, 4096):
        pass
    os._exit(1)


def _limit_memory(limit: int) -> None:
    """Let allocations beyond a limit fail here rather than meet the kernel's OOM killer."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    # Private writable memory: what counts against the machine, unlike reserved address space.
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _work(order: Order, channel: Channel, orders: int) -> None:
    job = order.job
    channel.send(event="begin", index=0)
    gpu = job.cell.device == "cuda"
    # Beside others that import too: the manager counts that time once for all.
    with contextlib.nullcontext() if order.turns else trace.span("import"), uncollected():
        module = importlib.import_module(f"bench.measure.{job.measurement}")
        set_numerics(job.cell.threads)
    shared = {}
    if order.turns:
        shared["turns"] = _Turns(orders, channel)
        shared["turns"].end()
    with trace.span("machine state"):
        before = moment(gpu=gpu)
    # `begin` does what the cells of a job have in common, which may be all of it, and returns what gives the
    # values of each cell by its index: a failure in common is every cell's.
    ready = attempt(lambda: module.begin(order, **shared))
    for index, cell in enumerate(job.cells):
        if index:
            channel.send(event="begin", index=index)
        outcome = ready if ready.status != "ok" else attempt(functools.partial(ready.value, index))
        record = Record(
            cell,
            outcome.status,
            outcome.reason,
            values=outcome.value if outcome.status == "ok" else {},
            environment={
                **order.environment,
                **worker_settings(),
                "before": before,
                "after": moment(gpu=gpu),
            },
            provenance={
                **order.provenance,
                **_data(job, index),
                "settings": order.settings[cell.measurement],
            },
        )
        if cell.measurement == "latency":
            channel.send(event="round", index=index, record=asdict(record))
        else:
            with trace.span("store"):
                if not _stands(Path(order.out), record):
                    store.write(Path(order.out), record)
            channel.send(event="done", index=index, status=record.status, reason=record.reason)
        with trace.span("machine state"):
            before = moment(gpu=gpu)
        trace.write(Path(order.out), "cell", model=cell.model, measurement=cell.measurement)


class _Turns:
    """Asks the manager for this process's turns."""

    def __init__(self, orders: int, channel: Channel) -> None:
        self._orders = orders
        self._channel = channel

    def next(self) -> int:
        """Wait for the next turn; returns its number."""
        return int(self._rest(wants=True)["turn"])

    def end(self) -> None:
        """Want no more, and wait until nobody does."""
        self._rest(wants=False)

    def _rest(self, *, wants: bool) -> dict[str, Any]:
        self._channel.send(event=RESTS, wants=wants)
        word: dict[str, Any] = json.loads(_first_line(self._orders))
        return word


def set_numerics(threads: int | None) -> None:
    """Let torch use so many threads, and compute in fp32 what is called fp32."""
    import torch

    torch.set_num_threads(threads or 1)
    # What is called fp32 is computed in fp32: no TensorFloat-32 or bfloat16 in its place.
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def _stands(out: Path, record: Record) -> bool:
    """Whether another process has judged the same image meanwhile, from the same code, weights and data.

    On a cluster the tasks of a command that was killed go on with what they have in hand, while those of the
    command that resumes it begin the same cell elsewhere.
    """
    path = store.path_of(out, record.cell)
    if record.cell.measurement != "quality" or record.status != "ok" or not path.is_file():
        return False
    if store.validate(path):
        return False
    found = store.read(path)
    if found.status != "ok" or not lasts(found, record.provenance):
        return False
    # One without LPIPS is measured again once LPIPS is available.
    return (found.values["lpips"] is None) == (record.values["lpips"] is None)


def _data(job: Job, index: int) -> dict[str, str | None]:
    """Hash of the raw files behind a cell and, where they have an address, of their versions there."""
    try:
        facts = {"data_sha256": data_sha256(job.fetch(index))}
        version = versions(job.sources(index))
    except (OSError, InputError):
        return {"data_sha256": None}
    return facts if version is None else {**facts, "data_version": version}


if __name__ == "__main__":
    main()
