"""Where the time of a run goes is written down without touching the run."""

import time

from bench.machine import trace
from bench.run.manager import execute
from bench.run.plan import plan
from bench.run.request import Request


def test_the_time_of_an_inner_step_counts_once(tmp_path):
    trace.write(tmp_path / "elsewhere", "cell")  # what this process did before
    start = time.perf_counter()
    with trace.span("outer"):
        time.sleep(0.02)
        with trace.span("inner"):
            time.sleep(0.05)
    whole = time.perf_counter() - start
    trace.write(tmp_path, "cell", model="none")
    trace.write(tmp_path, "cell")
    first, second = trace.read(tmp_path)
    assert first["model"] == "none"
    assert first["spans"]["inner"] >= 0.05
    assert first["spans"]["outer"] >= 0.02
    assert sum(first["spans"].values()) <= whole + 1e-3, "an inner step counted twice"
    assert second["spans"] == {}


def test_a_folder_that_takes_no_trace_or_holds_half_of_one_stops_nothing(tmp_path):
    trace.write(tmp_path / "absent", "cell")
    assert trace.read(tmp_path / "absent") == []
    (tmp_path / trace.FILE).write_text('{"step": "cell", "spans": {}}\n{"step": "ce')
    assert len(trace.read(tmp_path)) == 1


def test_a_worker_and_its_manager_say_what_took_their_time(tmp_path):
    execute(plan(Request(["gain-only"], ["memory"], size=(64, 96), threads=1)), tmp_path)
    lines = trace.read(tmp_path)
    (worker,) = [line for line in lines if line["step"] == "worker"]
    spans = {
        name: seconds for line in lines if line["step"] == "cell" for name, seconds in line["spans"].items()
    }
    assert {"import", "build", "method: cold call", "store"} <= set(spans)
    assert 0 < sum(spans.values()) < worker["seconds"]
