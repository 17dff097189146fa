"""The fixture under pytest-benchmark's: a slowed twin fails `--benchmark-compare-fail`, for real."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NETWORK = """
import time
from torch import nn

class Grey(nn.Module):
    def forward(self, mosaic):
        time.sleep({rest})
        return mosaic.expand(-1, 3, -1, -1)

def build():
    return Grey()
"""
TEST = """
def test_time(llbench, benchmark):
    output = llbench.benchmark(benchmark, "own_network:build", size=(64, 96))
    assert output.shape == (1, 3, 64, 96)
"""
# A rest of 20 ms in the place of 2 ms: many times the threshold, whatever else the machine does.
FAST, SLOWED = 0.002, 0.02


def timed(folder, *options):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--benchmark-max-time=0.3"]
    path = {"PYTHONPATH": f"{ROOT}:{folder}", "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(
        [*command, *options], cwd=folder, env=path, capture_output=True, text=True, check=False, timeout=240
    )


@pytest.mark.alone
def test_a_slowed_twin_fails_the_comparison(tmp_path):
    (tmp_path / "test_time.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    network = tmp_path / "own_network.py"
    network.write_text(NETWORK.format(rest=FAST))
    first = timed(tmp_path, "--benchmark-autosave")
    assert first.returncode == 0, first.stdout + first.stderr
    network.write_text(NETWORK.format(rest=SLOWED))
    slowed = timed(tmp_path, "--benchmark-compare", "--benchmark-compare-fail=median:200%")
    assert slowed.returncode != 0
    assert "Performance has regressed" in slowed.stdout + slowed.stderr
    network.write_text(NETWORK.format(rest=FAST))
    again = timed(tmp_path, "--benchmark-compare", "--benchmark-compare-fail=median:200%")
    assert again.returncode == 0, again.stdout + again.stderr
