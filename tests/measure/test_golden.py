"""Correctness before speed: a network that misses its golden output gets no time."""

import shutil

import numpy as np
import pytest

from bench.measure import golden
from bench.measure.failures import WrongOutputError
from bench.records.cells import Cell


def cell(model, runtime="published"):
    return Cell(
        model, "latency", device="cpu", runtime=runtime, precision="fp32", height=64, width=96, threads=1
    )


@pytest.mark.parametrize("model", golden.GOLDEN)
def test_every_network_gives_its_golden_output_with_weight_norm_fused(model):
    golden.check_golden(cell(model, "eager"))


def test_a_methods_output_off_by_a_thousandth_is_wrong(tmp_path, monkeypatch):
    shutil.copytree(golden.FOLDER, tmp_path, dirs_exist_ok=True)
    with np.load(tmp_path / "red.npz") as arrays:
        np.savez(
            tmp_path / "red.npz", raw=arrays["raw"], rgb=arrays["rgb"] + 1e-3 * np.abs(arrays["rgb"]).max()
        )
    monkeypatch.setattr(golden, "FOLDER", tmp_path)
    with pytest.raises(WrongOutputError, match=r"differs from its golden output by 0\.00"):
        golden.check_golden(cell("red"))


def test_a_method_without_golden_output_passes():
    golden.check_golden(cell("lime"))
