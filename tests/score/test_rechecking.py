"""`llbench recheck` on the committed run, on altered cells, and on pictures that are here."""

import json
import shutil
from pathlib import Path

import pytest

from bench.cli import main

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
    status, found = told(capsys, tmp_path, "--cells", 2)
    counted = [one for one in found if one["cell"]["measurement"] == "complexity"]
    assert len(counted) == 12
    assert [one["cell"]["model"] for one in counted if one["word"] == "differs"] == [wrong]
    assert status == 1
    others = [one for one in found if one["cell"]["measurement"] != "complexity"]
    assert {one["word"] for one in others} == {"not compared"}
    assert any("--dataset" in one["reason"] for one in others)


@pytest.mark.parametrize("change", [0.0, 0.5])
def test_scores_of_pictures_that_are_here(change, tmp_path, capsys):
    dark, out = tmp_path / "dark", tmp_path / "out"
    assert main(["data", "make", "--scenes", "1", "--size", "96x128", "--out", str(dark)]) == 0
    what = ["--models", "gain-only", "--measure", "quality", "--dataset", str(dark), "--out", str(out)]
    assert main(["run", *what]) == 0
    if change:
        altered(out / "cells", "quality", "psnr", lambda psnr: psnr + change)
    capsys.readouterr()
    status, found = told(capsys, out, "--cells", 50, "--dataset", dark)
    assert status == int(change > 0)
    assert [one["word"] for one in found].count("differs") == int(change > 0)
    assert "not compared" not in [one["word"] for one in found]
