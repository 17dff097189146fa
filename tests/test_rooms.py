"""Who may import whom: the contracts in pyproject.toml hold, and each is seen to break."""

import importlib.util
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("llpacknet", "baselines", "bench")
# A line that breaks a contract: the contract's name as it begins, the module it is added to, the import.
FORBIDDEN = [
    ("Imports run down", "bench/run/plan.py", "import bench.cli.run"),
    ("Imports run down", "bench/run/manager.py", "from bench.show import report"),
    ("Imports run down", "bench/data/folder/index.py", "from bench.records import store"),
    ("Imports run down", "bench/train/losses.py", "from bench.score import scoring"),
    ("The benchmark knows the methods", "baselines/spec.py", "from bench.machine import caches"),
    ("The benchmark knows the methods", "llpacknet/network.py", "import baselines.registry"),
    ("Measuring and running", "bench/measure/latency.py", "from bench.run import rounds"),
    ("Measuring and judging", "bench/measure/quality.py", "from bench.judge import claims"),
    ("What plans, runs, judges and shows", "bench/judge/results.py", "import torch"),
    ("What plans, runs, judges and shows", "llpacknet/raw/read.py", "import torch"),
]


def lint(folder):
    """Check the contracts on the packages in a folder; the exit status and what was printed."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-P", "-c", program, "--no-cache"]
    environment = {"PYTHONPATH": str(folder), "PATH": "", "COLUMNS": "200"}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture
def copy(tmp_path):
    for package in PACKAGES:
        ignore = shutil.ignore_patterns("__pycache__", "*.safetensors", "*.npz", "*.dng")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold():
    status, said = lint(ROOT)
    assert status == 0, said


@pytest.mark.parametrize(("contract", "file", "line"), FORBIDDEN)
def test_a_forbidden_import_breaks_its_contract(copy, contract, file, line):
    with (copy / file).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    status, said = lint(copy)
    assert status == 1
    assert re.search(rf"{contract}[^\n]*(\n[^\n]*)? BROKEN", said), said


def test_bench_holds_rooms_alone():
    loose = {path.name for path in (ROOT / "bench").glob("*.py")}
    assert loose == {"__init__.py", "__main__.py"}


def test_no_two_modules_share_a_name():
    names = [
        path.stem
        for path in (ROOT / "bench").rglob("*.py")
        if not {"cli", "train"} & set(path.parts) and path.stem not in {"__init__", "__main__"}
    ]
    assert {name: count for name, count in Counter(names).items() if count > 1} == {}


@pytest.mark.parametrize(
    "module",
    [
        "bench.run.manager",
        "bench.cli.reproduce",
        "bench.cli.run",
        "bench.cli.gate",
        "bench.cli.models",
        "bench.measure.conformance.runner",
        "bench.show.report",
    ],
)
def test_the_manager_and_the_report_start_without_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_drawing_is_what_its_script_draws():
    found = importlib.util.spec_from_file_location("drawn_rooms", ROOT / "docs" / "rooms.py")
    script = importlib.util.module_from_spec(found)
    found.loader.exec_module(script)
    assert script.FILE.read_text(encoding="utf-8") == script.draw(), "run: python docs/rooms.py"
