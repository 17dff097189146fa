"""Lets settings of a script take turns: a process for each, which makes a call for every line it is sent."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.run.turns import order

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def measure(
    script: str, settings: Sequence[str], arguments: argparse.Namespace, *more: str
) -> dict[str, list[dict[str, Any]]]:
    """Start `script --serve SETTING` for each setting and let them take turns, none twice in a row.

    Each prints a line when it is ready, and then one of JSON for every call. `more` is added to its command.

    Returns:
        by setting, what each call gave: the first is cold, the others are rounds.
    """
    workers = {}
    for setting in settings:
        command = [sys.executable, script, "--serve", setting, "--model", arguments.model]
        command += ["--size", "x".join(map(str, arguments.size)), "--threads", str(arguments.threads), *more]
        workers[setting] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert workers[setting].stdout is not None
        workers[setting].stdout.readline()  # type: ignore[union-attr]
    samples: dict[str, list[dict[str, Any]]] = {setting: [] for setting in settings}
    for number in range(arguments.rounds + 1):
        for setting in order(list(settings), number):
            worker = workers[setting]
            worker.stdin.write("\n")  # type: ignore[union-attr]
            worker.stdin.flush()  # type: ignore[union-attr]
            samples[setting].append(json.loads(worker.stdout.readline()))  # type: ignore[union-attr]
    for worker in workers.values():
        worker.stdin.close()  # type: ignore[union-attr]
        worker.wait()
    return samples


def status(key: str) -> int:
    """Bytes that the kernel gives for this process under a name."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))
