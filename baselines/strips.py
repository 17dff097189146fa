"""Work on an image in strips of rows, which stay in the cache and run on as many threads as are allowed.

NumPy releases the interpreter lock inside its loops, so plain threads do. Their number changes no result.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

STRIP_PIXELS = 1 << 18  # 1 MB of float32: some arrays of it fit a core's cache
WORTH_THREADS = 4  # strips


def threads() -> int:
    """Threads allowed: OMP_NUM_THREADS where set, as for the numerical libraries, else the usable cores."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return int(wanted) if wanted.isdigit() and int(wanted) > 0 else len(os.sched_getaffinity(0))


def over_strips(work: Callable[[int, int], None], shape: tuple[int, ...]) -> None:
    """Call `work(first, end)` for strips of rows that cover an (H, W) image, in any order."""
    height, width = shape
    rows = max(1, STRIP_PIXELS // max(1, width))
    strips = [(first, min(first + rows, height)) for first in range(0, height, rows)]
    count = threads()
    if count == 1 or len(strips) < WORTH_THREADS:
        for first, end in strips:
            work(first, end)
        return
    for _ in _pool(count, os.getpid()).map(lambda strip: work(*strip), strips):
        pass


@cache
def _pool(count: int, _process: int) -> ThreadPoolExecutor:
    """One pool for each process, so that a forked one does not wait for threads it has not."""
    return ThreadPoolExecutor(count)
