"""An sdist and a wheel hold everything that is needed, and run away from this folder."""

import csv
import os
import re
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data.making.make import make
from llpacknet import __version__

from .conftest import make_environment, run

PACKAGES = ("llpacknet", "baselines", "bench")
BESIDE = (
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CITATION.cff",
    "constraints.txt",
    "MANIFEST.in",
)


def inside(root):
    """Every file that an installation needs, by its path below the root."""
    found = {path.relative_to(root).as_posix() for name in PACKAGES for path in (root / name).rglob("*.*")}
    return {name for name in found if "__pycache__" not in name and (root / name).is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory, pytestconfig):
    """The sdist, and the wheel built from it."""
    root, folder = pytestconfig.rootpath, tmp_path_factory.mktemp("packaging")
    source = folder / "source"
    source.mkdir()
    for name in BESIDE:
        shutil.copy(root / name, source)
    for name in PACKAGES:
        shutil.copytree(root / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", source], cwd=folder)
    return folder / "dist"


def test_the_wheel_holds_every_file_of_the_packages(built, pytestconfig):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert inside(pytestconfig.rootpath) - names == set()
    assert {"llpacknet/weights/llpacknet.safetensors", *(f"{name}/py.typed" for name in PACKAGES)} <= names
    assert {name.split("/")[0] for name in names} == {*PACKAGES, f"llpacknet_bench-{__version__}.dist-info"}


def test_the_sdist_holds_what_belongs_to_a_release(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert set(BESIDE) <= names


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    environment = make_environment(tmp_path_factory.mktemp("installed") / "environment")
    (wheel,) = built.glob("*.whl")
    environment.install(wheel)
    return environment


def test_the_wheel_runs_outside_this_folder(installed, tmp_path):
    script = "import baselines, bench, llpacknet; print(*(m.__file__ for m in (baselines, bench, llpacknet)))"
    places = run([installed.python, "-c", script], cwd=tmp_path).stdout.split()
    assert all(Path(place).is_relative_to(installed.root) for place in places)
    make(tmp_path / "data", 1, 1, (64, 96))
    program = installed.python.with_name("llbench.exe" if os.name == "nt" else "llbench")
    assert run([program, "--version"], cwd=tmp_path).stdout.split()[-1] == __version__
    small = ["--tier", "smoke", "--rounds", "1", "--threads", "1", "--offline", "--dataset", "data"]
    run([program, "reproduce", *small, "--models", "red", "--out", "out"], cwd=tmp_path)
    with (tmp_path / "out" / "tables" / "table1.csv").open(encoding="utf-8") as file:
        row = next(row for row in csv.DictReader(file) if row["method"].startswith("RED"))
    assert float(row["psnr_with_gt_measured"]) > 10
    assert float(row["time_s_measured"]) > 0


def test_the_wheel_restores_a_photograph_with_the_weights_inside_it(installed, tmp_path):
    make(tmp_path / "data", 1, 1, (64, 96))
    raw = next(path for path in (tmp_path / "data").rglob("*.DNG") if "_0." in path.name)
    program = installed.python.with_name("llbench.exe" if os.name == "nt" else "llbench")
    run([program, "restore", raw, "-o", "night.png"], cwd=tmp_path)
    with Image.open(tmp_path / "night.png") as image:
        assert image.size == (96, 64)
        assert np.asarray(image).std() > 1


FIVE_LINES = """
def test_the_network_got_no_slower(llbench):
    llbench.gate(
        "nightnet.network:build", size=(64, 96), threads=1, seconds=1, sets=5, measures=("latency",), effect=1
    )
"""


def test_five_lines_gate_a_users_network_in_its_own_tests(installed, project):
    """The fixture comes with the wheel: nothing names the plugin."""
    (project.folder / "test_speed.py").write_text(FIVE_LINES)
    command = [installed.python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]

    project.write(work="time.sleep(0.02)")
    slower = run(command, cwd=project.folder, status=1)
    assert "✗ slower" in slower.stdout
    project.write()
    run(command, cwd=project.folder)


def test_the_version_stands_in_one_place_and_agrees_elsewhere(pytestconfig):
    citation = (pytestconfig.rootpath / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE)[1] == __version__
    changes = (pytestconfig.rootpath / "CHANGELOG.md").read_text(encoding="utf-8")
    # What has come since stands above the release, under "Unreleased".
    assert re.search(r"^## (\d\S*)", changes, re.MULTILINE)[1] == __version__
