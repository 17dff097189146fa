"""Every end of a worker becomes a status with its reason, and none leaves a process behind."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from bench.machine.strays import TOKEN
from bench.records import store
from bench.run.attempt import WorkerLimits
from bench.run.manager import execute
from bench.run.plan import plan
from bench.run.request import Request
from llpacknet.errors import InputError

METHODS = Path(__file__).parent.parent / "methods"
SIZE = (64, 96)


MARK = "LLBENCH_TEST"


@pytest.fixture(autouse=True)
def _models_can_be_named(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(METHODS)
    monkeypatch.setenv(MARK, str(tmp_path))


def workers():
    """Processes that this test's managers started, or that their models started."""
    found = []
    for one in psutil.process_iter():
        try:
            environment = one.environ()
            ours = TOKEN in environment and environment.get(MARK) == os.environ[MARK]
            if ours and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one.pid)
        except (psutil.Error, OSError):
            continue
    return found


def memory_of(models, out, **limits):
    """Run the memory cell of each model: one process and one call each."""
    wanted = plan(Request([f"misbehaving:{model}" for model in models], ["memory"], size=SIZE, threads=1))
    summary = execute(wanted, out, limits=WorkerLimits(**limits))
    records = {record.cell.model.removeprefix("misbehaving:"): record for record in store.load(out)}
    assert set(records) == set(models)
    return summary, records


def test_each_way_to_fail_has_its_status_and_harms_no_other(tmp_path):
    ways = {
        "hungry": ("oom-host", "memory"),
        "segfaulting": ("crash", "SIGSEGV"),
        "exiting": ("crash", "exit status 3"),
        "leaving": ("crash", "SystemExit(4)"),
        "raising": ("crash", "ValueError: the method's own words (misbehaving.py:"),
        "not_a_number": ("wrong-output", "NaN"),
        "misshapen": ("wrong-output", "(1, 3, 64, 48), not (1, 3, 64, 96)"),
        "noisy": ("ok", None),
        "parent": ("ok", None),
        "good": ("ok", None),
    }
    summary, records = memory_of(ways, tmp_path, memory_bytes=1_500_000_000)
    for model, (status, reason) in ways.items():
        record = records[model]
        assert record.status == status, (model, record.reason)
        assert reason is None or reason in str(record.reason)
        assert bool(record.values) == (status == "ok")
    assert "misbehaving.py" in str(records["segfaulting"].reason), "the log's end names the place"
    assert summary.counts == {"ok": 3, "crash": 4, "wrong-output": 2, "oom-host": 1}
    assert summary.failed == 7
    assert not workers()


def test_a_worker_that_is_out_of_time_is_ended_even_if_it_ignores_terminate(tmp_path):
    start = time.monotonic()
    _, records = memory_of(["sleeper", "stubborn"], tmp_path, timeout_s=4.0, grace_s=0.5)
    assert {record.status for record in records.values()} == {"timeout"}
    assert all("4 s" in str(record.reason) for record in records.values())
    assert time.monotonic() - start < 60
    assert not workers()


def test_methods_of_a_round_take_turns_and_one_that_fails_in_its_own_harms_no_other(tmp_path):
    models = ("tiring", "good", "not_a_number", "rests")
    named = [f"misbehaving:{model}" for model in models]
    summary = execute(plan(Request(named, ["latency", "memory"], size=SIZE, threads=1, rounds=1)), tmp_path)
    assert summary.counts == {"ok": 4, "crash": 2, "wrong-output": 2}
    assert len(summary.failures) == 4, "a cell whose twin fails too has failed once"
    records = {
        (record.cell.model.removeprefix("misbehaving:"), record.cell.measurement): record
        for record in store.load(tmp_path)
    }
    timed = {model: records[model, "latency"] for model in models}
    assert {model: record.status for model, record in timed.items()} == {
        "good": "ok",
        "tiring": "crash",
        "not_a_number": "wrong-output",
        "rests": "ok",
    }
    assert "SIGSEGV" in str(timed["tiring"].reason)
    assert timed["not_a_number"].values == {}
    assert records["rests", "memory"].status == "ok"
    short, long = (timed[model].values for model in ("good", "rests"))
    assert set(long["turn"]) < set(short["turn"]), "the long calls have fewer turns, beside the short ones"
    assert 2 <= len(long["turn"]) == len(set(long["turn"])) <= 15
    assert set(short["turn"]) == set(range(90))
    assert not workers()


