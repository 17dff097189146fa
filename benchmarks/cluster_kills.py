"""Kill workers and the scheduler of a run on a cluster, resume it, and check that nothing is lost.

    python benchmarks/cluster_kills.py --out FOLDER [--scenes 25] [--workers 3] [--every 4] [--seed 1]
        [--hosts 3] [--no-poor]

Generates tiny dark raws, four per scene, and scores two methods on them (25 scenes: 200 cells) on the workers
of a scheduler that is started for it. Meanwhile

- a random worker gets SIGKILL every few seconds, and is started again, as a queue would;
- the command gets SIGKILL once, when a fifth of the cells is done;
- the scheduler gets SIGKILL once, when a third of the cells is done, and is started again;
- one more worker has so little memory that the kernel kills what it measures (a control group; skipped with
  a message if none can be made, or by --no-poor).

The command is repeated with --resume while this runs, and once more undisturbed. The trial passes if then

- the command ends with status 0 and every cell exists and is `ok`, with no other file;
- the scores are those of a single process on this machine;
- no cell that was `ok` has been written again, whatever happened meanwhile;
- nothing half-written and no measuring process is left.

With --hosts N, scheduler and workers run on N hosts with names and networks of their own, made of network
namespaces joined by a bridge, which needs root (skipped with a message if that is refused); all share
FOLDER. Then every host times the methods too (--every-host), and the trial checks that each host's costs are
kept apart.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from cluster_crew import MARK, Crew, Host, little_memory, namespaces
from distributed import Client

from bench.machine.strays import TOKEN
from bench.records import store
from bench.run.cluster.running import timed_on

MODELS = "llpacknet,gain-only"
SIZE = "64x96"
MOST_RUNS = 40
PATIENCE = 6


def run(out: Path, data: Path, arguments: argparse.Namespace, *more: str) -> list[str]:
    """Return the command under test."""
    kinds = "quality,latency,memory" if arguments.hosts and "--cluster" in more else "quality"
    # A limit above what the poor worker has: it believes what it is told, and the kernel does not.
    given = ["--threads", "1", "--rounds", "1", "--memory-limit", "4", "--protocol", "sid2018"]
    what = ["--models", MODELS, "--measure", kinds, "--dataset", str(data), "--size", SIZE]
    return [sys.executable, "-m", "bench", "run", *what, *given, "--out", str(out), "--resume", *more]


def good(out: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of every cell that is `ok`; costs have the host in their name here."""
    found = {}
    for path in [path for folder in (out, *out.glob("hosts/*")) for path in store.files(folder)]:
        with contextlib.suppress(OSError, ValueError):
            raw = json.loads(path.read_text(encoding="utf-8"))
            if raw["status"] == "ok":
                status = path.stat()
                host = "" if raw["cell"]["measurement"] == "quality" else raw["environment"]["host"]
                found[host + path.name] = (status.st_ino, status.st_mtime_ns)
    return found


def scores(out: Path) -> dict[str, Any]:
    """Values of every quality cell."""
    records = [store.read(path) for path in store.files(out) if path.name.startswith("quality")]
    return {store.file_name(record.cell): record.values for record in records}


def measuring(folder: Path) -> list[int]:
    """Measuring processes that the trial has left behind."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environment = one.environ()
            ours = TOKEN in environment and environment.get(MARK) == str(folder)
            if ours and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one.pid)
    return found


def disturb(crew: Crew, out: Path, arguments: argparse.Namespace, stop: threading.Event) -> None:
    """Kill a random worker every few seconds and the scheduler once, until told to stop.

    On a machine so slow that nothing is finished between two kills, the next one waits, but not forever.
    """
    draw = random.Random(arguments.seed)  # noqa: S311
    scheduler, finished, since = False, 0, time.monotonic()
    while not stop.wait(draw.uniform(0.5, 1.5) * arguments.every):
        if len(good(out)) == finished and time.monotonic() - since < PATIENCE * arguments.every:
            continue
        finished, since = len(good(out)), time.monotonic()
        crew.kill(f"worker{draw.randrange(crew.workers)}")
        if not scheduler and len(good(out)) * 3 > arguments.scenes * 8:
            crew.kill("scheduler")
            scheduler = True


@dataclass
class Trial:
    """One trial: its folders, its workers, and what was seen of its cells."""

    folder: Path
    arguments: argparse.Namespace
    crew: Crew
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)

    @property
    def out(self) -> Path:
        """Results of the disturbed runs."""
        return self.folder / "out"

    def start(self, log: Any) -> subprocess.Popen[bytes]:
        """Start the command under test."""
        more = ["--cluster", self.crew.address, *(["--every-host"] if self.arguments.hosts else [])]
        environment = {**self.crew.hosts[0].environment(), "LLBENCH_CACHE": str(self.folder / "cache")}
        command = run(self.out, self.folder / "data", self.arguments, *more)
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def look(self) -> None:
        """Take note of cells that are new, or have been written again."""
        for name, mark in good(self.out).items():
            if self.seen.setdefault(name, mark) != mark:
                self.again.append(name)

    def disturbed(self, log: Any) -> None:
        """Repeat the command until it comes to an end of its own after the scheduler was killed."""
        while len(self.codes) < MOST_RUNS:
            command = self.start(log)
            while command.poll() is None:
                self.look()
                if -signal.SIGKILL not in self.codes and len(self.seen) * 5 > self.arguments.scenes * 8:
                    command.kill()
                time.sleep(0.5)
            self.codes.append(command.returncode)
            self.look()
            if self.crew.killed["scheduler"] and command.returncode in {0, 1}:
                return

    def in_peace(self, log: Any) -> int:
        """Run the command once more, with all workers and without the poor one; returns its exit status."""
        self.crew.dismiss_poor()
        with Client(self.crew.address, timeout=60) as client:
            client.wait_for_workers(self.arguments.workers, timeout=120)
        status = self.start(log).wait()
        self.look()
        return status


def undisturbed(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Generate the data and score them in one process here; returns the scores."""
    environment = {**os.environ, "LLBENCH_CACHE": str(folder / "cache")}
    make = ["data", "make", "--scenes", str(arguments.scenes), "--size", SIZE, "--out", str(folder / "data")]
    subprocess.run([sys.executable, "-m", "bench", *make], check=True, stdout=subprocess.DEVNULL)
    command = run(folder / "single", folder / "data", arguments)
    subprocess.run(command, check=True, env=environment, capture_output=True)
    return scores(folder / "single")


