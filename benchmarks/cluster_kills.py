"""Kill workers and the scheduler of a run on a cluster, resume it, and check that nothing is lost.

    python benchmarks/cluster_kills.py --out FOLDER [--scenes 25] [--workers 3] [--every 4] [--seed 1]
        [--hosts 3] [--no-poor]

Makes tiny dark raws, four per scene, and judges them with two methods (25 scenes: 200 cells) on the workers
of a scheduler that is started for it. Meanwhile

- a random worker gets SIGKILL every few seconds, and is started again, as a queue would;
- the command gets SIGKILL once, when a fifth of the cells is there;
- the scheduler gets SIGKILL once, when a third of the cells is there, and is started again;
- one more worker has so little memory that the kernel kills what it measures (a control group; left out, with
  a word, where none can be made, or by --no-poor).

The command is repeated with --resume while this goes on, and once more in peace. The trial passes if then

- the command ends with status 0 and every cell is there, `ok`, and no other file;
- the scores are those of a single process on this machine;
- no cell that was `ok` has been written again, whatever happened meanwhile;
- nothing half-written and no measuring process is left.

With --hosts N, scheduler and workers stand on N hosts with names and networks of their own, made of network
namespaces joined by a bridge, which needs root (skipped, with a word, where that is refused); all share
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
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench import store
from bench.cluster.running import timed_on
from bench.process import TOKEN

MARK = "LLBENCH_KILLS"
MODELS = "llpacknet,gain-only"
SIZE = "64x96"
PORT = 18786
POOR_BYTES = 420_000_000
"""Enough for a Dask worker, not for torch beside it."""
MOST_RUNS = 40


@dataclass
class Host:
    """Where processes are started: this machine, or a network namespace with a name of its own."""

    name: str
    address: str
    folder: Path
    namespace: str | None = None

    def command(self, command: list[str]) -> list[str]:
        """Give the command that starts another one on the host."""
        if self.namespace is None:
            return command
        named = ["sh", "-c", 'hostname "$0"; exec "$@"', self.name, *command]
        return ["ip", "netns", "exec", self.namespace, "unshare", "--uts", *named]

    def environment(self) -> dict[str, str]:
        """Give what a process on the host finds in its environment: locks and caches are the host's own."""
        own = {} if self.namespace is None else {"LLBENCH_HOST_LOCKS": str(self.folder)}
        return {
            **os.environ,
            MARK: str(self.folder.parent),
            "LLBENCH_CACHE": str(self.folder / "cache"),
            **own,
        }


@dataclass
class Crew:
    """A scheduler and its workers, started again whenever they end."""

    hosts: list[Host]
    workers: int
    poor: Path | None
    log: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    killed: Counter[str] = field(default_factory=Counter)
    deaths: int = 0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        return f"tcp://{self.hosts[0].address}:{PORT}"

    def start(self) -> None:
        """Start everything and keep it running."""
        self._keep_once()
        self._keeper.start()

    def names(self) -> list[str]:
        """All that should run."""
        plain = [f"worker{number}" for number in range(self.workers)]
        return ["scheduler", *plain, *(["poor"] if self.poor else [])]

    def kill(self, name: str) -> None:
        """Send SIGKILL to one and all that stands in its group."""
        with self._lock, contextlib.suppress(ProcessLookupError, KeyError):
            os.killpg(self.running[name].pid, signal.SIGKILL)
            self.killed[name.rstrip("0123456789")] += 1

    def dismiss_poor(self) -> None:
        """Start the worker without memory no more."""
        with self._lock:
            self.poor = None
        self.kill("poor")
        with self._lock:
            self.running.pop("poor", None)

    def end(self) -> None:
        """End everything."""
        self._stop.set()
        self._keeper.join()
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _keep(self) -> None:
        while not self._stop.wait(0.2):
            self._keep_once()

    def _keep_once(self) -> None:
        with self._lock:
            for name in self.names():
                process = self.running.get(name)
                if process is None or process.poll() is not None:
                    self.deaths += process is not None
                    self.running[name] = self._start(name)

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        if name == "scheduler":
            host = self.hosts[0]
            listen = ["--host", host.address, "--port", str(PORT), "--no-dashboard"]
            command = [sys.executable, "-m", "distributed.cli.dask_scheduler", *listen]
        else:
            number = int(name[6:]) if name.startswith("worker") else 0
            host = self.hosts[number % len(self.hosts)]
            plain = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0"]
            place = ["--host", host.address, "--local-directory", str(host.folder / "dask")]
            command = [sys.executable, "-m", "distributed.cli.dask_worker", self.address, *plain, *place]
        group = self.poor if name == "poor" else None
        if group is not None:
            command = ["sh", "-c", f'echo $$ > "{group / "cgroup.procs"}"; exec "$@"', "sh", *command]
        with self.log.open("ab") as stream:
            return subprocess.Popen(
                host.command(command),
                env=host.environment(),
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )


