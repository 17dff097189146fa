"""How long SID takes on a cluster, what that costs, and what sets the limit.

    python benchmarks/cluster_sizing.py --results OUT --dataset FOLDER --overhead-ms 5 --bandwidth 1000
        [--seconds did=190]… [--price 0.05] [--workers 1,16,256] [--pairs 598 --scenes 50]

Measured figures go in: the seconds of an image, by method, and of a worker's start are those of the quality
cells that a run of this suite has left in OUT/trace.jsonl (best of full-size images, on a machine like the
workers', with as many threads as a worker will have); the bytes of a pair are those of FOLDER's files; the
overhead of a task is what benchmarks/cluster_overhead.py prints; the bandwidth of the shared file system, in
MB/s for all workers together, is for you to measure (without --bandwidth it is assumed to be unlimited).
A method that OUT has no scores for can be added with --seconds, the seconds of its pass as in a latency
cell; the rest of an image (reading, scores) is then taken from the methods that were scored.

The tasks are those that the suite would send: cut by scene, and further where workers would be idle. They are
placed on the workers one after another, as Dask does; an image takes its own seconds, or as long as the file
system needs to read its bytes for every worker, whichever is longer; tasks begin no faster than the scheduler
hands them out. The price is for one worker and one hour, in any currency; all workers are paid until the end.
"""

from __future__ import annotations

import argparse
import heapq
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.data.folder.index import index
from bench.machine import trace
from bench.run.cluster.placing import TASKS_PER_WORKER
from bench.run.progress import duration
from llpacknet.errors import InputError

# Spans of a worker's start.
ONCE = ("import", "build")
# Beginning of the names of spans in which the method itself worked.
OWN = "method: "


@dataclass(frozen=True)
class Method:
    """What was measured of a method: seconds of a worker's start and of an image, and of how many."""

    name: str
    start_s: float
    image_s: float
    images: int


@dataclass(frozen=True)
class Job:
    """What is to be scored, and with what."""

    pairs: int
    scenes: int
    short_bytes: float
    long_bytes: float
    overhead_s: float
    bandwidth: float

    @property
    def pair_bytes(self) -> float:
        """Bytes read for an image, including its share of the long exposure."""
        return self.short_bytes + self.long_bytes * self.scenes / self.pairs


def methods(results: Path, given: dict[str, float]) -> list[Method]:
    """Read the seconds of every method whose images were scored, and add those that are given.

    Raises InputError if none did.
    """
    rest: list[float] = []
    starts: dict[str, list[float]] = {}
    images: dict[str, list[float]] = {}
    for line in trace.read(results):
        if line.get("step") == "cell" and line.get("measurement") == "quality":
            spans = line["spans"]
            once = sum(spans.get(name, 0.0) for name in ONCE)
            if once:
                starts.setdefault(line["model"], []).append(once)
            whole = sum(spans.values()) - once
            images.setdefault(line["model"], []).append(whole)
            rest.append(whole - sum(part for name, part in spans.items() if name.startswith(OWN)))
    if not images:
        raise InputError(f"{results} has no trace of scored images: score some with `llbench run`")
    start = statistics.median(one for some in starts.values() for one in some)
    judged = [
        Method(name, statistics.median(starts.get(name, [start])), statistics.fmean(seconds), len(seconds))
        for name, seconds in images.items()
    ]
    return judged + [
        Method(name, start, seconds + statistics.fmean(rest), 0) for name, seconds in given.items()
    ]


def sizes(dataset: Path) -> tuple[float, float]:
    """Mean bytes of a short and of a long exposure."""
    found = index(dataset)
    shorts = {pair.short.stat().st_size for pair in found.pairs}
    longs = {pair.long.stat().st_size for pair in found.pairs}
    return statistics.fmean(shorts), statistics.fmean(longs)


