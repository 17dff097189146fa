"""Stages hold every job of a plan once, cheap ones first, and a round never falls apart."""

from collections import Counter
from itertools import pairwise

import pytest

from bench.run.plan import plan
from bench.run.request import Request
from bench.run.stages import predicted, stages, without

FULL = {"size": (2848, 4256), "threads": 2, "tier": "quick"}


@pytest.fixture(scope="module")
def whole():
    return plan(Request(("all",), ["complexity", "latency", "memory"], **FULL))


def test_every_job_is_measured_in_one_stage(whole):
    found = [job for stage in stages(whole, 150.0) for job in stage.plan.jobs]
    assert len(found) == len(whole.jobs)
    assert {(job.cells, job.round) for job in found} == {(job.cells, job.round) for job in whole.jobs}
    assert [stage.plan.jobs for stage in stages(whole, None)] == [whole.jobs]


def _processes(some):
    return Counter((job.cells, job.round, job.twin) for job in some.left())


def test_stages_start_the_processes_of_the_whole_and_no_more(whole):
    """A stage of slow methods alone has no A/A pair: it would take as long again, and the rounds have one."""
    found = sum((_processes(stage.plan) for stage in stages(whole, 150.0)), Counter())
    assert found == _processes(whole)
    slow = whole.only(lambda cell, _: cell.model in {"did", "sgn"})
    assert not any(job.twin for job in slow.left())
    assert not any(job.twin for stage in stages(slow, 150.0) for job in stage.plan.left())


def test_the_first_stage_counts_all_and_opens_every_interleaved_round(whole):
    first, *later = stages(whole, 150.0)
    kinds = {job.measurement for job in first.plan.jobs}
    assert "complexity" in kinds
    repeated = {job.cell for job in whole.jobs if job.measurement == "latency" and not job.single_pass}
    assert repeated <= {job.cell for job in first.plan.jobs if job.measurement == "latency"}
    rounds = [{job.round for job in stage.plan.jobs if job.cell in repeated} - {0} for stage in later]
    assert [one for one in rounds if one] == [{1, 2, 3, 4}]


def _timed(stage):
    return dict.fromkeys(job.cell.model for job in stage.plan.jobs if job.measurement == "latency")


def test_slow_methods_follow_the_cheapest_first(whole):
    once = [job.cell.model for job in whole.jobs if job.single_pass]
    methods = [name for stage in stages(whole, 150.0) for name in _timed(stage)]
    order = [name for name in methods if name in once]
    seconds = {job.cell.model: job.predicted_s for job in whole.jobs if job.single_pass}
    assert set(order) == set(once)
    assert all(seconds[one] <= seconds[other] for one, other in pairwise(order))


def test_rounds_that_do_not_fit_are_left_to_later_stages(whole):
    first = stages(whole, 150.0, at_most_s=30.0)[0]
    assert first.seconds <= 30
    assert "complexity" in {job.measurement for job in first.plan.jobs}
    assert all(job.single_pass for job in first.plan.jobs if job.measurement == "latency")


def test_what_failed_in_the_first_round_is_not_tried_in_the_others(whole):
    last = next(stage for stage in stages(whole, 150.0) if any(job.round for job in stage.plan.jobs))
    (cell, *_) = {job.cell for job in last.plan.jobs if job.round}
    assert cell not in {job.cell for job in without(last, {cell}).plan.jobs}


def test_what_is_left_is_told_by_measurement_and_method(whole):
    left = predicted(stages(whole, 150.0))
    assert left["latency", "did"] + left["memory", "did"] == pytest.approx(
        sum(job.predicted_s for job in whole.jobs if job.cell.model == "did" and job.cell.device)
    )
