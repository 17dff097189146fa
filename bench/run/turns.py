"""Whose turn it is: workers of one interleaved round, alive together, of which one computes at a time.

A worker is opened, makes its cold call and warms up; then it waits. Once all of a group wait they take
short turns, round and round, so that what the machine does for longer than a turn hits all alike. Then each
does what is left.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from bench.run.predictions import IMPORT_BYTES
from bench.run.span import run_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bench.records.jobs import Job
    from bench.run.attempt import Attempt

MOST_TOGETHER = 12


def groups(jobs: Sequence[Job], available: Callable[[], int]) -> Iterator[list[Job]]:
    """Split jobs, in their order, into those whose workers take turns; a job of any other kind stays alone.

    Args:
        jobs: what is left to do.
        available: memory in bytes that can be had now; asked before each group. Workers that wait may take
            half of it, and together with the largest that computes all of it.
    """
    for (shared, *_), some in groupby(enumerate(jobs), key=lambda one: _round_of(*one)):
        left = [job for _, job in some]
        while left:
            count = _fit(left, available()) if shared else 1
            yield left[:count]
            left = left[count:]


def _round_of(index: int, job: Job) -> tuple[object, ...]:
    """Name the round that a job shares with its neighbours of one interleaved run, or itself."""
    shares = job.measurement == "latency" and not job.single_pass and job.cell.device == "cpu"
    return (True, job.round, *run_of(job)) if shares else (False, index)


def _fit(jobs: Sequence[Job], available: int) -> int:
    count, largest = 0, 0
    for job in jobs[:MOST_TOGETHER]:
        largest = max(largest, job.predicted_bytes or 0)
        waiting = count * IMPORT_BYTES
        if count and (waiting > available / 2 or waiting + largest > available):
            break
        count += 1
    return count


def take_turns(attempts: Iterable[Attempt], first: int) -> int:
    """Let workers take turns until none wants another.

    Args:
        attempts: the workers; one that has ended wants none.
        first: number of the first turn; no two groups of a round share a number.

    Returns:
        The number after the last one.
    """
    number = first
    left = [attempt for attempt in attempts if attempt.wants]
    while left:
        for attempt in order(left, number - first):
            attempt.turn(number)
        number += 1
        left = [attempt for attempt in left if attempt.wants]
    return number


def order(those: list[Any], number: int) -> list[Any]:
    """Return the order in which some have their turns of a number: each time the next one begins.

    So each comes first, last and between equally often, and always after another: the caches then hold what
    another left there. Two are never turned round, since one would follow itself.
    """
    start = number % len(those) if len(those) > 2 else 0
    return [*those[start:], *those[:start]]
