"""One worker process from start to end, as its manager sees it: started, fed, waited for, killed, cleaned up.

The worker has a session and process group of its own. Its standard input stays open as long as the manager
lives; its standard output carries one JSON object per line; whatever it or a model prints goes to standard
error, the end of which is kept. The manager waits on a queue: nothing polls.

`run` starts a worker for one order. A `Resident` keeps one for the orders that follow, as long as they are
for the same method in the same form. A `Worker` can receive messages in between, which is how several take
turns.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.machine import caches, git
from bench.machine.environment import THREAD_VARIABLES
from bench.machine.strays import TOKEN, kill_strays
from bench.records.cells import TIMED
from bench.records.jobs import RESTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.records.jobs import Order

__all__ = [
    "GRACE_S",
    "TOKEN",
    "Ending",
    "Event",
    "Resident",
    "Worker",
    "kill_strays",
    "run",
]

TAIL_BYTES = 4096
# Between asking a worker to end and killing it.
GRACE_S = 5.0
# Where glibc's thresholds stand after a process has freed a block of 32 MB, as it does with large frames.
# It moves them at run time, by what was freed before, unless they are given: of two processes that do the
# same on a small frame, one has three times the page faults and takes half as long again.
STEADY_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}
# Threads of a process that is not timed leave the core at once when they wait: another one may have work.
YIELDING = {"OMP_WAIT_POLICY": "PASSIVE"}
Event = dict[str, Any]


@dataclass(frozen=True)
class Ending:
    """How a worker ended.

    Attributes:
        code: its exit status, negative for a signal.
        timed_out: whether it was stopped because it was silent too long.
        tail: the last lines that it, or the model, wrote.
    """

    code: int
    timed_out: bool
    tail: str


def run(
    order: Order, *, timeout_s: float, on_event: Callable[[Event], None], grace_s: float = GRACE_S
) -> Ending:
    """Start a worker, pass on its events until it ends, and leave no process of its group behind.

    Args:
        order: what it is to do.
        timeout_s: longest silence between two of its events.
        on_event: called in this thread with every event.
        grace_s: time between SIGTERM and SIGKILL once it timed out.
    """
    worker = Worker(order)
    ended = False
    try:
        worker.tell(order.to_json())
        ended = worker.attend(on_event, timeout_s)
        if not ended:
            worker.ask_to_end(grace_s)
    finally:
        worker.kill()
    worker.pass_on_the_rest(on_event)
    return worker.ending(timed_out=not ended)


class Resident:
    """Keeps a worker, and so the method that it has built, from one order to the next; for one thread."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._held: tuple[Any, ...] = ()
        self.started = 0

    def run(
        self, order: Order, *, timeout_s: float, on_event: Callable[[Event], None], grace_s: float = GRACE_S
    ) -> Ending:
        """Like the function `run`, but keep a worker that has finished its order for the next one."""
        held, order = _method_of(order), replace(order, stays=True)
        if self._worker is None or self._held != held or not self._worker.alive():
            self.end()
            self._worker, self._held = Worker(order), held
            self.started += 1
        rests = False
        try:
            self._worker.tell(order.to_json())
            ended = self._worker.attend(on_event, timeout_s)
            rests = ended and self._worker.alive()
            if not ended:
                self._worker.ask_to_end(grace_s)
        finally:
            worker = self._worker
            if not rests:
                self.end()
        if rests:
            return Ending(0, timed_out=False, tail="")
        worker.pass_on_the_rest(on_event)
        return worker.ending(timed_out=not ended)

    def end(self) -> None:
        """End the worker, if there is one."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None


def _method_of(order: Order) -> tuple[Any, ...]:
    """Identify what a worker has built: orders that share it can follow each other in one process."""
    job, cell = order.job, order.job.cell
    form = (cell.model, cell.measurement, cell.device, cell.runtime, cell.precision, cell.threads)
    return (
        *form,
        job.weights,
        job.area_fraction,
        job.part_of,
        order.out,
        order.provenance.get("weights_sha256"),
        order.provenance.get("model_sha256"),
    )


class Worker:
    """A worker process, from its start until nothing of it is left.

    Attributes:
        rest: its message when it last came to rest.
    """

    def __init__(self, order: Order) -> None:
        self.rest: Event = {}
        self._token = secrets.token_hex(8)
        self._inbox: queue.Queue[Event | int] = queue.Queue()
        self._process = _start(order, self._token)
        self._readers = _Readers(self._process, self._inbox)

    def alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def tell(self, word: Event) -> None:
        """Send it a message; one that has ended does not receive it."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(word).encode() + b"\n")
            self._process.stdin.flush()

    def attend(self, on_event: Callable[[Event], None], timeout_s: float) -> bool:
        """Pass events on until the worker ends or rests; False if it was silent too long."""
        while True:
            try:
                event = self._inbox.get(timeout=timeout_s)
            except queue.Empty:
                return False
            if isinstance(event, int):
                return True
            if event.get("event") == RESTS:
                self.rest = event
                return True
            on_event(event)

    def ask_to_end(self, grace_s: float) -> None:
        """Send SIGTERM to its group and wait a while."""
        _signal_group(self._process, signal.SIGTERM)
        _wait(self._process, grace_s)

    def kill(self) -> None:
        """Leave no process of its group behind."""
        _signal_group(self._process, getattr(signal, "SIGKILL", signal.SIGTERM))
        self._process.wait()
        kill_strays(self._token)
        self._readers.finish()

    def pass_on_the_rest(self, on_event: Callable[[Event], None]) -> None:
        """Pass on what arrived between the last check and the end: it still counts."""
        while not self._inbox.empty():
            event = self._inbox.get()
            if not isinstance(event, int) and event.get("event") != RESTS:
                on_event(event)

    def ending(self, *, timed_out: bool) -> Ending:
        """Say how it ended, once it has."""
        return Ending(self._process.returncode, timed_out, self._readers.tail())


