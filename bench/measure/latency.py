"""Latency: one process's share of an interleaved run.

Each process builds the method, times the first (cold) call apart, checks its output, warms up until two
calls agree, and then takes samples, which are kept raw. Processes of one round take them in short turns, so
that what slows the machine down for longer than a turn hits all alike. Statistics over processes are made
elsewhere.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from bench.machine import pages, trace
from bench.machine.address import local
from bench.measure import subjects
from bench.measure.correctness import check_own_input
from bench.measure.golden import check_golden
from bench.measure.inputs import cost_frame, fit
from bench.measure.memory import Ledger
from llpacknet.raw.read import read_raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.measure.subjects import Subject
    from bench.records.jobs import Job, Order
    from llpacknet.raw.frame import RawFrame

# Warm-up ends when a call differs by less than this, relatively, from the one before it.
STABLE = 0.03
# Warm-up ends after so many calls, or the seconds of its extent, stable or not.
WARM_UP_CALLS = 10
# A turn lasts about so long, and at least one call.
TURN_S = 0.02
FEWEST_TURNS, MOST_TURNS = 2, 90
# Calls in a turn.
MOST_CALLS = 5
# A call shorter than this is made once uncounted as a turn begins: others have used the caches since. That
# call is slower by up to ten milliseconds, as long as its threads wake and the caches fill. A limit at
# which that is much of a call would divide processes that do the same: one just below it is timed warm, one
# just above it cold.
SHORT_CALL_S = 1.0
# A call longer than this is warm after the cold one, and one sample of it is taken per process.
LONG_CALL_S = 5.0


@dataclass(frozen=True)
class Extent:
    """How much a process does for its samples.

    Attributes:
        warm_s: a call longer than this is warm after the cold one.
        warm_up_s: warm-up ends after so many seconds.
        samples_s: samples are taken for about this long, within the limits above.
    """

    warm_s: float
    warm_up_s: float
    samples_s: float


FULL = Extent(warm_s=LONG_CALL_S, warm_up_s=3.0, samples_s=3.0)
# Of the published forms a cold call of seconds takes as long as a warm one, within the machine's noise.
BRIEF = Extent(warm_s=1.0, warm_up_s=1.0, samples_s=1.5)
# Calls that are timed with the allocator's pages kept, after one that fills them.
KEPT_CALLS = 2


@dataclass(frozen=True)
class Timer:
    """Times one call of a subject in seconds, the device's work included."""

    subject: Subject

    def __call__(self, placed: Any) -> tuple[float, Any]:
        """Return seconds and output; CUDA by events after synchronising, the CPU by its monotonic clock."""
        if self.subject.device != "cuda":
            start = time.perf_counter()
            output = self.subject.forward(placed)
            return time.perf_counter() - start, output
        begin, end = _event(), _event()
        torch.cuda.synchronize()
        begin.record()
        output = self.subject.forward(placed)
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end) / 1000, output


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]


class Turns(Protocol):
    """Tells a process when it is its turn."""

    def next(self) -> int:
        """Wait for the next turn; returns its number."""

    def end(self) -> None:
        """Want no more, and wait until nobody does."""


class Alone:
    """Takes one turn after another: there is nobody to wait for."""

    def __init__(self) -> None:
        self._numbers = count()

    def next(self) -> int:
        """Return the next number."""
        return next(self._numbers)

    def end(self) -> None:
        """Go on at once."""


def begin(order: Order, turns: Turns | None = None) -> Callable[[int], dict[str, Any]]:
    """Begin a job by timing it; returns what gives the values of its latency cell and of the memory cell.

    Args:
        order: what to do.
        turns: tells when it is this process's turn; None if there is nobody to wait for.
    """
    job = order.job
    start = time.perf_counter()
    with trace.span("input"):
        frame, gain = cost_frame(job)
    scopes = {"decode": [time.perf_counter() - start]} if job.images else {}
    ledger = Ledger()
    with trace.span("build"):
        subject = ledger.load(lambda: subjects.build(job.cell, job.weights))
    start = time.perf_counter()
    with trace.span("input"):
        placed = subject.place(frame, gain, subject.conventions.input_clip)
    scopes["gain"] = [time.perf_counter() - start]
    values = _time(job, subject, placed, ledger, scopes, turns)
    first = _is_first(job)
    if first:
        # After the timing, so that the cold call stays cold: a wrong network's times are dropped.
        with trace.span("output check"):
            check_own_input(job, subject, placed)
            check_golden(job.cell)
    is_long = values["single_pass"] or values["samples_s"][-1] > LONG_CALL_S
    last = job.round == job.rounds - 1 and not job.twin
    if job.images and not is_long and (last if job.brief else not job.twin):
        del placed
        with trace.span("method: end to end"):
            _time_end_to_end(job, subject, gain, scopes)
    if (last if job.brief else first) and not is_long and job.cell.runtime == "published":
        # At the very end: the allocator is not quite as before afterwards.
        placed = subject.place(frame, gain, subject.conventions.input_clip)
        with trace.span("method: kept pages"):
            _time_with_kept_pages(subject, placed, scopes)
    values |= {"scopes": scopes, **subject.facts()}
    return lambda index: values if index == 0 else {**ledger.values(), **subject.facts()}


def _is_first(job: Job) -> bool:
    """Whether this process is the first of its method, which checks the output."""
    return job.round == 0 and not job.twin


