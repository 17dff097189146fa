"""Latency and memory against methods whose cost is known, and complexity against published counts."""

import os
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.data.making.make import make
from bench.machine import pages
from bench.measure import complexity, latency
from bench.measure.latency import BRIEF, LONG_CALL_S, sample
from bench.records import store
from bench.records.cells import Cell
from bench.records.jobs import Job, Order
from bench.run.manager import execute
from bench.run.plan import plan
from bench.run.request import Request

METHODS = Path(__file__).parent.parent / "methods"
# What a first call needs beyond its own arrays: pages of code, the output, the allocator's.
CONSTANT_BYTES = 6_000_000


@pytest.fixture(autouse=True)
def _models_can_be_named(monkeypatch):
    monkeypatch.syspath_prepend(METHODS)


@pytest.mark.alone
def test_a_known_number_of_bytes_is_reported_from_a_large_parent(tmp_path):
    ballast = np.ones(1_000_000_000, np.uint8)
    execute(plan(Request(["misbehaving:touches"], ["memory"], size=(64, 96), threads=1)), tmp_path)
    (record,) = store.load(tmp_path)
    assert ballast[-1] == 1
    assert record.status == "ok", record.reason
    assert record.values["run_peak_bytes"] == pytest.approx(300_000_000, rel=0.03, abs=CONSTANT_BYTES)
    assert record.values["process_peak_bytes"] < 900_000_000, "the parent's gigabyte is not the worker's"
    if Path("/proc/self/clear_refs").exists():
        assert record.values["method"] == "VmHWM"