def trial(
    folder: Path, arguments: argparse.Namespace, hosts: list[Host], poor: Path | None
) -> dict[str, bool]:
    """Run, disturb, resume, check."""
    for host in hosts:
        host.folder.mkdir(parents=True, exist_ok=True)
    expected = undisturbed(folder, arguments)
    crew = Crew(hosts, arguments.workers, poor, folder / "crew.log")
    one, stop = Trial(folder, arguments, crew), threading.Event()
    killer = threading.Thread(target=disturb, args=(crew, one.out, arguments, stop), daemon=True)
    begin = time.monotonic()
    try:
        crew.start()
        killer.start()
        with (folder / "run.log").open("ab") as log:
            one.disturbed(log)
            stop.set()
            killer.join()
            seconds, ok = time.monotonic() - begin, len(good(one.out))
            last = one.in_peace(log)
    finally:
        stop.set()
        crew.end()
    print(
        f"killed {dict(crew.killed)}; {crew.deaths} started again in {seconds:.0f} s; exit statuses of the "
        f"disturbed command {one.codes}, after them {ok} cells ok; of the last one {last}"
    )
    passed = checks(one, expected)
    passed["the last run ends well"] = last == 0
    if arguments.hosts:
        passed["each host's costs are apart"] = apart(one.out, hosts)
    return passed


def checks(one: Trial, expected: dict[str, Any]) -> dict[str, bool]:
    """Compare the results folder with what it should contain."""
    out = one.out
    left = [path.name for path in (*out.glob("*/.*"), *out.glob("attempts/*"))]
    judged = {name for name in good(out) if name.startswith("quality")}
    return {
        f"all {len(expected)} cells are there, each once": judged == set(expected),
        "all files are ok": len(good(out)) == len([*out.glob("cells/*"), *out.glob("hosts/*/cells/*")]),
        "the scores are those of one process": scores(out) == expected,
        "none was written twice": not one.again,
        "nothing is left": not left and not measuring(one.folder),
    }


def apart(out: Path, hosts: list[Host]) -> bool:
    """Whether every host has timed everything, and each folder holds the costs of only one host."""
    folders = [out, *sorted((out / "hosts").iterdir())]
    found = [set(timed_on(folder).values()) for folder in folders]
    print(f"costs timed on: {', '.join(sorted(name for names in found for name in names))}")
    alone = all(len(names) == 1 for names in found)
    counts = {len(timed_on(folder)) for folder in folders}
    return alone and len(set.union(*found)) == len(hosts) and counts == {4}


def main() -> int:
    """Run the trial and print what it showed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=25)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--every", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hosts", type=int, default=0)
    parser.add_argument("--no-poor", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.out.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    here = [Host("here", "127.0.0.1", folder / "here")]
    with (
        namespaces(arguments.hosts, folder) if arguments.hosts else contextlib.nullcontext(here) as hosts,
        little_memory(wanted=not arguments.no_poor) as poor,
    ):
        if hosts is None:
            return 0
        passed = trial(folder, arguments, hosts, poor)
    for name, well in passed.items():
        print(f"  {'yes' if well else 'NO '}  {name}")
    return 0 if all(passed.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