def _time(
    job: Job,
    subject: Subject,
    placed: Any,
    ledger: Ledger,
    scopes: dict[str, list[float]],
    turns: Turns | None,
) -> dict[str, Any]:
    height, width, first = job.cell.height, job.cell.width, _is_first(job)
    assert height is not None
    assert width is not None
    timer = Timer(subject)
    watched = subject.device != "cuda" or len(job.cells) > 1
    with trace.span("method: cold call"):
        cold, output = timed_with_memory(timer, placed, ledger) if watched else timer(placed)
    start = time.perf_counter()
    with trace.span("output check"):
        if first:
            quantised(subject.image(output, height, width))
            scopes["quantise"] = [time.perf_counter() - start]
        else:
            subject.check(output, height, width)
    del output
    single = job.single_pass or (job.slow_pass_s is not None and cold > job.slow_pass_s)
    samples, numbers = [cold], [0]
    faults: dict[str, int] = {}
    if not single:
        calls = 0

        def call() -> float:
            nonlocal calls
            calls += 1
            return timer(placed)[0]

        before = pages.faults()
        samples, numbers = sample(call, cold, turns, BRIEF if job.brief else FULL)
        after = pages.faults()
        if before is not None and after is not None:
            faults["page_faults"] = round((after - before) / calls)
    return {
        **faults,
        "cold_s": cold,
        "samples_s": samples,
        "turn": numbers,
        "single_pass": single,
        "run_peak_bytes": ledger.values().get("run_peak_bytes"),
    }


def timed_with_memory(timer: Timer, placed: Any, ledger: Ledger) -> tuple[float, Any]:
    """Time a call and keep its peak memory; the kernel keeps that record, so that the time is undisturbed."""
    result: list[tuple[float, Any]] = []

    def forward(given: Any) -> Any:
        result.append(timer(given))
        return result[0][1]

    subject = timer.subject
    watched = type(subject)(**{**vars(subject), "forward": forward})
    ledger.run(watched, placed)
    return result[0]


def sample(
    call: Callable[[], float], cold: float, turns: Turns | None = None, extent: Extent = FULL
) -> tuple[list[float], list[int]]:
    """Warm up until two calls in a row agree, or the cap is reached; then take samples turn by turn.

    Args:
        call: makes one call and returns its seconds.
        cold: seconds of the first call.
        turns: tells when it is this process's turn; None if there is nobody to wait for.
        extent: how much is done.

    Returns: The samples in seconds, and the number of each one's turn.
    """
    taking = turns or Alone()
    with trace.span("method: warm calls"):
        last = _warm_up(call, cold, extent)
    calls = int(np.clip(np.ceil(TURN_S / max(last, 1e-9)), 1, MOST_CALLS))
    samples: list[float] = []
    numbers: list[int] = []
    while wants_more(len(numbers) // calls, sum(samples), last, extent):
        numbers += [taking.next()] * calls
        with trace.span("method: warm calls"):
            if last < SHORT_CALL_S:
                call()
            samples += [call() for _ in range(calls)]
    taking.end()
    return samples, numbers


def _warm_up(call: Callable[[], float], cold: float, extent: Extent) -> float:
    """Return the seconds of a warm call."""
    last, spent, calls = cold, 0.0, 0
    while cold <= extent.warm_s and spent < extent.warm_up_s and calls < WARM_UP_CALLS:
        now = call()
        stable = abs(now - last) <= STABLE * last
        last, spent, calls = now, spent + now, calls + 1
        if stable:
            break
    return last


def wants_more(taken: int, spent_s: float, call_s: float, extent: Extent = FULL) -> bool:
    """Whether a process that has taken so many turns, with so many seconds of samples, takes another."""
    if call_s > LONG_CALL_S:
        return taken < 1
    return taken < FEWEST_TURNS or (taken < MOST_TURNS and spent_s < extent.samples_s)


def _time_with_kept_pages(subject: Subject, placed: Any, scopes: dict[str, list[float]]) -> None:
    """Time the published form with its pages kept, where they can be: what fresh ones cost is the rest."""
    if subject.device == "cuda" or not pages.can_be_kept():
        return
    timer = Timer(subject)
    with pages.kept():
        timer(placed)
        scopes["kept_pages"] = [timer(placed)[0] for _ in range(KEPT_CALLS)]


def _time_end_to_end(job: Job, subject: Subject, gain: float, scopes: dict[str, list[float]]) -> None:
    """Time one whole restoration, from the file to the 8-bit image, with its parts."""
    height, width = job.cell.height, job.cell.width
    assert height is not None
    assert width is not None
    timer = Timer(subject)
    path = local(job.images[0].short)
    marks = [time.perf_counter()]
    frame: RawFrame = fit(read_raw(path), height, width)
    marks.append(time.perf_counter())
    placed = subject.place(frame, gain, subject.conventions.input_clip)
    marks.append(time.perf_counter())
    seconds, output = timer(placed)
    marks.append(time.perf_counter())
    quantised(subject.image(output, height, width))
    marks.append(time.perf_counter())
    for name, first in (("decode", 0), ("gain", 1), ("quantise", 3)):
        scopes.setdefault(name, []).append(marks[first + 1] - marks[first])
    scopes["network"] = [seconds]
    scopes["end_to_end"] = [marks[-1] - marks[0]]


def quantised(image: Any) -> Any:
    """Take an image to 8 bits as a user would, by rounding."""
    scaled = np.multiply(image, np.float32(255))
    return np.rint(scaled, out=scaled).astype(np.uint8)
