"""What a worker tells of a task arrives as it was told."""

import pytest

from bench.run.cluster.events import CellEnded, JobBegun, JobFinished, from_json, to_json
from bench.run.plan import plan
from bench.run.request import Request


def test_events_outlive_the_way_as_text():
    (job, *_) = plan(Request(["llpacknet"], ["latency"], size=(64, 96), rounds=1)).left()
    for event in (JobBegun(job), CellEnded(job, job.cell, "crash", "SIGSEGV"), JobFinished(job)):
        assert from_json(to_json(event)) == event


def test_what_is_no_event_is_refused():
    (job, *_) = plan(Request(["llpacknet"], ["latency"], size=(64, 96), rounds=1)).left()
    with pytest.raises(ValueError, match="stop"):
        from_json(to_json(JobBegun(job)).replace("JobBegun", "stop"))
