"""Overhead of a task: many empty ones through a scheduler of their own, on this machine.

    python benchmarks/cluster_overhead.py [--tasks 20000] [--workers 2]

Scheduler and workers are processes of their own; this process is the client. A task takes the same path as a
real one: it is described, sent, placed, checked for its code, waits for its turn on the host, and its account
is collected; it only has no cell to measure. Printed are the overhead per task (wall time over tasks), and
the resident memory of client and scheduler after each tenth of the tasks. Exit status 1 if a task costs more
than 15 ms, or either process grows by more than a tenth, and 10 MB, from the second tenth to the last.
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from bench.run.cluster.connecting import connected
from bench.run.cluster.feeding import Feeder
from bench.run.cluster.hosts import facts
from bench.run.cluster.placing import Work
from bench.run.cluster.summary import Totals
from bench.run.plan import Plan

if TYPE_CHECKING:
    from bench.run.cluster.tasks import Account

MOST_S = 0.015
GROWTH, GROWTH_BYTES = 1.1, 10_000_000
PORT = 18787


def main() -> int:
    """Send the tasks and print what they cost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    address = f"tcp://127.0.0.1:{PORT}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with tempfile.TemporaryDirectory() as folder:
        listen = ["--host", "127.0.0.1", "--port", str(PORT), "--dashboard-address", "127.0.0.1:0"]
        scheduler = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_scheduler", *listen], **quiet
        )
        plain = ["--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--local-directory", folder]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, *plain]
        workers = [subprocess.Popen(worker, **quiet) for _ in range(arguments.workers)]
        try:
            with connected(address) as cluster:
                cluster.client.wait_for_workers(arguments.workers, timeout=60)
                return measure(cluster, arguments, psutil.Process(scheduler.pid), Path(folder))
        finally:
            for process in (*workers, scheduler):
                process.kill()
                process.wait()


def measure(cluster: object, arguments: argparse.Namespace, scheduler: psutil.Process, out: Path) -> int:
    """Feed the tasks; returns the exit status."""
    client, done = psutil.Process(), 0
    memory: list[tuple[int, int]] = []
    begin = last = time.perf_counter()
    print(f"{'tasks':>7} {'ms per task':>12} {'client MB':>10} {'scheduler MB':>13}")

    def take(_: Work, __: Account) -> None:
        nonlocal done, last
        done += 1
        if done % max(1, arguments.tasks // 10) == 0:
            now = time.perf_counter()
            memory.append((client.memory_info().rss, scheduler.memory_info().rss))
            cost = 1000 * (now - last) / (arguments.tasks // 10)
            print(
                f"{done:>7} {cost:>12.2f} {memory[-1][0] / 1e6:>10.1f} {memory[-1][1] / 1e6:>13.1f}",
                flush=True,
            )
            last = now

    token = secrets.token_hex(8)
    works = (Work(Plan(()), str(out), token, facts()["code"]) for _ in range(arguments.tasks))
    totals = Totals(None)
    Feeder(cluster, cluster.hosts(), totals, take).feed((), works)
    totals.end()
    cost = (time.perf_counter() - begin) / arguments.tasks
    grown = [
        after > max(before * GROWTH, before + GROWTH_BYTES)
        for before, after in zip(memory[1], memory[-1], strict=True)
    ]
    print(
        f"{done} tasks on {arguments.workers} workers: {1000 * cost:.2f} ms per task "
        f"(at most {1000 * MOST_S:g})"
    )
    names = [name for name, grew in zip(("client", "scheduler"), grown, strict=True) if grew]
    print(f"grown: {', '.join(names) or 'neither client nor scheduler'}")
    return 0 if done == arguments.tasks and cost <= MOST_S and not names else 1


if __name__ == "__main__":
    sys.exit(main())
