"""A worker that stays keeps its method from order to order, and one that ends is replaced."""

from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bench.data.making.make import make
from bench.records import store
from bench.run.attempt import WorkerLimits
from bench.run.manager import Execution, execute
from bench.run.plan import plan
from bench.run.process import Resident
from bench.run.request import Request

METHODS = Path(__file__).parent.parent / "methods"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make(tmp_path_factory.mktemp("data"), scenes=2, seed=1, size=(64, 96))


@pytest.fixture(autouse=True)
def _at_hand(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(METHODS)
    monkeypatch.setenv("LLBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def resident():
    kept = Resident()
    yield kept
    kept.end()


@pytest.fixture
def children():
    """Give the processes that the test itself has started; those of tests before it are not counted."""
    before = set(psutil.Process().children())
    return lambda: set(psutil.Process().children()) - before


def orders(model, data):
    """One plan per image."""
    whole = plan(Request([model], ["quality"], dataset=data, threads=1))
    (job,) = whole.jobs
    return [replace(whole, jobs=(job.only([index]),)) for index in range(len(job.cells))]


def test_images_judged_by_one_that_stays_are_those_of_fresh_ones(data, tmp_path, resident):
    for one in orders("llpacknet", data):
        summary = Execution(one, tmp_path / "stays", WorkerLimits(), worker=resident.run).run()
        assert summary.counts == {"ok": 1}
    assert resident.started == 1
    execute(plan(Request(["llpacknet"], ["quality"], dataset=data, threads=1)), tmp_path / "fresh")
    fresh = {record.cell: record.values for record in store.load(tmp_path / "fresh")}
    assert {record.cell: record.values for record in store.load(tmp_path / "stays")} == fresh


def test_another_method_has_a_worker_of_its_own(data, tmp_path, resident, children):
    for model in ("gain-only", "misbehaving:good", "gain-only"):
        out = tmp_path / str(resident.started)
        execution = Execution(orders(model, data)[0], out, WorkerLimits(), worker=resident.run)
        assert execution.run().counts["ok"] == 1
    assert resident.started == 3
    assert len(children()) == 1


def test_one_that_dies_is_replaced_and_costs_its_image_alone(data, tmp_path, resident):
    ends = []
    for one in orders("misbehaving:moody", data)[:4]:
        ends += Execution(one, tmp_path, WorkerLimits(), worker=resident.run).run().counts
    assert ends == ["ok", "crash", "ok", "crash"]
    assert resident.started == 2
    assert "SIGSEGV" in str(next(r.reason for r in store.load(tmp_path) if r.status == "crash"))


def test_one_that_hangs_is_ended(data, tmp_path, resident, children):
    one = orders("misbehaving:sleeper", data)[0]
    summary = Execution(one, tmp_path, WorkerLimits(timeout_s=6.0, grace_s=0.5), worker=resident.run).run()
    assert summary.counts == {"timeout": 1}
    assert not children()
