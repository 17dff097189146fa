"""Processes that a model started and moved out of its worker's group, found by what they inherited."""

from __future__ import annotations

import os

import psutil

# Variable that a worker hands to everything it starts; its value is the worker's own.
TOKEN = "LLBENCH_WORKER"  # noqa: S105 -- the name of a variable
GONE_S = 5.0


def kill_strays(token: str) -> int:
    """Kill what a worker moved out of its group, known by the token it inherited; returns how many.

    The caller is spared, so that a worker's own guard can do it.
    """
    killed = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(TOKEN) == token:
                process.kill()
                killed.append(process)
        except (psutil.Error, OSError):
            continue
    psutil.wait_procs(killed, timeout=GONE_S)
    return len(killed)