def measuring_environment(
    threads: int, token: str, *, timed: bool, places: Iterable[str] = ()
) -> dict[str, str]:
    """Return the environment variables of a process that measures, be it a worker or a seat of the gate.

    Args:
        threads: CPU threads that its method may use.
        token: by which processes that it leaves behind are found.
        timed: whether its time or memory is measured.
        places: further folders for the import path.
    """
    paths = [*(path for path in sys.path if path), *places]
    return {
        **git.environment(),
        caches.VARIABLE: str(caches.place().absolute()),  # one for all, made before any of them
        **dict.fromkeys(THREAD_VARIABLES, str(threads)),
        # A user's wish for faster arithmetic elsewhere must not turn fp32 into something less here.
        "ONEDNN_DEFAULT_FPMATH_MODE": "STRICT",
        **(STEADY_ALLOCATOR if timed else YIELDING),
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        TOKEN: token,
    }


def _start(order: Order, token: str) -> subprocess.Popen[bytes]:
    timed = order.job.measurement in TIMED
    places = [str(Path.cwd())]
    environment = measuring_environment(order.job.cell.threads or 1, token, timed=timed, places=places)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "bench.measure.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )


class _Readers:
    """Threads that read the worker's two outputs and wait for its end."""

    def __init__(self, process: subprocess.Popen[bytes], inbox: queue.Queue[Event | int]) -> None:
        self._process = process
        self._inbox = inbox
        self._tail = b""
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._events, self._log, self._end)
        ]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Read to the end of both pipes and close them; a pipe that someone still holds is given up."""
        for thread in self._threads:
            thread.join(timeout=1.0)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            held = pipe in {self._process.stdout, self._process.stderr} and any(
                thread.is_alive() for thread in self._threads
            )
            if pipe is not None and not held:
                with contextlib.suppress(OSError):
                    pipe.close()

    def tail(self) -> str:
        """Return the end of what was printed."""
        return self._tail.decode(errors="replace").strip()

    def _events(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                self._inbox.put(json.loads(line))

    def _log(self) -> None:
        assert self._process.stderr is not None
        descriptor = self._process.stderr.fileno()
        while chunk := os.read(descriptor, 65536):
            self._tail = (self._tail + chunk)[-TAIL_BYTES:]

    def _end(self) -> None:
        self._inbox.put(self._process.wait())


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Signal the worker's whole group, which outlives the worker if it left children behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, number)
        else:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
