"""A run's time budget: jobs predicted to exceed it are not started, and running ones that do are stopped."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from typing import TYPE_CHECKING

from bench.run.predictions import total_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from bench.records.jobs import Job

# What has begun may outlast the budget by so much before it is ended.
GRACE_S = 20.0


class OutOfTime(KeyboardInterrupt):
    """The budget ran out during a job: an interruption, which loses nothing that is finished."""


class Budget:
    """Seconds that a run may take over all of its stages, and the jobs that do not fit.

    Args:
        end: when it is over, on the monotonic clock; infinite for no limit.
        factor: returns what to multiply predictions by on this machine.

    Attributes:
        left: the jobs of the stage in progress that have not ended.
    """

    def __init__(self, end: float = math.inf, factor: Callable[[], float] = lambda: 1.0) -> None:
        self._end = end
        self._factor = factor
        self._torn = False
        self._stage_end = math.inf
        self.left: list[Job] = []

    def take_up(self, jobs: Sequence[Job]) -> None:
        """Take note of what is to be done."""
        self.left = list(jobs)

    def end_stage_in(self, seconds: float) -> None:
        """Let a stage take so many seconds from now on; its rounds, which stay together, may take longer."""
        self._stage_end = time.monotonic() + seconds

    def admits(self, jobs: Sequence[Job]) -> bool:
        """Whether jobs that run side by side are predicted to end in time.

        Once one round of an interleaved run is left out, so are all later ones: they have to be consecutive.
        """
        in_rounds = any(job.measurement == "latency" and not job.single_pass for job in jobs)
        if in_rounds and self._torn:
            return False
        seconds = total_s(tuple(jobs)) * self._factor()
        fits = seconds <= self.time_left()
        self._torn = self._torn or (in_rounds and not fits)
        return fits and (in_rounds or time.monotonic() + seconds <= self._stage_end)

    def fits(self, predicted_s: float) -> bool:
        """Whether something with this predicted duration would end in time."""
        return predicted_s * self._factor() <= self.time_left()

    def ended(self, jobs: Sequence[Job]) -> None:
        """Take note of jobs that have ended, in whatever way."""
        self.left = [one for one in self.left if all(one is not job for job in jobs)]

    def time_left(self) -> float:
        """Seconds until it is over."""
        return self._end - time.monotonic()

    @contextlib.contextmanager
    def alarm(self) -> Iterator[None]:
        """Raise OutOfTime within a block that outlasts the budget by `GRACE_S`.

        It has to be the main thread's. Without the signals of POSIX a job that has begun is waited for.
        """
        main = threading.current_thread() is threading.main_thread()
        if math.isinf(self._end) or not main or not hasattr(signal, "setitimer"):
            yield
            return
        before = signal.signal(signal.SIGALRM, _ring)
        signal.setitimer(signal.ITIMER_REAL, max(self.time_left() + GRACE_S, 1e-3))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)


def _ring(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 -- what a handler is given
    raise OutOfTime