def tasks(job: Job, workers: int) -> list[int]:
    """Images of every task, cut as `bench.run.cluster.placing` cuts them."""
    most = max(1, -(-job.pairs // (TASKS_PER_WORKER * workers)))
    found = []
    for scene in range(job.scenes):
        shots = job.pairs * (scene + 1) // job.scenes - job.pairs * scene // job.scenes
        parts = -(-shots // most)
        found += [shots * (one + 1) // parts - shots * one // parts for one in range(parts)]
    return found


def seconds(job: Job, method: Method, workers: int) -> float:
    """Wall time of scoring everything with one method."""
    share = job.bandwidth / workers
    image = max(method.image_s, job.pair_bytes / share)
    free = [method.start_s] * workers
    heapq.heapify(free)
    handed = 0.0
    for images in tasks(job, workers):
        handed += job.overhead_s
        heapq.heapreplace(free, max(free[0], handed) + images * image)
    return max(free)


def limits(job: Job, method: Method) -> tuple[float, float]:
    """Workers beyond which the scheduler cannot keep up, and beyond which the file system cannot."""
    scheduler = method.image_s / job.overhead_s if job.overhead_s else float("inf")
    return scheduler, job.bandwidth * method.image_s / job.pair_bytes


def table(job: Job, found: list[Method], workers: list[int], price: float | None) -> Table:
    """One row for each method."""
    shown = Table(title=f"{job.pairs} pairs of {job.scenes} scenes", title_justify="left", box=None)
    shown.add_column("method", no_wrap=True)
    shown.add_column("s/image", justify="right")
    for count in workers:
        shown.add_column(f"{count} worker{'s' if count > 1 else ''}", justify="right")
        shown.add_column("worker-hours" if price is None else "cost", justify="right")
    shown.add_column("scheduler's limit", justify="right")
    shown.add_column("files' limit", justify="right")
    rows = [(one.name, [seconds(job, one, count) for count in workers], one) for one in found]
    for name, times, one in rows:
        scheduler, files = limits(job, one)
        ends = [f"{end:,.0f} workers" if end != float("inf") else "none" for end in (scheduler, files)]
        shown.add_row(name, f"{one.image_s:.2f}", *_cells(times, workers, price), *ends)
    if len(rows) > 1:
        whole = [sum(times[place] for _, times, _ in rows) for place in range(len(workers))]
        shown.add_row("all", "", *_cells(whole, workers, price), "", "")
    return shown


def _cells(times: list[float], workers: list[int], price: float | None) -> list[str]:
    cells = []
    for time, count in zip(times, workers, strict=True):
        hours = time / 3600 * count
        cells += [duration(time), f"{hours:.2f}" if price is None else f"{hours * price:.2f}"]
    return cells


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--overhead-ms", type=float, required=True)
    parser.add_argument("--bandwidth", type=float, default=float("inf"))
    parser.add_argument("--seconds", action="append", default=[], metavar="NAME=S")
    parser.add_argument("--price", type=float)
    parser.add_argument("--workers", default="1,16,256")
    parser.add_argument("--pairs", type=int, default=598)
    parser.add_argument("--scenes", type=int, default=50)
    arguments = parser.parse_args()
    try:
        given = {name: float(text) for name, _, text in (one.partition("=") for one in arguments.seconds)}
        found, (short, long) = methods(arguments.results, given), sizes(arguments.dataset)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    job = Job(
        arguments.pairs,
        arguments.scenes,
        short,
        long,
        arguments.overhead_ms / 1000,
        arguments.bandwidth * 1e6,
    )
    print(
        f"{short / 1e6:.1f} MB a short exposure, {long / 1e6:.1f} a long one: {job.pair_bytes / 1e6:.1f} MB "
        f"a pair, {job.pairs * job.pair_bytes / 1e9:.1f} GB in all; {arguments.overhead_ms:g} ms a task"
    )
    for one in found:
        of = f"mean of {one.images}" if one.images else "its pass as given"
        print(f"{one.name}: {one.image_s:.2f} s an image ({of}), {one.start_s:.1f} s to start")
    counts = [int(count) for count in arguments.workers.split(",")]
    Console(width=160, soft_wrap=True).print(table(job, found, counts, arguments.price))
    return 0


if __name__ == "__main__":
    sys.exit(main())
