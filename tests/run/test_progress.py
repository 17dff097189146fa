"""The time left, as lines say it: learnt from what has taken its turns to the end, never from waiting."""

import io

import pytest

from bench.records.cells import Cell
from bench.records.jobs import Job
from bench.run import progress

PREDICTED_S = (10.0, 60.0, 230.0)


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when the test says so."""
    passed = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: passed[0])
    return passed


def jobs(*predicted_s: float) -> list[Job]:
    return [
        Job((Cell(model, "latency", height=64, width=96),), predicted_s=seconds)
        for model, seconds in zip(("red", "sid-unet", "did"), predicted_s, strict=True)
    ]


def last_line(stream: io.StringIO) -> str:
    return stream.getvalue().splitlines()[-1].strip()


def test_jobs_that_take_turns_teach_together(clock):
    stream = io.StringIO()
    lines, later_s = progress.for_stream(stream, later_s=600.0), 600.0
    group = jobs(*PREDICTED_S)
    lines.start(group)
    for job in group:
        lines.begin(job)
    clock[0] = 2 * sum(PREDICTED_S)
    left = []
    for job in group:
        lines.finish(job)
        left.append(last_line(stream))
    # 10, 60 and 230 s predicted, 600 s taken: twice as slow, but for the first 15 s.
    factor = (600 + progress.FIRM_S) / (300 + progress.FIRM_S)
    assert left[0] == f"about {progress.duration(290 + later_s)} left"
    assert left[-1] == f"about {progress.duration(later_s * factor)} left"


def test_jobs_one_after_another_teach_each(clock):
    stream = io.StringIO()
    lines, group = progress.for_stream(stream), jobs(*PREDICTED_S)
    lines.start(group)
    lines.begin(group[0])
    clock[0] = 35.0
    lines.finish(group[0])
    assert last_line(stream) == f"about {progress.duration(290 * (15 + 35) / (15 + 10))} left"


def test_jobs_of_many_workers_teach_as_the_next_begins(clock):
    stream = io.StringIO()
    lines, group = progress.for_stream(stream), jobs(10.0, 10.0, 10.0)
    lines.start(group)
    lines.begin(group[0])
    lines.begin(group[1])
    clock[0] = 5.0
    lines.finish(group[0])
    lines.begin(group[2])
    clock[0] = 10.0
    lines.finish(group[1])
    assert last_line(stream) == f"about {progress.duration(10 * (15 + 5) / (15 + 10))} left"
