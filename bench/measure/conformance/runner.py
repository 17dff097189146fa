"""Runs the conformance test of a method in a process of its own, so that nothing it does can end this one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bench.machine import git
from bench.machine.endings import last_words, signal_name
from bench.machine.environment import scrub
from bench.measure.conformance.findings import Finding
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILD = "build"
# In the order in which they run; the others are not tried on a method that cannot be built.
CHECKS = (
    *(BUILD, "sizes", "batch", "determinism", "input", "gain", "dtype"),
    *("weights", "settings", "export", "memory"),
)
TIMEOUT_S = 300.0
ENDING_S = 2.0
TAIL_BYTES = 4096
BY_HAND = (
    "call it in Python with a random tensor (1, 1, 64, 96) and with the sizes in docs/adding.md to see why"
)


def check(name: str, weights: str = "shipped", *, timeout_s: float = TIMEOUT_S) -> Iterator[Finding]:
    """Run every check on a method and yield what each found.

    A check that ends its process has failed; the following ones run in a fresh process.

    Args:
        name: a registered name, or "package.module:factory".
        weights: as `baselines.create` takes them.
        timeout_s: longest time for one check.

    Raises:
        InputError: weights that do not fit or cannot be read.
    """
    left = list(CHECKS)
    while left:
        process = _Process(name, weights, [one for one in left if one != BUILD], timeout_s)
        built = False
        for finding in process.findings():
            if finding.check == BUILD:
                built = finding.result == "passed"
            if finding.check in left:
                left.remove(finding.check)
                yield finding
        if left and (built or BUILD in left):
            yield Finding(left.pop(0), "failed", process.ending(), BY_HAND)
        if not built:
            yield from (Finding(one, "skipped", "it cannot be built") for one in left)
            return


@dataclass
class _Process:
    """One child that builds the method and works on a list of checks."""

    name: str
    weights: str
    checks: list[str]
    timeout_s: float
    timed_out: bool = False
    code: int = 0
    tail: str = ""
    _log: IO[bytes] = field(default_factory=tempfile.TemporaryFile)

    def findings(self) -> Iterator[Finding]:
        """Start it and yield its findings until it ends; nothing of its group is left behind."""
        child = self._start()
        timer = self._timer(child)
        try:
            assert child.stdout is not None
            for line in child.stdout:
                timer.cancel()
                yield _finding(line)
                timer = self._timer(child)
        finally:
            timer.cancel()
            # It may have ended by itself; only then does its exit status tell anything.
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(0 if self.timed_out else ENDING_S)
            _kill(child)
            self.code = child.wait()
            with self._log as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(size - TAIL_BYTES, 0))
                self.tail = log.read().decode(errors="replace")

    def ending(self) -> str:
        """Say in one line how it ended before it was done."""
        words = scrub(last_words(self.tail))
        log = f"; its log ends: {words}" if words else ""
        if self.timed_out:
            return f"no result within {self.timeout_s:g} s{log}"
        if self.code < 0:
            return f"it kills the process by {signal_name(self.code)}{log}"
        return f"it ends the process with exit status {self.code}{log}"

    def _start(self) -> subprocess.Popen[str]:
        paths = [path for path in sys.path if path] + [str(Path.cwd())]
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "bench.measure.conformance", self.name, self.weights, *self.checks],
            env={**git.environment(), "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )

    def _timer(self, child: subprocess.Popen[str]) -> threading.Timer:
        timer = threading.Timer(self.timeout_s, self._give_up, (child,))
        timer.daemon = True
        timer.start()
        return timer

    def _give_up(self, child: subprocess.Popen[str]) -> None:
        self.timed_out = True
        _kill(child)


def _finding(line: str) -> Finding:
    said: dict[str, Any] = json.loads(line)
    if "unusable" in said:
        raise InputError(str(said["unusable"]))
    return Finding(**said)


def _kill(child: subprocess.Popen[str]) -> None:
    """Kill the child's whole group, which outlives it if the method left processes behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
