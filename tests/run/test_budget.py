"""A budget of time: what would outlast it is not begun, what outlasts it is ended, and both are left."""

import math
import time
from pathlib import Path

import psutil
import pytest

from bench.cli.crew import Crew
from bench.cli.staging import Staging
from bench.records import pending, store
from bench.run import budget as budgets
from bench.run.budget import Budget
from bench.run.manager import execute
from bench.run.plan import plan
from bench.run.request import Request

METHODS = Path(__file__).parent.parent / "methods"
SMALL = {"size": (64, 96), "threads": 1}


@pytest.fixture(autouse=True)
def _models_can_be_named(monkeypatch):
    monkeypatch.syspath_prepend(METHODS)


def test_what_would_outlast_it_is_not_begun_and_the_machine_pace_counts():
    whole = plan(Request(("llpacknet", "did"), ["memory"], size=(2848, 4256), threads=2))
    fast, slow = sorted(whole.jobs, key=lambda job: job.predicted_s)
    end = time.monotonic() + fast.predicted_s + 1
    assert [Budget(end).admits([job]) for job in (fast, slow)] == [True, False]
    assert not Budget(end, lambda: 2.0).admits([fast])
    assert Budget().admits([slow])


def test_a_stage_ends_before_what_would_outlast_it_but_keeps_its_rounds():
    whole = plan(Request(("llpacknet",), ["latency", "memory"], size=(2848, 4256), threads=2, rounds=2))
    timed = whole.jobs[0]
    alone = plan(Request(("llpacknet",), ["memory"], size=(2848, 4256), threads=2)).jobs[0]
    budget = Budget()
    budget.end_stage_in(alone.predicted_s - 1)
    assert [budget.admits([job]) for job in (timed, alone, timed)] == [True, False, True]
    budget.end_stage_in(alone.predicted_s + 1)
    assert budget.admits([alone])


def test_what_a_first_stage_has_no_time_for_is_measured_in_the_next(tmp_path):
    wanted = plan(Request(("gain-only",), ["complexity"], **SMALL))
    staging = Staging(Crew(), tmp_path, 0.0, math.inf, time.monotonic())
    assert staging.measure(wanted).counts == {"ok": 1}
    assert staging.left == []


def test_no_round_follows_one_that_was_left():
    whole = plan(Request(("llpacknet",), ["latency"], size=(2848, 4256), threads=2, rounds=3))
    paces = iter((1.0, 1e6, 1.0))
    budget = Budget(time.monotonic() + 1000, lambda: next(paces))
    found = [budget.admits(whole.jobs[:1]) for _ in range(3)]
    assert found == [True, False, False]


def test_a_budget_that_is_over_leaves_everything_and_names_it(tmp_path):
    wanted = plan(Request(("gain-only", "llpacknet"), ["complexity"], **SMALL))
    staging = Staging(Crew(), tmp_path, None, 0.0, time.monotonic())
    summary = staging.measure(wanted)
    assert summary.measured == 0
    assert set(pending.read(tmp_path)) == {("complexity", "gain-only"), ("complexity", "llpacknet")}
    assert "gain-only about" in staging.left_words()


def test_what_was_measured_before_is_not_named_as_left(tmp_path):
    execute(plan(Request(("gain-only",), ["complexity"], **SMALL)), tmp_path)
    wanted = plan(Request(("gain-only", "llpacknet"), ["complexity"], **SMALL))
    staging = Staging(Crew(), tmp_path, None, 0.0, time.monotonic())
    summary = staging.measure(wanted)
    assert (summary.measured, summary.kept) == (0, 1)
    assert set(pending.read(tmp_path)) == {("complexity", "llpacknet")}
    assert "gain-only" not in staging.left_words()


def test_a_job_that_outlasts_it_is_ended_and_what_was_finished_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(budgets, "GRACE_S", 0.5)
    execute(plan(Request(("misbehaving:good",), ["memory"], **SMALL)), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in store.files(tmp_path)}
    others = set(psutil.Process().children(recursive=True))
    wanted = plan(Request(("misbehaving:good", "misbehaving:sleeper"), ["memory"], **SMALL))
    staging = Staging(Crew(), tmp_path, None, 4.0, time.monotonic())
    staging.measure(wanted)
    assert {path: path.stat().st_mtime_ns for path in store.files(tmp_path)} == before
    assert set(pending.read(tmp_path)) == {("memory", "misbehaving:sleeper")}
    assert "misbehaving:sleeper about" in staging.left_words()
    assert set(psutil.Process().children(recursive=True)) <= others
