"""A timed process is bound to as many cores as it has threads."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.machine import affinity
from bench.machine.affinity import cores, pin


@given(st.sets(st.integers(0, 255), min_size=1), st.integers(1, 300))
def test_each_thread_has_a_core_of_those_that_may_be_used(usable, threads):
    chosen = cores(sorted(usable), threads)
    assert set(chosen) <= usable
    assert len(chosen) == (threads if threads < len(usable) else 0)


def test_two_threads_do_not_share_a_physical_core_that_both_could_have(tmp_path, monkeypatch):
    for core, listed in enumerate(("0,4", "1,5", "2,6", "3,7") * 2):
        (tmp_path / str(core)).write_text(listed)
    monkeypatch.setattr(affinity, "TOPOLOGY", str(tmp_path / "{}"))
    assert cores(list(range(8)), 3) == [0, 1, 2]
    assert cores([1, 4, 5, 6], 3) == [1, 4, 6]
    assert cores(list(range(8)), 5) == [0, 1, 2, 3, 4]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot bind processes")
def test_a_bound_process_and_its_children_keep_to_their_core():
    usable = sorted(os.sched_getaffinity(0))
    program = (
        "from bench.machine.affinity import pin; import os; pin(1); print(sorted(os.sched_getaffinity(0)))"
    )
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert said.strip() == str(usable[:1] if len(usable) > 1 else usable)
    pin(len(usable))
    assert sorted(os.sched_getaffinity(0)) == usable
