"""Choose the cores of a timed process, so that its threads neither migrate nor share a core."""

from __future__ import annotations

import os
from pathlib import Path

from bench.machine.environment import affinity

TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def pin(threads: int) -> None:
    """Bind this process, and what it starts, to one core for each thread.

    It is not bound if all cores are needed, or the system cannot bind.
    """
    chosen = cores(affinity() or [], threads)
    if chosen:
        os.sched_setaffinity(0, chosen)


def cores(usable: list[int], threads: int) -> list[int]:
    """Choose one of the usable logical cores for each thread, on as many physical ones as possible.

    Empty if all are needed.
    """
    if threads >= len(usable):
        return []
    siblings = {core: _siblings(core) for core in usable}
    firsts = [core for core in usable if core == min(siblings[core] & set(usable))]
    others = [core for core in usable if core not in firsts]
    return sorted([*firsts, *others][:threads])


def _siblings(core: int) -> set[int]:
    """Logical cores of the same physical core; only itself where the system does not say."""
    try:
        listed = Path(TOPOLOGY.format(core)).read_text(encoding="ascii").strip()
    except OSError:
        return {core}
    found = {core}
    for part in listed.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found