def start_run(out, *options):
    """Start `llbench run` as a process of its own."""
    command = [sys.executable, "-m", "bench", "run", "--out", str(out), "--threads", "1", *options]
    return subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(METHODS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def wait_for(condition, seconds=90):
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


COSTS = ("--models", "misbehaving:good", "--measure", "latency,memory", "--size", "64x96")


def test_killed_at_any_moment_a_run_goes_on_and_repeats_nothing(tmp_path):
    out = tmp_path / "out"
    options = (*COSTS, "--rounds", "2", "--resume")
    seen = {}
    # While the first workers start, and amid the first round.
    for moment in (workers, lambda: store.files(out)):
        manager = start_run(out, *options)
        wait_for(moment)
        manager.kill()
        manager.communicate()
        wait_for(lambda: not workers())
        for path in store.files(out):
            assert store.validate(path) == []
            assert seen.setdefault(path.name, path.stat().st_mtime_ns) == path.stat().st_mtime_ns
    manager = start_run(out, *options)
    printed, log = manager.communicate(timeout=200)
    assert manager.returncode == 0, log.decode()
    assert b"2 ok" in printed
    records = store.load(out)
    assert len(records) == 2
    for record in records:
        if record.cell.measurement == "latency":
            assert set(record.values["round"]) == {0, 1}
    twins = [record for record in records if "twin_samples_s" in record.values]
    assert len(twins) == 1
    assert len({record.values["run"] for record in records if "run" in record.values}) == 1
    for path in store.files(out):
        assert seen.setdefault(path.name, path.stat().st_mtime_ns) == path.stat().st_mtime_ns
    assert not (out / "rounds").exists()


def test_nothing_outlives_a_killed_manager_not_even_what_a_model_moved_to_another_session(tmp_path):
    options = ("--models", "misbehaving:brooding", "--measure", "memory", "--size", "64x96")
    manager = start_run(tmp_path / "out", *options)
    # The worker, its guard, and the three that the model leaves.
    wait_for(lambda: len(workers()) == 5)
    manager.kill()
    manager.communicate()
    wait_for(lambda: not workers())


def test_interrupted_a_run_keeps_what_is_finished_and_says_so(tmp_path):
    out = tmp_path / "out"
    options = ("--models", "misbehaving:good,misbehaving:sleeper", "--measure", "memory", "--size", "64x96")
    manager = start_run(out, *options)
    wait_for(lambda: store.files(out))
    manager.send_signal(signal.SIGINT)
    _, log = manager.communicate(timeout=120)
    assert manager.returncode == 130
    assert b"interrupted" in log
    assert b"Traceback" not in log
    assert [record.cell.model for record in store.load(out)] == ["misbehaving:good"]
    wait_for(lambda: not workers())


def test_the_manager_never_imports_torch():
    program = (
        "import sys, bench.run.manager, bench.run.plan, bench.cli.run, bench.cli.env\n"
        "from bench.run.plan import plan\n"
        "from bench.run.request import Request\n"
        "plan(Request(['llpacknet', 'sgn'], ['complexity', 'latency', 'memory']))\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_folder_with_results_is_refused_without_resume_and_two_runs_do_not_meet(tmp_path):
    wanted = plan(Request(["misbehaving:good"], ["latency"], size=SIZE, precisions=["int8"]))
    summary = execute(wanted, tmp_path)
    assert summary.counts == {"unsupported": 1}
    assert summary.failed == 0
    with pytest.raises(InputError, match="--resume"):
        execute(wanted, tmp_path)
    with ThreadPoolExecutor(1) as other:
        taken = other.submit(store.lock, tmp_path).result()
        with pytest.raises(InputError, match="another run"):
            execute(wanted, tmp_path, resume=True)
        other.submit(taken.release).result()
    assert execute(wanted, tmp_path, resume=True).counts == {"unsupported": 1}


def test_what_cannot_fit_is_skipped_with_the_figures(tmp_path):
    wanted = plan(Request(["did"], ["memory"]))
    summary = execute(wanted, tmp_path, limits=WorkerLimits(memory_bytes=1_000_000_000))
    assert summary.counts == {"skipped": 1}
    assert "1.0 GB are available" in str(store.load(tmp_path)[0].reason)


def test_a_clock_that_jumps_changes_nothing(tmp_path):
    wanted = plan(Request(["gain-only"], ["complexity"]))
    assert execute(wanted, tmp_path).measured == 1
    (path,) = store.files(tmp_path)
    for moment in (0, 2**32):  # 1970 and 2106
        os.utime(path, (moment, moment))
        again = execute(wanted, tmp_path, resume=True)
        assert (again.measured, again.kept) == (0, 1)


def test_results_name_no_user_host_or_path(tmp_path):
    execute(plan(Request(["misbehaving:good"], ["latency"], precisions=["int8"], size=SIZE)), tmp_path)
    text = json.dumps([path.read_text() for path in store.files(tmp_path)])
    assert os.uname().nodename not in text
    assert str(Path.home()) not in text
    assert str(METHODS.parent.parent) not in text
