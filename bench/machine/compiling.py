"""Compiles a package's kernels with numba and keeps the machine code between runs.

numba itself looks for changes only in the file that contains a kernel, not in those it calls, and keeps its
code beside that file, which a user may not write to. The folder of the kept code is therefore among the
caches and named after the contents of the whole package, so that old code is never used with changed sources.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
from numba.core import config

from bench.machine.caches import can_write, place

if TYPE_CHECKING:
    from collections.abc import Callable

Kernel = TypeVar("Kernel", bound="Callable[..., Any]")


@cache
def kernel_folder(package: Path) -> Path:
    """Folder of the compiled kernels of exactly these sources: the Python files of a package's folder."""
    content = hashlib.sha256()
    for path in sorted(package.glob("*.py")):
        content.update(path.read_bytes())
    named = os.environ.get("NUMBA_CACHE_DIR")
    base = Path(named) if named and can_write(Path(named)) else place() / "kernels"
    return base / content.hexdigest()[:16]


def kernel(function: Kernel) -> Kernel:
    """Compile on first call; no contraction or reordering of sums; threads may run it."""
    settings: Any = config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(kernel_folder(Path(function.__code__.co_filename).parent))
    try:
        return cast("Kernel", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    finally:
        settings.CACHE_DIR = before
