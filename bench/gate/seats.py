"""The manager's end of seats: how they are started, asked, watched and ended."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil

from bench.gate.seat import PID_BYTES
from bench.machine.endings import last_words
from bench.machine.environment import scrub
from bench.machine.strays import kill_strays
from bench.run.process import GRACE_S, measuring_environment
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from types import TracebackType

    from bench.gate.trees import Tree
    from bench.records.cells import Cell, Status

# Where libraries survive a fork after their import; elsewhere every seat is an interpreter of its own.
FORKS = sys.platform == "linux"
TAIL_BYTES = 4096
# Longest time for one request: two calls of the slowest network at the paper's size take a fifth of it.
TIMEOUT_S = 1800.0


# Longest time for the nursery's own imports, on a disk as slow as they come.
START_S = 600.0


class SeatError(Exception):
    """A seat could not do what it was asked.

    Attributes:
        label: which seat.
        status: how that reads as the status of a cell.
        reason: what happened, in one line.
        lacks: what its revision does not have, "module" or "factory"; None if it has both.
    """

    def __init__(self, label: str, status: Status, reason: str, lacks: str | None = None) -> None:
        super().__init__(f"{label}: {status}: {reason}")
        self.lacks = lacks
        self.label = label
        self.status: Status = status
        self.reason = reason


@dataclass(frozen=True)
class Occupant:
    """What a seat holds.

    Attributes:
        label: its name in messages: base, head, twin, reference.
        tree: the revision.
        cell: the form of the method whose call is timed.
        weights: as `baselines.create` takes them.
        for_memory: whether it is there for its peak memory rather than for its time.
    """

    label: str
    tree: Tree
    cell: Cell
    weights: str
    for_memory: bool = False


class Seat:
    """One seat, asked over its socket."""

    def __init__(self, occupant: Occupant, nursery: Nursery) -> None:
        self.occupant = occupant
        self._nursery = nursery
        self._line, self._pid = nursery.take_seat()
        self._awaited = False
        self._line.settimeout(nursery.timeout_s)
        self._stream = self._line.makefile("rw", encoding="utf-8")
        self.opened: dict[str, Any] = {}
        self._send(
            do="open",
            paths=[str(path) for path in occupant.tree.paths],
            folder=str(occupant.tree.folder),
            project=str(occupant.tree.project or ""),
            cell=asdict(occupant.cell),
            weights=occupant.weights,
            threads=occupant.cell.threads,
            for_memory=occupant.for_memory,
        )

    def wait(self) -> None:
        """Wait until it is open; several seats may open at the same time."""
        self.opened = self._receive()
        if "lacks" in self.opened:
            raise SeatError(self.occupant.label, "bad-input", self.opened["reason"], self.opened["lacks"])

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer; SeatError if it fails, dies or is silent too long."""
        self._send(**request)
        return self._receive()

    def _send(self, **request: Any) -> None:
        self._awaited = True
        with contextlib.suppress(OSError):  # an end that is gone gives no answer either
            self._stream.write(json.dumps(request) + "\n")
            self._stream.flush()

    def _receive(self) -> dict[str, Any]:
        try:
            text = self._stream.readline()
        except TimeoutError:
            reason = f"no answer within {self._nursery.timeout_s:g} s"
            raise SeatError(self.occupant.label, "timeout", reason) from None
        except OSError:
            text = ""
        if not text:
            words = scrub(last_words(self._nursery.tail()))
            log = f"; its log ends: {words}" if words else ""
            raise SeatError(self.occupant.label, "crash", f"the process ended before it answered{log}")
        self._awaited = False
        answer = json.loads(text)
        if answer["status"] != "ok":
            raise SeatError(self.occupant.label, answer["status"], answer["reason"])
        value: dict[str, Any] = answer["value"]
        return value

    def close(self) -> None:
        """Let the process end; one that still computes would disturb the others, and is killed."""
        if self._awaited:
            _kill(self._pid)
        self._awaited = False
        with contextlib.suppress(OSError):
            self._stream.close()
        with contextlib.suppress(OSError):
            self._line.close()


def _kill(pid: int) -> None:
    """Kill a seat with what it has started. A forked one is the nursery's to reap."""
    with contextlib.suppress(psutil.Error):
        seat = psutil.Process(pid)
        for process in (*seat.children(recursive=True), seat):
            with contextlib.suppress(psutil.Error):
                process.kill()


class Nursery:
    """Provide fresh seats; a context manager that leaves no process of any seat behind.

    Args:
        threads: threads that a seat's method may use.
        timeout_s: longest time for one request.

    Attributes:
        compiled: a folder for what seats compile, each revision once for all of them.
    """

    def __init__(self, threads: int, timeout_s: float = TIMEOUT_S) -> None:
        self.timeout_s = timeout_s
        self._token = secrets.token_hex(8)
        environment = measuring_environment(threads, self._token, timed=True)
        # What is measured may be the user's own folder, in the middle of a commit: nothing is left in it.
        self._environment = {**environment, "PYTHONDONTWRITEBYTECODE": "1"}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._line: socket.socket | None = None

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile()
        self.compiled = Path(tempfile.mkdtemp(prefix="llbench-gate-"))
        if FORKS:
            self._line = self._start("nursery")
            self._line.settimeout(START_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._line is not None:
            self._line.close()
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=GRACE_S)
        kill_strays(self._token)
        self._log.close()
        shutil.rmtree(self.compiled, ignore_errors=True)

    def take_seat(self) -> tuple[socket.socket, int]:
        """Start a process for a seat and return this end of its socket, and its id."""
        if self._line is None:
            line = self._start("seat")
            return line, self._processes[-1].pid
        here, there = socket.socketpair()
        try:
            socket.send_fds(self._line, [b"+"], [there.fileno()])
            told = self._line.recv(PID_BYTES, socket.MSG_WAITALL)
            if len(told) < PID_BYTES:
                raise ConnectionResetError
        except OSError as error:
            here.close()
            words = scrub(last_words(self.tail()))
            raise InputError(f"the measuring process ended; its log ends: {words}") from error
        finally:
            there.close()
        return here, int.from_bytes(told, sys.byteorder)

    def tail(self) -> str:
        """Return the end of what any seat has printed."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(size - TAIL_BYTES, 0))
        return self._log.read().decode(errors="replace")

    def _start(self, kind: str) -> socket.socket:
        here, there = socket.socketpair()
        with there:
            self._processes.append(
                subprocess.Popen(
                    [
                        sys.executable,
                        "-P",
                        "-m",
                        "bench.gate.seat",
                        kind,
                        str(there.fileno()),
                        str(self.compiled),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=self._log,
                    stderr=self._log,
                    env=self._environment,
                    cwd=Path(__file__).parents[2],
                    pass_fds=(there.fileno(),),
                    start_new_session=True,
                )
            )
        return here
