"""An interrupted run of latency is continued at its first incomplete round."""

from dataclasses import replace

import pytest

from bench.records.cells import Record
from bench.run.origins import provenance_of, settings_of
from bench.run.plan import plan
from bench.run.request import Request
from bench.run.resume import Resume
from bench.run.rounds import Rounds

MOMENT = {"before": {"load": 0}, "after": {"load": 1}}


def share(job, seconds=1.0, *, single_pass=False):
    values = {
        "samples_s": [seconds, seconds],
        "turn": [0, 1],
        "cold_s": 2.0,
        "single_pass": single_pass,
        "scopes": {"gain": [0.1]},
    }
    return Record(
        job.cell, "ok", values=values, environment={"cpu": "x", **MOMENT}, provenance={"torch": "2"}
    )


@pytest.fixture
def jobs():
    return plan(Request(["sid-unet", "llpacknet"], ["latency"], size=(64, 96), rounds=3)).left()


def always(_, __):
    return True


def test_all_rounds_make_one_record_with_the_twin_apart(jobs, tmp_path):
    rounds = Rounds(jobs, tmp_path, always)
    finished = {}
    for job in jobs:
        record = rounds.add(job, share(job, seconds=2.0 if job.twin else 1.0 + job.round))
        if record:
            finished[record.cell.model] = record.values
            rounds.close(record.cell)
    assert finished["sid-unet"]["samples_s"] == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
    assert finished["sid-unet"]["round"] == [0, 0, 1, 1, 2, 2]
    assert finished["sid-unet"]["turn"] == [0, 1] * 3
    assert finished["llpacknet"]["twin_samples_s"] == [2.0] * 6
    assert finished["llpacknet"]["twin_turn"] == [0, 1] * 3
    assert finished["llpacknet"]["cold_samples_s"] == [2.0] * 3
    assert finished["llpacknet"]["run"] == finished["sid-unet"]["run"]
    assert not (tmp_path / "rounds").exists()


@pytest.mark.parametrize("stop", range(1, 9))
def test_only_complete_rounds_outlive_an_interruption(jobs, tmp_path, stop):
    before = Rounds(jobs, tmp_path, always)
    for job in jobs[:stop]:
        before.add(job, share(job))
    after = Rounds(jobs, tmp_path, always)
    left = after.left(jobs)
    assert left == list(jobs[stop // 3 * 3 :])
    assert stop < 3 or after.run == before.run
    finished = [after.add(job, share(job)) for job in left]
    assert sum(record is not None for record in finished) == 2


def test_an_interruption_before_the_last_file_was_written_loses_nothing(jobs, tmp_path):
    before = Rounds(jobs, tmp_path, always)
    for job in jobs:
        before.add(job, share(job))
    after = Rounds(jobs, tmp_path, always)
    assert after.left(jobs) == []
    assert {record.cell.model for _, record in after.complete()} == {"sid-unet", "llpacknet"}


def test_contributions_of_other_code_or_weights_are_not_taken_up(jobs, tmp_path):
    before = Rounds(jobs, tmp_path, always)
    for job in jobs[:4]:
        before.add(job, share(job))
    assert Rounds(jobs, tmp_path, lambda _, __: False).left(jobs) == list(jobs)


def test_a_failure_ends_its_cell_and_a_failing_twin_does_not(jobs, tmp_path):
    rounds = Rounds(jobs, tmp_path, always)
    sid, own, twin = jobs[:3]
    later = {(job.cell.model, job.round, job.twin): job for job in jobs[3:]}
    failed = rounds.add(sid, Record(sid.cell, "crash", "SIGSEGV"))
    assert failed is not None
    assert failed.reason == "round 1: SIGSEGV"
    assert not rounds.wants(later["sid-unet", 1, False])
    rounds.add(own, share(own))
    rounds.add(twin, Record(twin.cell, "crash", "SIGSEGV"))
    assert not rounds.wants(later["llpacknet", 1, True])
    assert rounds.add(later["llpacknet", 1, False], share(later["llpacknet", 1, False])) is None
    last = rounds.add(later["llpacknet", 2, False], share(later["llpacknet", 2, False]))
    assert last is not None
    assert last.status == "ok"
    assert "SIGSEGV" in last.values["twin_reason"]


def test_a_method_that_proves_slow_is_timed_once(jobs, tmp_path):
    rounds = Rounds(jobs, tmp_path, always)
    record = rounds.add(jobs[0], share(jobs[0], single_pass=True))
    assert record is not None
    assert record.values["single_pass"]
    rounds.close(record.cell)
    assert not any(rounds.wants(job) for job in jobs[1:] if job.cell == record.cell)


def test_a_slow_method_that_is_its_runs_a_a_pair_is_timed_twice(jobs, tmp_path):
    rounds = Rounds(jobs, tmp_path, always)
    own, twin = jobs[1:3]
    assert rounds.add(own, share(own, single_pass=True)) is None
    assert rounds.wants(twin)
    record = rounds.add(twin, share(twin, 1.1, single_pass=True))
    assert record is not None
    assert record.values["twin_samples_s"] == [1.1, 1.1]
    assert not any(rounds.wants(job) for job in jobs[3:] if job.cell == own.cell)


def test_a_stage_of_the_first_round_makes_a_record_that_does_not_pass_for_all(jobs, tmp_path):
    first = [job for job in jobs if job.round == 0]
    early = Rounds(first, tmp_path, always)
    records = [found for job in first if (found := early.add(job, share(job)))]
    assert {record.cell.model for record in records} == {"sid-unet", "llpacknet"}
    for record in records:
        assert record.provenance["settings"] == {"rounds": 1}
        early.close(record.cell)
    late = Rounds([job for job in jobs if job.round > 0], tmp_path, always)
    assert late.run == early.run
    finished = [found for job in jobs if job.round > 0 and (found := late.add(job, share(job)))]
    for record in finished:
        assert sorted(set(record.values["round"])) == [0, 1, 2]
        assert "settings" not in record.provenance
        late.close(record.cell)
    assert len(finished) == 2
    assert not (tmp_path / "rounds").exists()


@pytest.mark.parametrize("stored", [0, 1, 2, 3])
def test_rounds_that_are_kept_are_not_left_of_a_plan(tmp_path, stored):
    whole = plan(Request(["sid-unet", "llpacknet"], ["latency", "memory"], size=(64, 96), rounds=3))
    jobs = whole.left()
    before = Rounds(jobs, tmp_path, always)
    for job in jobs:
        origin = {**provenance_of(job), "data_sha256": None, "settings": settings_of(job, 3)["latency"]}
        # Of the round after those that are whole, the first process is not enough.
        if job.round < stored or job == next(one for one in jobs if one.round == job.round):
            before.add(job, replace(share(job), provenance=origin))
    open_jobs = Resume(whole, tmp_path).plan_left().jobs
    left = {(cell.model, cell.measurement, job.round) for job in open_jobs for cell in job.cells}
    models = ("sid-unet", "llpacknet")
    # Once all are there, the cells have yet to be put together.
    timed = range(stored if stored < 3 else 0, 3)
    assert left == {(model, "memory", 0) for model in models} | {
        (model, "latency", number) for model in models for number in timed
    }
