"""Compiles this package's kernels with numba and keeps the machine code between runs.

numba itself looks for changes only in the file that a kernel stands in, not in those it calls. The folder of
the kept code is therefore named after the contents of the whole package: changed sources are never met by
old code.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
from numba.core import config

from bench.machine.caches import place

if TYPE_CHECKING:
    from collections.abc import Callable

Kernel = TypeVar("Kernel", bound="Callable[..., Any]")


@cache
def kernel_folder() -> Path:
    """Folder of the compiled kernels of exactly these sources."""
    content = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        content.update(path.read_bytes())
    base = os.environ.get("NUMBA_CACHE_DIR") or place() / "kernels"
    return Path(base) / content.hexdigest()[:16]


def kernel(function: Kernel) -> Kernel:
    """Compile on first call; no contraction or reordering of sums; threads may run it."""
    settings: Any = config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(kernel_folder())
    try:
        return cast("Kernel", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    finally:
        settings.CACHE_DIR = before