@pytest.mark.alone
def test_where_the_kernel_keeps_no_peak_memory_is_sampled_and_says_so():
    program = (
        "import time, numpy as np\n"
        "from bench.measure.memory import SamplingWatch\n"
        "watch = SamplingWatch()\n"
        "before = watch.reset()\n"
        "held = np.ones(300_000_000, np.uint8)\n"
        "time.sleep(0.05)\n"
        "del held\n"
        "print(watch.method, watch.peak() - before)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    method, grown = said.split()
    assert method == "sampled"
    assert int(grown) == pytest.approx(300_000_000, rel=0.03)


@pytest.mark.alone
def test_a_known_rest_is_timed_to_one_per_cent():
    job = Job(
        (Cell("misbehaving:rests", "latency", None, None, None, "cpu", "published", "fp32", 64, 96, 1),)
    )
    values = latency.begin(Order(job, out="", manager=os.getpid()))(0)
    import misbehaving

    # On a busy machine a rest of 0.2 s takes longer: the method's own clock says how long it was.
    taken = misbehaving.RESTS[-len(values["samples_s"]) :]
    assert statistics.median(values["samples_s"]) == pytest.approx(statistics.median(taken), rel=0.01)
    assert statistics.median(taken) == pytest.approx(0.2, rel=0.2)
    assert values["cold_s"] >= 0.2
    assert not values["single_pass"]
    assert len(values["samples_s"]) >= 10


def test_the_published_form_is_timed_with_its_pages_kept_too():
    form = {"device": "cpu", "precision": "fp32", "height": 64, "width": 96, "threads": 1}
    for runtime in ("published", "eager"):
        job = Job((Cell("red", "latency", runtime=runtime, **form),))
        values = latency.begin(Order(job, out="", manager=os.getpid()))(0)
        is_timed = runtime == "published" and pages.can_be_kept()
        assert len(values["scopes"].get("kept_pages", [])) == (latency.KEPT_CALLS if is_timed else 0)
        assert values.get("page_faults", 0) >= 0


def test_each_process_but_the_twin_restores_once_from_the_file_on(tmp_path):
    data = make(tmp_path / "data", scenes=1, seed=1, size=(64, 96))
    asked = Request(["misbehaving:good"], ["latency"], dataset=data, size=(64, 96), threads=1, rounds=2)
    assert execute(plan(asked), tmp_path / "out").counts == {"ok": 1}
    (record,) = store.load(tmp_path / "out")
    scopes, rounds = record.values["scopes"], set(record.values["round"])
    assert record.values["twin_samples_s"]
    assert len(scopes["end_to_end"]) == len(scopes["network"]) == len(rounds) == 2
    assert min(scopes["end_to_end"]) > max(0.0, min(scopes["network"]))


def test_warm_up_ends_when_two_calls_agree_and_samples_follow():
    times = iter([1.0, 0.5, 0.4, 0.398, *[0.4] * 100])
    taken = []
    samples, turns = sample(lambda: taken.append(next(times)) or taken[-1], cold=2.0)
    assert taken[:4] == [1.0, 0.5, 0.4, 0.398]
    assert samples == taken[5::2], "each turn begins with a call that is not counted"
    assert turns == list(range(8))


def test_a_short_call_is_made_once_uncounted_as_its_turn_begins():
    calls = []
    samples, turns = sample(lambda: calls.append(0.01) or 0.01, cold=0.01)
    assert turns == [number for number in range(90) for _ in range(2)]
    assert len(samples) == len(turns)
    assert len(calls) == 1 + 90 * 3  # one to warm up, two counted ones a turn


@pytest.mark.parametrize("warm", [0.017, 0.031, 0.4])
def test_however_its_warm_up_went_a_process_is_timed_warm(warm):
    """The first call of a turn takes longer: whether it counts must not hang on a disturbed warm-up."""

    class Turns:
        taken, fresh = 0, False

        def next(self):
            self.taken, self.fresh = self.taken + 1, True
            return self.taken

        def end(self):
            pass

    turns = Turns()

    def call():
        seconds = warm if not turns.taken else 0.025 if turns.fresh else 0.017
        turns.fresh = False
        return seconds

    samples, _ = sample(call, warm, turns)
    assert set(samples) == {0.017}


def test_a_long_call_is_repeated_once_without_warm_up():
    assert sample(lambda: 7.0, cold=LONG_CALL_S + 1) == ([7.0], [0])


def test_a_brief_process_calls_twice_after_a_cold_call_of_seconds_and_warms_up_after_a_short_one():
    assert sample(lambda: 2.5, cold=2.4, extent=BRIEF) == ([2.5, 2.5], [0, 1])
    times = iter([0.5, 0.4, 0.3, *[0.4] * 100])
    taken = []
    samples, _ = sample(lambda: taken.append(next(times)) or taken[-1], cold=0.9, extent=BRIEF)
    assert taken[:3] == [0.5, 0.4, 0.3], "for a second, though no two of them agree"
    assert samples == taken[4::2]
    assert len(samples) == 4


def test_of_brief_processes_the_last_restores_from_the_file_on_and_with_its_pages_kept(tmp_path):
    data = make(tmp_path / "data", scenes=1, seed=1, size=(64, 96))
    asked = Request(["red"], ["latency"], dataset=data, size=(64, 96), threads=1, rounds=2)
    whole = plan(asked)
    brief = replace(whole, jobs=tuple(replace(job, brief=True) for job in whole.jobs))
    assert execute(brief, tmp_path / "out").counts == {"ok": 1}
    (record,) = store.load(tmp_path / "out")
    scopes = record.values["scopes"]
    assert len(scopes["end_to_end"]) == 1
    assert len(scopes.get("kept_pages", [])) == (latency.KEPT_CALLS if pages.can_be_kept() else 0)
    assert record.provenance["settings"] == {"rounds": 2, "brief": True}
    # A run that is not brief measures it again.
    assert execute(whole, tmp_path / "out", resume=True).measured == 1


@pytest.mark.parametrize(
    ("model", "parameters", "fused", "gmac"),
    [
        ("llpacknet", 1_170_640, 1_169_088, 83.30),
    ],
)
def test_complexity_is_as_published(model, parameters, fused, gmac):
    values = complexity.values(Cell(model, "complexity", height=2848, width=4256))
    assert values["parameters_published"] == parameters
    assert fused is None or values["parameters_fused"] == fused
    assert values["gmac"] == pytest.approx(gmac, rel=0.005)


def test_a_classical_method_has_no_parameters_and_no_count_of_operations():
    values = complexity.values(Cell("lime", "complexity", height=2848, width=4256))
    assert values["parameters"] == 0
    assert values["gmac"] is None
    assert values["gmac_reason"]


def test_a_classical_method_says_with_which_options_it_ran():
    found = complexity.values(Cell("baselines.lime.algorithm:exact_lime", "complexity", height=64, width=96))
    assert found["parameters"] == 0
    assert "solver='exact'" in found["options"]
    assert complexity.values(Cell("gain-only", "complexity", height=64, width=96))["options"] is None
