"""`bench.load`: results as a data frame, with the same columns whatever was measured."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bench
from bench.judge import dataframe
from bench.judge.results import Results
from bench.records import store
from bench.records.cells import Cell, Record
from llpacknet.errors import InputError

FORM = {"device": "cpu", "runtime": "published", "precision": "fp32", "height": 64, "width": 96, "threads": 2}
TIMED = Record(
    Cell("red", "latency", **FORM),
    "ok",
    values={
        "samples_s": [3.0, 1.0, 2.0, 9.0], "round": [0, 0, 0, 1], "turn": [0, 1, 2, 0], "cold_s": 4.0,
        "run": "a", "single_pass": False,
    },
    environment={"cpu": {"model": "a processor", "logical_cores": 2}},
    provenance={"commit": "abc"},
)  # fmt: skip
FAILED = Record(Cell("did", "memory", **FORM), "oom-host", "it needs 12 GB")


@pytest.fixture(scope="module")
def standard(pytestconfig):
    return pytestconfig.rootpath / "results" / "epyc-2-cores-avx512" / "standard"


def test_columns_and_dtypes_are_those_promised_with_and_without_rows(tmp_path, standard):
    for frame in (bench.load(standard), bench.load(tmp_path)):
        assert list(frame.columns) == list(dataframe.COLUMNS)
        assert {name: str(kind) for name, kind in frame.dtypes.items()} == dataframe.COLUMNS
    assert len(bench.load(tmp_path)) == 0


def test_a_committed_run_has_a_row_a_cell_and_the_suites_own_figures(standard):
    frame, results = bench.load(standard), Results.load(standard)
    assert len(frame) == len(list((standard / "cells").glob("*.json"))) == len(results.records)
    red = frame[
        (frame.model == "red") & (frame.measurement == "quality") & (frame.protocol == "paper2020-gt")
    ]
    psnr = [r.values["psnr"] for r in results.of("quality", "red") if r.cell.protocol == "paper2020-gt"]
    assert sorted(red.psnr) == sorted(psnr)
    assert red.psnr.mean() == pytest.approx(np.mean(psnr))


def test_seconds_are_reduced_to_one_median_a_process(tmp_path):
    store.write(tmp_path, TIMED)
    row = bench.load(tmp_path).iloc[0]
    assert (row["median"], row["n"]) == (5.5, 2)  # of 2 and 9
    np.testing.assert_array_equal(row["samples"], [3.0, 1.0, 2.0, 9.0])
    assert (row["machine"], row["commit"]) == ("a processor, 2 cores", "abc")
    assert pd.isna(row["psnr"])
    assert pd.isna(row["dataset"])


def test_a_cell_that_failed_has_its_reason_and_no_figure(tmp_path):
    store.write(tmp_path, FAILED)
    row = bench.load(tmp_path).iloc[0]
    assert (row["status"], row["reason"]) == ("oom-host", "it needs 12 GB")
    assert pd.isna(row["median"])


def test_equal_images_have_an_infinite_psnr():
    cell = Cell("a", "quality", dataset="d", protocol="release2022", image="i", device="cpu")
    values = {"psnr": "inf", "ssim": 1.0, "lpips": None, "lpips_reason": "none", "gain": None, "ratio": 9.0}
    frame = dataframe.of([Record(replace(cell, runtime="eager"), "ok", values=values)])
    assert np.isinf(frame.psnr.item())


def test_what_is_no_results_folder_or_damaged_is_named(tmp_path):
    with pytest.raises(InputError, match="no results folder"):
        bench.load(tmp_path / "absent")
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "half.json").write_text('{"cell": ')
    with pytest.raises(InputError, match="half"):
        bench.load(tmp_path)


def test_the_recipes_of_the_page_run_on_a_committed_run(pytestconfig, standard, tmp_path, monkeypatch):
    page = (pytestconfig.rootpath / "docs" / "dataframe.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("model,mine\nred,1\n")
    Path("out").symlink_to(standard)
    found = {}
    for block in blocks:
        exec(block.replace("costs.join", "table = costs.join"), found)
    assert found["table"].loc["red", "release2022"] == pytest.approx(27.746, abs=1e-3)