@contextlib.contextmanager
def namespaces(count: int, folder: Path) -> Any:
    """Make hosts of network namespaces that a bridge joins; gives None where that is refused."""
    tag = f"llb{os.getpid() % 10000}"
    done: list[list[str]] = []

    def ip(*words: str, undo: tuple[str, ...] = ()) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)
        if undo:
            done.append(["ip", *undo])

    try:
        try:
            hosts = []
            ip("link", "add", tag, "type", "bridge", undo=("link", "del", tag))
            ip("addr", "add", "10.219.77.254/24", "dev", tag)
            ip("link", "set", tag, "up")
            for number in range(count):
                space, address = f"{tag}h{number}", f"10.219.77.{number + 1}"
                ip("netns", "add", space, undo=("netns", "del", space))
                ip("link", "add", f"{tag}v{number}", "type", "veth", "peer", "name", "eth0", "netns", space)
                ip("link", "set", f"{tag}v{number}", "master", tag, "up")
                ip("-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
                ip("-n", space, "link", "set", "eth0", "up")
                ip("-n", space, "link", "set", "lo", "up")
                hosts.append(Host(f"node{number}", address, folder / f"node{number}", space))
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", b"") or str(error).encode()
            print(f"skipped: no network namespaces can be made here ({said.decode().strip()})")
            yield None
            return
        yield hosts
    finally:
        for command in reversed(done):
            subprocess.run(command, check=False, capture_output=True)


@contextlib.contextmanager
def little_memory(*, wanted: bool) -> Any:
    """Make a control group that holds a Dask worker but not torch; None where none can be made."""
    second = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    root = Path("/sys/fs/cgroup") if second else Path("/sys/fs/cgroup/memory")
    group = root / f"llbench-{os.getpid()}"
    try:
        if not wanted:
            yield None
            return
        try:
            group.mkdir()
            (group / ("memory.max" if second else "memory.limit_in_bytes")).write_text(str(POOR_BYTES))
        except OSError as error:
            print(f"no worker without memory: no control group can be made here ({error.strerror})")
            yield None
            return
        yield group
    finally:
        for _ in range(50):
            with contextlib.suppress(OSError):
                group.rmdir()
            if not group.exists():
                break
            time.sleep(0.1)


def run(out: Path, data: Path, arguments: argparse.Namespace, *more: str) -> list[str]:
    """Give the command under test."""
    kinds = "quality,latency,memory" if arguments.hosts and "--cluster" in more else "quality"
    # A limit above what the poor worker has: it believes what it is told, and the kernel does not.
    given = ["--threads", "1", "--rounds", "1", "--memory-limit", "4", "--protocol", "sid2018"]
    what = ["--models", MODELS, "--measure", kinds, "--dataset", str(data), "--size", SIZE]
    return [sys.executable, "-m", "bench", "run", *what, *given, "--out", str(out), "--resume", *more]


def good(out: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of every cell that is `ok`."""
    found = {}
    for path in store.files(out):
        with contextlib.suppress(OSError, ValueError):
            if json.loads(path.read_text(encoding="utf-8"))["status"] == "ok":
                status = path.stat()
                found[path.name] = (status.st_ino, status.st_mtime_ns)
    return found


def scores(out: Path) -> dict[str, Any]:
    """Values of every quality cell."""
    records = [store.read(path) for path in store.files(out) if path.name.startswith("quality")]
    return {store.file_name(record.cell): record.values for record in records}


def measuring(folder: Path) -> list[int]:
    """Measuring processes that the trial has left."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environment = one.environ()
            ours = TOKEN in environment and environment.get(MARK) == str(folder)
            if ours and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one.pid)
    return found


def disturb(crew: Crew, out: Path, arguments: argparse.Namespace, stop: threading.Event) -> None:
    """Kill a random worker every few seconds and the scheduler once, until told to stop."""
    draw = random.Random(arguments.seed)  # noqa: S311
    scheduler = False
    while not stop.wait(draw.uniform(0.5, 1.5) * arguments.every):
        crew.kill(f"worker{draw.randrange(crew.workers)}")
        if not scheduler and len(good(out)) * 3 > arguments.scenes * 8:
            crew.kill("scheduler")
            scheduler = True


def trial(
    folder: Path, arguments: argparse.Namespace, hosts: list[Host], poor: Path | None
) -> dict[str, bool]:
    """Run, disturb, resume, check."""
    data, out, single = folder / "data", folder / "out", folder / "single"
    for host in hosts:
        host.folder.mkdir(parents=True, exist_ok=True)
    environment = {**hosts[0].environment(), "LLBENCH_CACHE": str(folder / "cache")}
    make = ["data", "make", "--scenes", str(arguments.scenes), "--size", SIZE, "--out", str(data)]
    subprocess.run([sys.executable, "-m", "bench", *make], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(run(single, data, arguments), check=True, env=environment, capture_output=True)
    crew = Crew(hosts, arguments.workers, poor, folder / "crew.log")
    stop = threading.Event()
    killer = threading.Thread(target=disturb, args=(crew, out, arguments, stop), daemon=True)
    more = ["--cluster", crew.address, *(["--every-host"] if arguments.hosts else [])]
    seen: dict[str, tuple[int, int]] = {}
    again: list[str] = []

    def look() -> None:
        for name, mark in good(out).items():
            if seen.setdefault(name, mark) != mark:
                again.append(name)

    begin = time.monotonic()
    codes = []
    try:
        crew.start()
        killer.start()
        with (folder / "run.log").open("ab") as log:
            while len(codes) < MOST_RUNS:
                client = subprocess.Popen(
                    run(out, data, arguments, *more), env=environment, stdout=log, stderr=log
                )
                while client.poll() is None:
                    look()
                    if -signal.SIGKILL not in codes and len(seen) * 5 > arguments.scenes * 8:
                        client.kill()
                    time.sleep(0.2)
                codes.append(client.returncode)
                look()
                if crew.killed["scheduler"] and client.returncode in {0, 1}:
                    break
            stop.set()
            killer.join()
            disturbed, ok = time.monotonic() - begin, len(good(out))
            crew.dismiss_poor()
            last = subprocess.run(
                run(out, data, arguments, *more), check=False, env=environment, stdout=log, stderr=log
            )
            look()
    finally:
        stop.set()
        crew.end()
    print(
        f"killed {dict(crew.killed)}; {crew.deaths} started again in {disturbed:.0f} s; exit statuses "
        f"of the disturbed command {codes}, after them {ok} cells ok; of the last one {last.returncode}"
    )
    left = [path.name for path in out.glob("*/.*")] + [path.name for path in out.glob("attempts/*")]
    passed = {
        "the last run ends well": last.returncode == 0,
        "every cell is there and ok": set(good(out)) >= set(scores(single))
        and len(good(out)) == len(store.files(out)),
        "no cell beside them": {n for n in good(out) if n.startswith("quality")} == set(scores(single)),
        "the scores are those of one process": scores(out) == scores(single),
        "none was written twice": not again,
        "nothing is left": not left and not measuring(folder),
    }
    if arguments.hosts:
        passed["each host's costs are apart"] = apart(out, hosts)
    return passed


def apart(out: Path, hosts: list[Host]) -> bool:
    """Whether every host has timed everything, and each folder holds the costs of one host alone."""
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
