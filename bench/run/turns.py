"""The measuring engine: several live processes, of which only one computes at a time.

A process is started, makes its cold call and warms up; then it waits. Once all of a group wait they take
short turns in rotation, so that disturbances longer than a turn affect all equally. Then each does what is
left. A run's processes are workers of this tree (`bench.run.attempt`), those of the gate are seats of other
revisions (`bench.gate.sequence`).
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Protocol, TypeVar

from bench.machine import trace
from bench.run.predictions import IMPORT_BYTES, is_known
from bench.run.span import run_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bench.records.jobs import Job

T = TypeVar("T")
MOST_TOGETHER = 12
# Share of the memory available that two processes which score images may be predicted to take.
PAIR_SHARE = 0.8
# Runtimes that do not return the memory of a call to the system before the next one.
KEEPING = ("onnxruntime", "openvino")


def groups(jobs: Sequence[Job], available: Callable[[], int]) -> Iterator[list[Job]]:
    """Split jobs, in their order, into those whose workers are alive together; most stay alone.

    The processes of a round take turns. Those that score images work at the same time, two by two: nothing of
    them is timed, and what one does on a single core leaves the others to its neighbour.

    Args:
        jobs: what is left to do.
        available: memory in bytes that is available now; asked before each group. Workers that wait may take
            half of it, and together with the largest that computes all of it.
    """
    for (shared, *_), some in groupby(enumerate(jobs), key=lambda one: _shared(*one)):
        left = [job for _, job in some]
        while left:
            count = {"round": _fit, "scores": _pair}[str(shared)](left, available()) if shared else 1
            yield left[:count]
            left = left[count:]


def _shared(index: int, job: Job) -> tuple[object, ...]:
    """Name what a job shares with its neighbours, a round of an interleaved run or the machine, or itself."""
    if job.cell.device == "cpu" and job.measurement == "latency" and not job.single_pass:
        return ("round", job.round, *run_of(job))
    if job.cell.device == "cpu" and job.measurement == "quality" and is_known(job.cell.model):
        return ("scores",)
    return (None, index)


def _pair(jobs: Sequence[Job], available: int) -> int:
    return 2 if sum(job.predicted_bytes or 0 for job in jobs[:2]) <= PAIR_SHARE * available else 1


def _fit(jobs: Sequence[Job], available: int) -> int:
    kept = most_more = 0
    for count, job in enumerate(jobs[:MOST_TOGETHER]):
        own = _kept(job)
        most_more = max(most_more, (job.predicted_bytes or 0) - own)
        if count and (kept > available / 2 or kept + own + most_more > available):
            return count
        kept += own
    return min(len(jobs), MOST_TOGETHER)


def _kept(job: Job) -> int:
    """Bytes that a process holds while it waits: some runtimes keep their buffers for the next call."""
    return max(IMPORT_BYTES, job.predicted_bytes or 0) if job.cell.runtime in KEEPING else IMPORT_BYTES


class Member(Protocol):
    """A process that computes only when told to: a worker of this tree, or a seat of another revision."""

    def start(self) -> None:
        """Start it; several start at the same time."""

    def arrive(self) -> None:
        """Wait until it has done what it does beside others, as importing."""

    def warm_up(self) -> None:
        """Let it make its first calls, alone."""

    @property
    def wants(self) -> bool:
        """Whether it wants a turn; one that has ended wants none."""

    def turn(self, number: int) -> None:
        """Give it the turn of a number, and wait until it is over."""

    def finish(self) -> None:
        """Let it do what is left, alone."""

    def close(self) -> None:
        """End it completely, whatever it is doing."""


def side_by_side(members: Sequence[Member], first: int = 0) -> int:
    """Let processes measure side by side: start together, warm up, take turns and finish one after another.

    Args:
        members: the processes.
        first: number of the first turn; no two groups of a round share a number.

    Returns:
        The number after the last one. Whatever happens, no member is left.
    """
    try:
        with trace.span("starting workers"):
            for member in members:
                member.start()
            for member in members:
                member.arrive()
        for member in members:
            member.warm_up()
        number = take_turns(members, first)
        for member in members:
            member.finish()
    finally:
        for member in members:
            member.close()
    return number


def take_turns(members: Iterable[Member], first: int) -> int:
    """Let processes take turns until none wants another; returns the number after that of the last turn."""
    number = first
    left = [member for member in members if member.wants]
    while left:
        for member in order(left, number - first):
            member.turn(number)
        number += 1
        left = [member for member in left if member.wants]
    return number


def order(those: Sequence[T], number: int) -> list[T]:
    """Return the order in which all have their turns of a number.

    None follows itself, and over the numbers each follows each of the others as often as the next, since what
    a turn leaves in the caches changes the next one by some per cent. Of three: A B C, A C B. These are
    Williams's rows for an even count (Australian Journal of Scientific Research A 2, 1949), and for an odd
    one Walecki's cycles: the same rows of all but the first, who begins each time.
    """
    fixed, moving = those[: len(those) % 2], those[len(those) % 2 :]
    # Two by themselves are never turned round, since one would follow itself.
    start = 0 if len(those) == 2 else number
    zigzag = [(step + 1) // 2 if step % 2 else -(step // 2) for step in range(len(moving))]
    return [*fixed, *(moving[(start + step) % len(moving)] for step in zigzag)]
