"""Pages of memory: fresh ones, kept ones, huge ones.

The C library gives a large block back to the kernel as soon as it is freed, and the next one
costs a page fault for every 4 KB, which the kernel clears first. A network whose activations are tens of
megabytes pays that for each of them in every pass: a large part of its time.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# torch's own option, read as it allocates for the first time: pages of 2 MB for its large tensors.
HUGE = "THP_MEM_ALLOC_ENABLE"
# Options of mallopt(3) in glibc.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
DEFAULT_MMAP_MAX = 65536


def ask_for_huge() -> None:
    """Let torch ask the kernel for huge pages, of which a large tensor needs few.

    To be called before torch is imported; whether there are any is the kernel's to decide.
    """
    os.environ.setdefault(HUGE, "1")


def faults() -> int | None:
    """Count this process's page faults so far, but those that read a disk; None if they are not counted."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def can_be_kept() -> bool:
    """Whether this C library (glibc) can be told to keep pages."""
    return _glibc() is not None


@contextmanager
def huge() -> Iterator[None]:
    """Ask for huge pages within this block alone, where torch is imported and first allocates."""
    before = os.environ.get(HUGE)
    ask_for_huge()
    try:
        yield
    finally:
        if before is None:
            del os.environ[HUGE]


@contextmanager
def kept() -> Iterator[None]:
    """Keep and reuse the pages of memory freed in this block; without glibc nothing changes.

    For measuring: before 2.38 glibc finds no room for an aligned block where one of the same size was freed,
    so that a process that keeps doing this may grow.
    """
    library = _glibc()
    if library is None:
        yield
        return
    library.mallopt(M_MMAP_MAX, 0)
    library.mallopt(M_TRIM_THRESHOLD, -1)
    try:
        yield
    finally:
        library.mallopt(M_MMAP_MAX, DEFAULT_MMAP_MAX)
        library.malloc_trim(0)


@cache
def _glibc() -> Any:
    try:
        library = ctypes.CDLL(None)
        _ = library.gnu_get_libc_version, library.mallopt, library.malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return library
