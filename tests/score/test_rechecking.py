"""`llbench recheck` on the committed run, on altered cells, and on images that are here."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli import main
from bench.judge.results import Results
from bench.records import store
from bench.records.cells import Cell, Record
from bench.score import cost_ratios
from bench.score.rechecking import Here, recheck

COMMITTED = Path(__file__).parents[2] / "results" / "epyc-2-cores-avx512" / "standard"


def altered(cells, kind, name, change):
    """Change one value of the first file of a kind; returns the model it is of."""
    path = next(iter(sorted(cells.glob(f"{kind}_*.json"))))
    raw = json.loads(path.read_text())
    raw["values"][name] = change(raw["values"][name])
    path.write_text(json.dumps(raw))
    return raw["cell"]["model"]


def told(capsys, *arguments):
    status = main(["recheck", *map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_all_counts_of_the_committed_run_agree_and_an_altered_one_is_named(tmp_path, capsys):
    shutil.copytree(COMMITTED / "cells", tmp_path / "cells")
    wrong = altered(tmp_path / "cells", "complexity", "gmac", lambda gmac: (gmac or 0) + 0.001)
    status, found = told(capsys, tmp_path, "--cells", 2, "--ratios", 0)
    counted = [one for one in found if one["cell"]["measurement"] == "complexity"]
    assert len(counted) == 12
    assert [one["cell"]["model"] for one in counted if one["word"] == "differs"] == [wrong]
    assert status == 1
    others = [one for one in found if one["cell"]["measurement"] != "complexity"]
    assert {one["word"] for one in others} == {"not compared"}
    assert any("--dataset" in one["reason"] for one in others)


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A small data set, and the results of a method on it."""
    folder = tmp_path_factory.mktemp("judged")
    dark, out = folder / "dark", folder / "out"
    make = ["data", "make", "--scenes", "1", "--seed", "3", "--size", "96x128", "--out", str(dark)]
    assert main(make) == 0
    what = ["--models", "gain-only", "--measure", "quality", "--dataset", str(dark), "--out", str(out)]
    assert main(["run", *what]) == 0
    return dark, out


@pytest.mark.parametrize("change", [0.0, 0.5])
def test_scores_of_images_that_are_here(change, judged, tmp_path, capsys):
    dark, out = judged[0], shutil.copytree(judged[1], tmp_path / "out")
    if change:
        altered(out / "cells", "quality", "psnr", lambda psnr: psnr + change)
    status, found = told(capsys, out, "--cells", 50, "--ratios", 0, "--dataset", dark)
    assert status == int(change > 0)
    assert [one["word"] for one in found].count("differs") == int(change > 0)
    assert "not compared" not in [one["word"] for one in found]


def test_made_images_are_made_again_where_the_results_say_how(judged, tmp_path, capsys):
    out = shutil.copytree(judged[1], tmp_path / "out")
    status, found = told(capsys, out, "--cells", 2, "--ratios", 0)
    assert status == 0
    assert {one["word"] for one in found} == {"not compared"}
    assert "data make --scenes" in found[0]["reason"]
    assert "--seed 3 --size 96x128" in found[0]["reason"]
    status, found = told(capsys, out, "--cells", 2, "--ratios", 0, "--make", tmp_path / "again")
    assert status == 0
    assert [one["word"] for one in found] == ["agrees", "agrees"]


def test_made_images_of_another_cameras_noise_need_its_table(tmp_path):
    recipe = {"seed": 3, "height": 96, "width": 128, "camera": {"file": "mine.csv", "sha256": "0" * 64}}
    cell = Cell("gain-only", "quality", "made-01234567", "paper2020-gt", "11002_00_0.1s")
    record = Record(cell, "ok", values={"psnr": 20.0}, provenance={"synthetic": True, "recipe": recipe})
    (found,) = recheck([record], tmp_path, cells=1, here=Here(make=tmp_path / "made"))
    assert found.word == "not compared"
    assert "data make --scenes 3 --seed 3 --size 96x128 --camera mine.csv" in found.reason


@pytest.fixture(scope="module")
def committed():
    return [record for record in store.load(COMMITTED) if record.cell.measurement in cost_ratios.KINDS]


@pytest.mark.parametrize(
    ("factor", "word"), [(1.0, "agrees"), (1.2, "agrees"), (3.0, "differs"), (0.3, "differs")]
)
def test_a_ratio_differs_once_it_leaves_interval_and_tolerance_whatever_the_machine(committed, factor, word):
    """A machine that is twice as slow in all, and on which one method is so much slower besides."""
    twice = [scaled(one, 2.0 * (factor if one.cell.model == "sid-unet" else 1.0)) for one in committed]
    for record in committed:
        if record.cell.model == "sid-unet":
            found = cost_ratios.compared(record.cell, "llpacknet", Results(committed), Results(twice))
            assert found.word == word, found.reason


def scaled(record, factor):
    """A record whose times, or peaks, are so many times as large."""
    names = ("samples_s", "twin_samples_s", "run_peak_samples_bytes")
    lists = {name: [one * factor for one in record.values[name]] for name in names if name in record.values}
    peak = record.values.get("run_peak_bytes")
    own = {"run_peak_bytes": peak * factor} if peak else {}
    return replace(record, values={**record.values, **lists, **own})


def test_a_method_is_measured_again_beside_its_reference(committed, tmp_path):
    """The committed times as if they were of a small frame, which is quick to measure."""
    here = [
        replace(one, cell=replace(one.cell, height=64, width=96, threads=1))
        for one in committed
        if one.cell.model in {"llpacknet", "gain-only", "lime"}
    ]
    found = cost_ratios.recheck_ratios(here, tmp_path, count=5, rounds=1)
    reasons = {(one.cell.model, one.cell.measurement): one.reason for one in found}
    assert len(reasons) == 6
    for kind in cost_ratios.KINDS:
        assert "times llpacknet there, " in reasons["gain-only", kind]
        assert "single pass" in reasons["lime", kind]
        assert "reference of the other ratios" in reasons["llpacknet", kind]


def test_a_machine_with_fewer_cores_measures_no_ratio(committed, tmp_path):
    many = [replace(one, cell=replace(one.cell, threads=4096)) for one in committed]
    found = cost_ratios.recheck_ratios(many, tmp_path, count=5)
    assert {one.word for one in found} == {"not compared"}
    assert any("with 4096 threads, and this machine has" in one.reason for one in found)
    assert not list(tmp_path.iterdir())
