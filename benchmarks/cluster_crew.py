"""A scheduler and workers that can be killed, on this machine or on hosts made of network namespaces.

Used by benchmarks/cluster_kills.py; not a program of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MARK = "LLBENCH_KILLS"
PORT = 18786
# Enough for a Dask worker, not for torch beside it.
POOR_BYTES = 420_000_000


@dataclass
class Host:
    """Where processes are started: this machine, or a network namespace with a name of its own."""

    name: str
    address: str
    folder: Path
    namespace: str | None = None

    def command(self, command: list[str]) -> list[str]:
        """Return the command that starts another one on the host."""
        if self.namespace is None:
            return command
        named = ["sh", "-c", 'hostname "$0"; exec "$@"', self.name, *command]
        return ["ip", "netns", "exec", self.namespace, "unshare", "--uts", *named]

    def environment(self) -> dict[str, str]:
        """Return the environment of a process on the host: locks and caches are the host's own."""
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
        """Send SIGKILL to one and everything in its group."""
        with self._lock, contextlib.suppress(ProcessLookupError, KeyError):
            os.killpg(self.running[name].pid, signal.SIGKILL)
            self.killed[name.rstrip("0123456789")] += 1

    def dismiss_poor(self) -> None:
        """Stop restarting the worker without memory."""
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
        command = host.command(command)
        group = self.poor if name == "poor" else None
        if group is not None:
            command = ["sh", "-c", f'echo $$ > "{group / "cgroup.procs"}"; exec "$@"', "sh", *command]
        with self.log.open("ab") as stream:
            return subprocess.Popen(
                command,
                env=host.environment(),
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )


@contextlib.contextmanager
def namespaces(count: int, folder: Path) -> Any:
    """Make hosts of network namespaces that a bridge joins; returns None if that is refused."""
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
    """Make a control group that holds a Dask worker but not torch; None if none can be made."""
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
