"""Results written for other tools are read by those tools, with the figures of the cells."""

import io
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import bench
from bench.cli import main
from bench.judge.exporting import export
from llpacknet.errors import InputError


@pytest.fixture(scope="module")
def standard(pytestconfig):
    return pytestconfig.rootpath / "results" / "epyc-2-cores-avx512" / "standard"


def test_pytest_benchmark_compares_two_exports(standard, tmp_path):
    files = [tmp_path / name for name in ("0001_base.json", "0002_head.json")]
    assert main(["export", str(standard), "--format", "pytest-benchmark", "-o", str(files[0])]) == 0
    slower = json.loads(files[0].read_text())
    for one in slower["benchmarks"]:
        one["stats"] = {
            key: value * 2 if key in {"min", "median"} else value for key, value in one["stats"].items()
        }
    files[1].write_text(json.dumps(slower))
    command = [
        sys.executable,
        "-m",
        "pytest_benchmark",
        "--storage",
        str(tmp_path),
        "compare",
        *map(str, files),
    ]
    ended = subprocess.run([*command, "--columns", "min,median"], capture_output=True, text=True, check=True)
    assert "latency[llpacknet-published-fp32-cpu-2threads-2848x4256] (0001_base)" in ended.stdout
    assert "(2.00)" in ended.stdout


def test_raw_samples_machine_and_commit_go_along(standard):
    written = json.loads(export(standard, "pytest-benchmark"))
    cells = bench.load(standard).query("measurement == 'latency' and status == 'ok'").set_index("model")
    assert {one["params"]["model"] for one in written["benchmarks"]} == set(cells.index)
    for one in written["benchmarks"]:
        np.testing.assert_array_equal(one["stats"]["data"], cells["samples"][one["params"]["model"]])
    assert written["machine_info"]["cpu"]["brand_raw"] == "AMD EPYC"
    assert len(written["commit_info"]["id"]) == 40


def test_tables_hold_the_rows_of_the_data_frame(standard):
    frame = bench.load(standard)
    table = pd.read_csv(io.BytesIO(export(standard, "csv")))
    assert list(table.columns) == list(frame.columns)
    np.testing.assert_allclose(table["median"], frame["median"])
    first = table["samples"].dropna().index[0]
    np.testing.assert_array_equal(json.loads(table["samples"][first]), frame["samples"][first])
    assert len(json.loads(export(standard, "json"))) == len(frame)


def test_what_cannot_be_exported_is_said(tmp_path):
    with pytest.raises(InputError, match="no results"):
        export(tmp_path, "csv")
