"""A run on Dask workers gives what a run here gives, whoever dies meanwhile."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import dask
import pytest

from bench.data.making.make import make
from bench.records import store
from bench.run import rounds
from bench.run.attempt import WorkerLimits
from bench.run.cluster import hosts, running
from bench.run.cluster.connecting import Host, connected
from bench.run.cluster.strikes import MOST, Strikes
from bench.run.cluster.tasks import measure
from bench.run.manager import execute
from bench.run.plan import plan
from bench.run.progress import Lines
from bench.run.request import Request
from bench.run.workers import STRIKES
from llpacknet.errors import InputError

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make(tmp_path_factory.mktemp("data"), scenes=2, seed=1, size=(64, 96))


@pytest.fixture(autouse=True)
def _at_hand(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "tests" / "methods")
    monkeypatch.setenv("LLBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(hosts.FOLDER_VARIABLE, str(tmp_path))
    yield
    running.tasks._resident().end()  # of tasks done here, in the test's own thread


def test_two_workers_give_the_values_of_one_process_and_keep_costs_by_host(data, tmp_path):
    def wanted(*kinds):
        return plan(Request(["llpacknet"], kinds, dataset=data, size=(64, 96), threads=1, rounds=1))

    everything = wanted("quality", "latency", "memory")
    out = tmp_path / "cluster"
    with connected("local:2") as cluster:
        made = make(tmp_path / "made", scenes=2, seed=1, size=(64, 96), spread=cluster.each)
        assert made.name == data.name, "scenes made by workers are those made here"
        said = io.StringIO()
        summary, totals = running.execute(cluster, everything, out, progress=Lines(said))
        assert summary.counts == {"ok": len(everything.cells)}, summary.failures
        assert cluster.dashboard.startswith("http")
        lines = said.getvalue().splitlines()
        assert "  latency llpacknet published round 1: ok" in lines, "also what is timed is shown as it goes"
        assert sum(line.startswith("  quality") for line in lines) == len(wanted("quality").cells)
        again, _ = running.execute(cluster, everything, out, resume=True)
        assert (again.kept, again.measured) == (len(everything.cells), 0)
    execute(wanted("quality"), tmp_path / "here")
    here = {record.cell: record.values for record in store.load(tmp_path / "here")}
    there = {record.cell: record for record in store.load(out)}
    assert {cell: there[cell].values for cell in here} == here
    timed = [one for one in there.values() if one.cell.measurement in {"latency", "memory"}]
    assert {one.environment["host"] for one in timed} == {hosts.label()}
    assert len(totals.shares) == 2
    assert sum(share.cells for share in totals.shares.values()) == len(everything.cells)
    assert 0 <= totals.idle < 1
    assert not (out / "attempts").exists() or not list((out / "attempts").iterdir())
    # The same folder on another machine: its costs are put apart, and measured anew.
    path = store.path_of(out, timed[0].cell)
    text = path.read_text().replace(hosts.label(), "another-host")
    path.write_text(text)
    running.set_apart(out, hosts.label())
    assert (out / running.HOSTS / "another-host" / store.CELLS / path.name).read_text() == text
    assert not path.exists()


def test_killed_workers_and_a_killed_scheduler_lose_nothing(tmp_path):
    """The trial of benchmarks/cluster_kills.py, made small."""
    small = ["--scenes", "2", "--workers", "2", "--every", "3", "--no-poor"]
    command = [sys.executable, str(ROOT / "benchmarks" / "cluster_kills.py"), "--out", str(tmp_path / "k")]
    said = subprocess.run([*command, *small], capture_output=True, text=True, check=False, cwd=ROOT)
    assert said.returncode == 0, said.stdout + said.stderr


def work(data, out, model="misbehaving:good", **changes):
    """A task as the client would send it, here without a client."""
    (job, *_) = plan(Request([model], ["quality"], dataset=data, threads=1)).jobs
    out.mkdir(exist_ok=True)
    (out / running.tasks.RUN_FILE).write_text("now")
    return running.Work(
        running.part(plan(Request([model], ["quality"], dataset=data, threads=1)), (job,)),
        str(out),
        "now",
        hosts.facts()["code"],
        **changes,
    )


def test_a_cell_that_has_cost_three_workers_is_not_tried_again(data, tmp_path):
    task = work(data, tmp_path / "out")
    (tmp_path / "out" / "attempts").mkdir()
    strikes = Strikes(tmp_path / "out")
    guilty, suspect = task.plan.cells[:2]
    for _ in range(MOST):
        strikes.begin(guilty)
    strikes.begin(suspect)
    account = measure(task, "me")
    ends = {cell: (status, reason) for cell, status, reason in account.cells}
    assert ends[guilty] == ("crash", "3 workers died on this task: not tried again")
    assert {status for cell, (status, _) in ends.items() if cell != guilty} == {"ok"}
    assert store.read(store.path_of(tmp_path / "out", guilty)).status == "crash"
    assert account.retries == MOST + 1
    assert not list((tmp_path / "out" / "attempts").iterdir())
    assert measure(task, "me").kept == len(task.plan.cells) - 1, "a crash is tried again by the next run"


def test_a_method_that_ends_its_process_on_three_images_running_is_not_tried_on_the_others(data, tmp_path):
    account = measure(work(data, tmp_path / "out", "misbehaving:segfaulting"), "me")
    ends = [(status, reason) for _, status, reason in account.cells]
    images = len({cell.image for cell, _, _ in account.cells})
    assert images > STRIKES
    each = len(ends) // images
    assert [status for status, _ in ends] == ["crash"] * STRIKES * each + ["skipped"] * (
        (images - STRIKES) * each
    )
    assert ends[-1][1].startswith("not tried after 3 in a row ended so: the process was killed by SIGSEGV")
    stored = {record.cell: record.status for record in store.load(tmp_path / "out")}
    assert stored == {cell: status for cell, status, _ in account.cells}


def test_what_is_timed_ends_soon_after_its_run(data, tmp_path):
    """Of six rounds, the one in which the run ends is the last."""
    out = tmp_path / "out"
    task = work(data, out)
    several = plan(Request(["misbehaving:good"], ["latency"], size=(64, 96), threads=1, rounds=6))
    task = replace(task, plan=several, host=hosts.label())
    over = threading.Thread(target=lambda: _end_after_a_round(out))
    over.start()
    account = measure(task, "me")
    over.join()
    assert not store.files(out), "the cell is not complete"
    begun = json.loads(next((out / rounds.FOLDER).glob("*.json")).read_text())
    assert 1 <= len(begun["shares"]) < 6
    assert len(account.cells) == 1


def _end_after_a_round(out):
    deadline = time.monotonic() + 60
    while not list((out / rounds.FOLDER).glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    (out / running.tasks.RUN_FILE).unlink()


def test_costs_on_a_gpu_are_timed_where_a_worker_declares_one(data, tmp_path):
    def host(name, with_gpu):
        return Host(name, "127.0.0.1", 1, 1, 1, 1, with_gpu)

    timed = plan(Request(["misbehaving:good"], ["latency"], size=(64, 96), threads=1))
    moved = [
        replace(job, cells=tuple(replace(cell, device="cuda") for cell in job.cells)) for job in timed.jobs
    ]
    on_gpu = replace(timed, jobs=tuple(moved))
    for wanted, expected in ((timed, "a"), (on_gpu, "b")):
        run = running._Run(None, wanted, tmp_path, WorkerLimits(), None, every_host=False)
        run.hosts = [host("a", 0), host("b", 1), host("c", 1)]
        assert run._main_host() == expected


@pytest.fixture(scope="module")
def one_worker():
    with connected("local:1") as cluster:
        yield cluster


def test_a_file_that_fails_a_task_is_not_told_as_a_lost_scheduler(one_worker, tmp_path):
    with pytest.raises(InputError, match=r"FileNotFoundError.*nowhere"):
        list(one_worker.each(os.stat, [str(tmp_path / "nowhere")]))


def test_a_task_that_kills_its_workers_is_told_in_one_line():
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        connected("local:1") as cluster,
        pytest.raises(InputError, match="workers die while running their task"),
    ):
        list(cluster.each(signal.raise_signal, [signal.SIGKILL]))


def test_a_task_of_a_run_that_is_over_or_of_other_code_is_not_done(data, tmp_path):
    task = work(data, tmp_path / "out")
    (tmp_path / "out" / running.tasks.RUN_FILE).write_text("another run")
    assert measure(task, "me").cells == []
    other = replace(work(data, tmp_path / "other"), code={**task.code, "torch": "1.0"})
    with pytest.raises(InputError, match="a different torch"):
        measure(other, "me")


def test_the_allocator_of_measuring_processes_is_not_the_one_of_dasks_workers(one_worker, monkeypatch):
    client = one_worker.client
    ours = client.submit(os.getenv, "MALLOC_TRIM_THRESHOLD_", pure=False).result()
    assert ours == "65536", "Dask sets it for a worker that a nanny starts"
    client.submit(running.tasks.drop_dask_settings, pure=False).result()
    assert client.submit(os.getenv, "MALLOC_TRIM_THRESHOLD_", pure=False).result() is None
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000000")
    running.tasks.drop_dask_settings()
    assert os.environ["MALLOC_TRIM_THRESHOLD_"] == "1000000", "a user's own stays"


def test_what_is_timed_waits_for_the_others_and_keeps_them_out(tmp_path):
    """Two processes on one host, which know of each other by the locked files alone."""
    code = (
        "import sys, time\n"
        "from bench.run.cluster.hosts import Turn\n"
        "with Turn('host').together():\n"
        "    print('in', time.monotonic(), flush=True)\n"
        "    time.sleep(float(sys.argv[1]))\n"
        "    print('out', time.monotonic(), flush=True)\n"
    )

    def beside(seconds):
        return subprocess.Popen([sys.executable, "-c", code, str(seconds)], stdout=subprocess.PIPE, text=True)

    first = beside(1.5)
    first.stdout.readline()
    later = []
    with hosts.Turn("host").alone():
        begun = time.monotonic()
        left = float(first.stdout.readline().split()[1])
        assert left <= begun
        second = beside(0)
        reader = threading.Thread(target=lambda: later.append(second.stdout.readline()))
        reader.start()
        reader.join(timeout=2)
        assert later == []
        ended = time.monotonic()
    reader.join(timeout=120)
    assert float(later[0].split()[1]) >= ended
    first.wait()
    second.wait()


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("local:none", "a number of workers"),
        ("local:0", "a number of workers"),
        ("tcp://127.0.0.1:9", "no Dask scheduler answers"),
        ("absent.json", "no scheduler file"),
        ("slurm:absent.toml", "cannot be read"),
    ],
)
def test_a_cluster_that_cannot_be_reached_is_said_in_one_line(spec, says, monkeypatch):
    monkeypatch.setattr("bench.run.cluster.connecting.CONNECT_S", 1.0)
    with pytest.raises(InputError, match=says) as error, connected(spec):
        pass
    assert "\n" not in str(error.value)
