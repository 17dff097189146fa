"""The main job, run for real on small frames: its files, its interruption, its messages."""

import contextlib
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

import baselines
import bench
import llpacknet
from bench.records import store

SMALL = ["--tier", "smoke", "--size", "64x96", "--rounds", "1", "--threads", "1", "--offline"]
MODELS = "llpacknet,gain-only"
# Of LLPackNet the forms of UnPack are timed too; a run that is ended need not be the longest.
ENDED = "red,gain-only"


def llbench(*arguments, cwd):
    return [sys.executable, "-m", "bench", *map(str, arguments)], {
        "cwd": cwd,
        "env": {**os.environ, "OMP_NUM_THREADS": "1", "LLBENCH_CACHE": str(cwd / "cache")},
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }


def run(*arguments, cwd):
    command, options = llbench(*arguments, cwd=cwd)
    return subprocess.run(command, check=False, **options)


def reproduce(folder, *more, models=MODELS):
    return run("reproduce", *SMALL, "--models", models, "--out", "out", *more, cwd=folder)


def begin(folder, more, *options):
    """Start a run and wait until it has added so many cells; returns it and all of its processes."""
    words = ("reproduce", *SMALL, "--models", ENDED, "--out", "out", *options)
    command, settings = llbench(*words, cwd=folder)
    wanted = len(stamps(folder)) + more
    process = subprocess.Popen(command, start_new_session=True, **settings)
    deadline = time.monotonic() + 120
    while len(stamps(folder)) < wanted:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process, psutil.Process(process.pid).children(recursive=True)


def stamps(folder):
    """When each measured cell was written; a cell that needs no worker is settled anew by every run."""
    cells = (folder / "out" / "cells").glob("*.json")
    return {path.name: path.stat().st_mtime_ns for path in cells if store.read(path).status == "ok"}


def cells(folder):
    """Every cell that was measured."""
    return {one.cell for one in store.load(folder / "out") if one.status == "ok"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    done = reproduce(folder)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_one_command_ends_with_table_1_on_the_screen_and_in_files(finished):
    folder, done = finished
    out = folder / "out"
    assert "LLPackNet" in done.stdout
    assert "predicted" in done.stderr
    for name in ("table1.csv", "table1.md", "table1.tex"):
        assert (out / "tables" / name).stat().st_size > 0
    for name in ("figure1.png", "figure1.svg"):
        assert (out / "figures" / name).stat().st_size > 0
    assert "<html" in (out / "report.html").read_text(encoding="utf-8")
    verdicts = json.loads((out / "claims.json").read_text(encoding="utf-8"))
    assert {"id", "source", "published", "measured", "interval", "verdict"} <= set(verdicts[0])


def test_measured_parameters_stand_beside_the_published_ones(finished):
    rows = list(csv.DictReader((finished[0] / "out" / "tables" / "table1.csv").open(encoding="utf-8")))
    assert any("1.17" in " ".join(filter(None, row.values())) for row in rows)


def test_every_pixel_went_through_a_raw_file(finished):
    frames = sorted(path.name for path in (finished[0] / "out" / "data" / "Sony").rglob("*.DNG"))
    assert len([name for name in frames if "_10s" in name or "_30s" in name]) == 1
    assert len(frames) >= 4


def test_a_network_without_weights_gets_no_quality_number(finished, tmp_path, monkeypatch):
    """Run from a copy of the packages that lacks the files of weights."""
    data, bare = finished[0] / "out" / "data", "red"
    for package in (llpacknet, baselines, bench):
        home = Path(package.__file__).parent
        shutil.copytree(home, tmp_path / home.name, ignore=shutil.ignore_patterns("*.safetensors"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = run("run", "--models", bare, "--measure", "quality", "--dataset", data, "--out", "q", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    records = store.load(tmp_path / "q")
    assert records
    for record in records:
        assert record.status == "skipped"
        assert f"llbench train {bare}" in record.reason
        assert record.values == {}


def test_a_folder_with_results_is_refused_without_resume(finished):
    again = reproduce(finished[0])
    assert again.returncode == 2
    assert "--resume" in again.stderr
    assert len(again.stderr.splitlines()) == 1


def test_resuming_a_finished_run_measures_nothing(finished):
    folder, _ = finished
    before = stamps(folder)
    assert reproduce(folder, "--resume").returncode == 0
    assert stamps(folder) == before


@dataclass(frozen=True)
class Ended:
    """A run that was ended early: its folder, exit status and last words, and those of its processes."""

    folder: Path
    status: int
    errors: str
    children: list[psutil.Process]

    def check(self):
        """None of its processes is left, and all that it wrote is whole; returns when that was written."""
        _, alive = psutil.wait_procs(self.children, timeout=60)
        assert alive == []
        before = stamps(self.folder)
        assert all(store.validate(self.folder / "out" / "cells" / name) == [] for name in before)
        return before


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    if os.name != "posix":
        pytest.skip("signals of POSIX")
    folder = tmp_path_factory.mktemp("interrupted")
    process, children = begin(folder, 3)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    return Ended(folder, process.returncode, errors, children)


def test_an_interrupted_run_keeps_what_is_finished_and_says_so(interrupted):
    assert interrupted.status == 130
    assert "kept" in interrupted.errors
    assert len(interrupted.check()) >= 3


def test_a_killed_run_loses_nothing_and_goes_on(finished, interrupted):
    """The interrupted run goes on, is killed with all of its processes, and goes on to its end."""
    folder, first = interrupted.folder, interrupted.check()
    process, children = begin(folder, 2, "--resume")
    for one in (process, *children):
        with contextlib.suppress(psutil.NoSuchProcess):  # a worker may have ended meanwhile
            one.kill()
    _, errors = process.communicate(timeout=120)
    before = Ended(folder, process.returncode, errors, children).check()
    assert {name: before[name] for name in first} == first
    assert len(before) >= len(first) + 2
    resumed = reproduce(folder, "--resume", models=ENDED)
    assert resumed.returncode == 0, resumed.stderr
    after = stamps(folder)
    assert {name: after[name] for name in before} == before
    wanted = {one for one in cells(finished[0]) if one.measurement != "kernels"}
    assert cells(folder) == {replace(one, model=one.model.replace("llpacknet", "red")) for one in wanted}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dataset", "nowhere"], "nowhere"),
        (["--dataset", "."], "Sony"),
        (["--models", "no-such"], "no-such"),
        (["--out", "file"], "file"),
        (["--size", "63x95"], "even"),
        (["--weights", "llpacknet=none.safetensors"], "none.safetensors"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_2(tmp_path, arguments, words):
    (tmp_path / "file").write_text("in the way")
    done = run("reproduce", "--tier", "smoke", "--offline", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists(), "no empty folder is left"
