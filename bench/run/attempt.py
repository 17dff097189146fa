"""One attempt at a job: a worker process watched to its end, and what that end means."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bench.machine.endings import last_words, signal_name
from bench.machine.environment import oom_kills, scrub
from bench.records.cells import Cell, Record
from bench.run import process
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.records.cells import Status
    from bench.records.jobs import Job, Order

UNKNOWN_TIMEOUT_S = 1800.0
LEAST_TIMEOUT_S = 300.0
TIMEOUT_FACTOR = 20.0


@dataclass(frozen=True)
class WorkerLimits:
    """What a worker may use.

    Attributes:
        timeout_s: longest time for one cell (or one round of it); None for twenty times the prediction, at
            least five minutes.
        memory_bytes: private memory a worker may ask for; None for what is available when it starts.
        grace_s: time between asking a worker that has timed out to end and killing it.
    """

    timeout_s: float | None = None
    memory_bytes: int | None = None
    grace_s: float = process.GRACE_S


class Runner(Protocol):
    """Runs a worker for an order: `bench.run.process.run`, or that of a `Resident`."""

    def __call__(
        self, order: Order, *, timeout_s: float, on_event: Callable[[process.Event], None], grace_s: float
    ) -> process.Ending:
        """Run it until the order is done or the worker has ended."""


class Receiver(Protocol):
    """Receives what a worker does."""

    def take_begin(self, cell: Cell) -> None:
        """Take note that the work on a cell begins."""

    def take_round(self, job: Job, record: Record) -> None:
        """Take a process's share of a latency cell."""

    def take_done(self, job: Job, cell: Cell, status: Status, reason: str | None) -> None:
        """Take note of a cell whose file the worker has written."""


class Attempt:
    """One worker process measuring the cells of a job: all at once by `work`, or in turns with others.

    One that was started and takes no turns works beside others until `work` waits for its end.

    Args:
        order: what it is to do.
        limits: what it may use.
        receiver: takes what it has finished.
        run: how it is run by `work`.

    Attributes:
        seconds: how long it was at work; neither imports beside others nor waiting for its turn count.
    """

    def __init__(
        self, order: Order, limits: WorkerLimits, receiver: Receiver, run: Runner = process.run
    ) -> None:
        job = order.job
        self._run = run
        self._order = order
        self._limits = limits
        self._receiver = receiver
        self._finished = 0
        self._worker: process.Worker | None = None
        self.seconds = 0.0
        self._ending: process.Ending | None = None
        self._kills = oom_kills()
        per_cell = (job.predicted_s or 0.0) / len(job.cells)
        guess = max(LEAST_TIMEOUT_S, TIMEOUT_FACTOR * per_cell) if job.predicted_s else UNKNOWN_TIMEOUT_S
        self._timeout_s = limits.timeout_s or guess

    def work(self) -> int:
        """Run the worker to its end; returns the number of cells it finished, always the first ones.

        Raises InputError when the worker could not write its results.
        """
        if self._worker is not None:
            self._attend()
            return self._finished
        begun = time.monotonic()
        self._ending = self._run(
            self._order, timeout_s=self._timeout_s, on_event=self._take, grace_s=self._limits.grace_s
        )
        self.seconds += time.monotonic() - begun
        return self._finished

    def start(self) -> None:
        """Start a worker; one that will take turns imports."""
        self._worker = process.Worker(self._order)
        self._worker.tell(self._order.to_json())

    def arrive(self) -> None:
        """Wait for a started worker until it has finished its imports."""
        self._attend()
        self.seconds = 0.0

    def warm_up(self) -> None:
        """Let a waiting worker build its method, make the cold call and warm up."""
        self._go_on()

    def finish(self) -> None:
        """Let a waiting worker do what is left after its turns."""
        self._go_on()

    def turn(self, number: int) -> None:
        """Give a waiting worker its turn."""
        self._say({"turn": number})

    @property
    def wants(self) -> bool:
        """Whether the worker waits for a turn, rather than for the end of all turns."""
        return self._worker is not None and self.waits and bool(self._worker.rest["wants"])

    def close(self) -> None:
        """End a worker completely, whatever it is doing."""
        if self._worker is not None and self.waits:
            self._worker.kill()
            self._ending = self._worker.ending(timed_out=False)

    @property
    def waits(self) -> bool:
        """Whether the worker waits for its turn."""
        return self._worker is not None and self._ending is None

    @property
    def finished(self) -> int:
        """How many cells the worker has finished; they are the first ones."""
        return self._finished

    def _go_on(self) -> None:
        if self.waits:
            self._say({})

    def _say(self, word: process.Event) -> None:
        assert self._worker is not None
        self._worker.tell(word)
        self._attend()

    def _attend(self) -> None:
        worker = self._worker
        assert worker is not None
        begun = time.monotonic()
        heard = worker.attend(self._take, self._timeout_s)
        if not (heard and worker.alive()):
            if not heard:
                worker.ask_to_end(self._limits.grace_s)
            worker.kill()
            worker.pass_on_the_rest(self._take)
            self._ending = worker.ending(timed_out=not heard)
        self.seconds += time.monotonic() - begun

    def _take(self, event: process.Event) -> None:
        kind, job = event.get("event"), self._order.job
        if kind == "unwritable":
            raise InputError(str(event["reason"]))
        if kind == "begin":
            self._receiver.take_begin(job.cells[event["index"]])
        elif kind == "round":
            raw = event["record"]
            self._receiver.take_round(job, Record(**{**raw, "cell": Cell(**raw["cell"])}))
            self._finished += 1
        elif kind == "done":
            self._receiver.take_done(job, job.cells[event["index"]], event["status"], event["reason"])
            self._finished += 1

    def verdict(self) -> tuple[Status, str]:
        """Turn the worker's end, before its last cell, into a status and a reason."""
        ending = self._ending
        assert ending is not None
        words = scrub(last_words(ending.tail))
        log = f"; its log ends: {words}" if words else ""
        if ending.timed_out:
            return "timeout", f"no result within {self._timeout_s:g} s, so the process was stopped{log}"
        if ending.code == -getattr(signal, "SIGKILL", 9) and self._memory_ran_out():
            return "oom-host", f"the kernel killed the process (SIGKILL) because memory ran out{log}"
        if ending.code < 0:
            return "crash", f"the process was killed by {signal_name(ending.code)}{log}"
        return "crash", f"the process ended with exit status {ending.code} before it returned a result{log}"

    def _memory_ran_out(self) -> bool:
        now = oom_kills()
        return self._kills is not None and now is not None and now > self._kills
