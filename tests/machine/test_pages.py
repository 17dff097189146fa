"""Pages that a pass has let go of are there for the next one."""

import mmap
import os
import subprocess
import sys

import pytest

from bench.machine import pages

PROGRAM = """
import ctypes, mmap, resource
from bench.machine import pages

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]
SIZE = 64 << 20

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = library.malloc(ctypes.c_size_t(SIZE))
    ctypes.memset(block, 1, SIZE)
    library.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
fresh = faults()
with pages.kept():
    faults()
    kept = faults()
print(fresh, kept, faults())
"""


@pytest.mark.skipif(not pages.can_be_kept(), reason="needs glibc")
def test_pages_are_kept_within_and_fresh_outside():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    fresh, kept, after = map(int, done.stdout.split())
    assert min(fresh, after) >= 30  # 64 MB in pages of 2 MB, or many more of 4 KB
    assert kept < 5


def test_huge_pages_are_asked_for_within_alone_and_not_against_a_users_wish(monkeypatch):
    monkeypatch.delenv(pages.HUGE, raising=False)
    with pages.huge():
        assert os.environ[pages.HUGE] == "1"
    assert pages.HUGE not in os.environ
    monkeypatch.setenv(pages.HUGE, "0")
    with pages.huge():
        assert os.environ[pages.HUGE] == "0"
    assert os.environ[pages.HUGE] == "0"


@pytest.mark.skipif(pages.faults() is None, reason="needs a count of page faults")
def test_memory_that_is_touched_for_the_first_time_is_counted():
    before = pages.faults()
    mapped = mmap.mmap(-1, 4 << 20)
    for place in range(0, 4 << 20, mmap.PAGESIZE):
        mapped[place] = 1
    assert pages.faults() - before >= 2  # 4 MB in pages of 2 MB, or many more of 4 KB
