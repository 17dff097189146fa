"""Result files: whole or not at all, strict, and with all their problems told at once."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.records import store
from bench.records.cells import SCHEMA_VERSION, Cell, Record
from llpacknet.errors import InputError

LATENCY = Record(
    Cell(
        "sid-unet",
        "latency",
        device="cpu",
        runtime="published",
        precision="fp32",
        height=2848,
        width=4256,
        threads=2,
    ),
    "ok",
    values={
        "samples_s": [14.2, 14.4],
        "round": [0, 1],
        "cold_s": 15.0,
        "run": "0123456789ab",
        "single_pass": False,
    },
)
QUALITY = Record(
    Cell(
        "red",
        "quality",
        dataset="sid-sony",
        protocol="release2022",
        image="10003_00_0.1s",
        device="cpu",
        runtime="eager",
        precision="fp32",
    ),
    "ok",
    values={
        "psnr": "inf",
        "ssim": 1.0,
        "lpips": None,
        "lpips_reason": "no backbone",
        "gain": 100.0,
        "ratio": 100.0,
        "area_fraction": 0.25,
    },
)


@pytest.mark.parametrize("record", [LATENCY, QUALITY])
def test_what_was_written_is_read_back(tmp_path, record):
    path = store.write(tmp_path, record)
    assert path.parent == tmp_path / "cells"
    assert store.validate(path) == []
    assert store.read(path) == record
    assert store.load(tmp_path) == [record]


def test_a_failed_cell_is_kept_with_its_reason_and_not_without(tmp_path):
    failed = replace(LATENCY, status="crash", reason="killed by SIGSEGV", values={})
    assert store.read(store.write(tmp_path, failed)) == failed
    with pytest.raises(ValueError, match="has no reason"):
        store.write(tmp_path, replace(failed, reason=" "))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_know_are_refused(tmp_path, number):
    with pytest.raises(ValueError, match="not a finite number"):
        store.write(tmp_path, replace(QUALITY, values={**QUALITY.values, "gain": number}))
    assert store.files(tmp_path) == []


@pytest.mark.parametrize("value", [10**400, -1, True, "2", [], None])
def test_what_is_no_figure_is_refused_where_one_must_stand(value):
    for record, key in ((LATENCY, "cold_s"), (QUALITY, "ratio")):
        raw = asdict(replace(record, values={**record.values, key: value}))
        assert any(key in problem for problem in store.validate(raw))


def test_the_validator_lists_every_problem():
    raw = asdict(LATENCY)
    raw["cell"] |= {"height": 0, "protocol": "release2022", "colour": "red"}
    raw["status"] = "fine"
    raw["provenance"] = {"weights": "/home/somebody/weights.safetensors"}
    raw["comment"] = ""
    del raw["environment"]
    found = "\n".join(store.validate(raw))
    for part in (
        "'environment' is missing",
        "'comment' is unknown",
        "cell.colour is unknown",
        "cell.height is 0",
        "cell.protocol has no meaning for latency",
        "status is 'fine'",
        "provenance.weights holds an absolute path",
    ):
        assert part in found


def test_values_are_checked_against_their_measurement():
    wrong = {"round": [0], "cold_s": -1.0, "single_pass": "no", "samples_s": [1.0, 2.0]}
    assert len(store.validate(asdict(replace(LATENCY, values={**LATENCY.values, **wrong})))) == 3
    wrong = {"psnr": None, "ssim": 1.5, "lpips": -0.1, "area_fraction": 2}
    assert len(store.validate(asdict(replace(QUALITY, values={**QUALITY.values, **wrong})))) == 4
    assert store.validate(asdict(replace(QUALITY, values={"psnr": 20.0})))[0] == "values.ssim is missing"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s),
    )
)
def test_the_validator_survives_any_json(raw):
    assert store.validate(raw if isinstance(raw, dict) else {"cell": raw, "status": raw, "values": raw})


@pytest.mark.parametrize("damage", ["cut", "nan", "nested", "renamed", "other version", "binary"])
def test_a_damaged_file_is_told_from_a_result(tmp_path, damage):
    path = store.write(tmp_path, LATENCY)
    text = path.read_text()
    if damage == "cut":
        path.write_text(text[: len(text) // 2])
    elif damage == "nan":
        path.write_text(text.replace("14.2", "NaN"))
    elif damage == "nested":
        path.write_text("[" * 100_000)
    elif damage == "renamed":
        path = path.rename(path.with_name("latency_sid-unet_other.json"))
    elif damage == "other version":
        path.write_text(json.dumps({**json.loads(text), "schema_version": 999}))
    else:
        path.write_bytes(b"\xff\xfe\x00")
    assert store.validate(path)
    with pytest.raises(InputError, match="--resume"):
        store.read(path)


def test_axes_that_a_file_does_not_know_are_read_as_null(tmp_path):
    path = store.write(tmp_path, LATENCY)
    raw = json.loads(path.read_text())
    del raw["cell"]["protocol"], raw["cell"]["image"]
    path.write_text(json.dumps(raw))
    assert store.read(path) == LATENCY


def test_every_cell_has_a_file_of_its_own():
    cells = [
        replace(LATENCY.cell, **change)
        for change in ({}, {"threads": 1}, {"width": 4255}, {"device": "cuda"})
    ]
    cells += [replace(LATENCY.cell, model=model) for model in ("a.b:c", "a-b:c", "a/b:c", "../x", "ü" * 300)]
    names = {store.file_name(cell) for cell in cells}
    assert len(names) == len(cells)
    assert all("/" not in name and len(name) < 200 and name.isascii() for name in names)


def test_a_writer_killed_at_any_moment_leaves_no_half_file(tmp_path):
    program = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\n"
        "from dataclasses import replace\n"
        "from bench.records import store\n"
        "record = store.read(next(Path(sys.argv[1]).glob('cells/*.json')))\n"
        "print(flush=True)\n"
        "number = 0\n"
        "while True:\n"
        "    number += 1\n"
        "    values = {**record.values, 'samples_s': [float(number)] * 5000, 'round': [0] * 5000}\n"
        "    store.write(Path(sys.argv[1]), replace(record, values=values))\n"
    )
    path = store.write(tmp_path, LATENCY)
    for patience in (0.05, 0.13, 0.22):
        command = [sys.executable, "-c", program, str(tmp_path), str(Path.cwd())]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            writer.wait(patience)
        writer.kill()
        writer.communicate()
        assert store.validate(path) == []
        assert store.files(tmp_path) == [path]
    store.lock(tmp_path).release()
    assert [path.name] == [left.name for left in (tmp_path / "cells").iterdir()]


def test_a_folder_that_cannot_take_results_is_named(tmp_path):
    (tmp_path / "cells").write_text("in the way")
    with pytest.raises(InputError, match=r"cannot write results into .*--out"):
        store.write(tmp_path, LATENCY)
    with pytest.raises(InputError, match="cannot write results into"):
        store.lock(tmp_path / "cells")
    with pytest.raises(InputError, match="no results under"):
        store.load(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_a_full_disk_is_told_and_leaves_the_old_file(tmp_path, monkeypatch):
    path = store.write(tmp_path, LATENCY)
    before = path.read_bytes()
    monkeypatch.setattr("llpacknet.whole.secrets.token_hex", lambda _: "0123")
    temporary = path.with_name(f".{path.name}.{os.getpid()}-0123.partial")
    temporary.symlink_to("/dev/full")
    with pytest.raises(
        InputError, match=": No space left on device; free some space and continue with --resume"
    ):
        store.write(tmp_path, LATENCY)
    assert path.read_bytes() == before


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_the_bytes_reach_the_disk_before_the_file_has_its_name_and_the_name_after(tmp_path, monkeypatch):
    path = store.path_of(tmp_path, LATENCY.cell)
    flushed = []
    flush = os.fsync

    def watched(descriptor):
        flushed.append((Path(f"/proc/self/fd/{descriptor}").readlink(), path.exists()))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    store.write(tmp_path, LATENCY)
    (content, before), folder = flushed
    assert content.suffix == ".partial"
    assert content.parent == path.parent
    assert not before
    assert folder == (path.parent, True)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, of 256 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system can only be mounted by root on Linux")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_keeps_what_is_finished_and_goes_on_when_there_is_space(small_disk):
    written = []
    several = [replace(LATENCY, cell=replace(LATENCY.cell, height=2 * number)) for number in range(1, 1000)]
    with pytest.raises(InputError, match="free some space and continue with --resume"):
        written.extend(store.write(small_disk, one) for one in several)
    assert written
    assert store.files(small_disk) == sorted(written)
    assert all(store.validate(path) == [] for path in written)
    assert not list(small_disk.rglob("*.partial"))
    subprocess.run(["mount", "-o", "remount,size=1m", str(small_disk)], check=True)
    assert store.write(small_disk, several[len(written)]).is_file()


def test_a_run_that_will_not_fit_is_refused_before_anything_is_made(small_disk):
    command = [sys.executable, "-m", "bench", "reproduce", "--tier", "smoke", "--offline", "--out"]
    said = subprocess.run([*command, str(small_disk / "out")], capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert "GB are needed: free some, or choose another --out" in said.stderr.splitlines()[-1]
    assert not (small_disk / "out").exists()


def test_a_disk_that_turns_read_only_is_named_with_a_cure(small_disk):
    path = store.write(small_disk, LATENCY)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for attempt in (lambda: store.write(small_disk, QUALITY), lambda: store.lock(small_disk)):
        with pytest.raises(InputError, match="choose a folder on a writable disk with --out"):
            attempt()
    assert store.read(path) == LATENCY


def test_a_result_of_an_older_release_is_read_as_the_present_one_would_say_it(tmp_path):
    (older,) = (Path(__file__).parent / "older").glob("*.json")
    raw = json.loads(older.read_text())
    assert raw["schema_version"] == 1
    record = store.read(older)
    assert record.schema_version == SCHEMA_VERSION
    assert record.values == {
        **raw["values"],
        "turn": [0] * len(raw["values"]["samples_s"]),
        "twin_turn": [0] * len(raw["values"]["twin_samples_s"]),
    }
    assert store.read(store.write(tmp_path, record)) == record


def test_a_result_of_a_newer_release_asks_for_an_update():
    assert "update this package" in store.validate({**asdict(LATENCY), "schema_version": 999})[0]


def test_turns_that_do_not_fit_their_samples_are_told():
    for turns in ([0], "01", [0, -1]):
        (problem,) = store.validate(asdict(replace(LATENCY, values={**LATENCY.values, "turn": turns})))
        assert problem.startswith("values.turn ")


def test_one_run_at_a_time_has_a_folder(tmp_path):
    with store.held(tmp_path, resume=False), ThreadPoolExecutor(1) as other:
        with store.held(tmp_path, resume=False):
            pass
        with pytest.raises(InputError, match="another run"):
            other.submit(store.lock, tmp_path).result()
    store.lock(tmp_path).release()
