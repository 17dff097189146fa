"""The template package, installed into an environment of its own, and a small run with its network."""

import os
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock


@dataclass(frozen=True)
class Environment:
    """An environment that sees the libraries of this one, and beside them what is installed into it."""

    root: Path

    @property
    def python(self) -> Path:
        return self.root / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def install(self, source):
        """Build and install a package as its users would, without an index, whatever else is in sight."""
        options = ["--no-deps", "--no-build-isolation", "--no-index", "--ignore-installed", "--quiet"]
        options += ["--no-compile"]  # what is never imported here need not be compiled
        run(
            [sys.executable, "-m", "pip", "--python", self.python, "install", *options, source], cwd=self.root
        )

    def llbench(self, *arguments, cwd):
        return run([self.python, "-m", "bench", *arguments], cwd=cwd)


def run(command, cwd, status=0):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


def make_environment(root):
    """Make an environment whose own packages come before those of the running one."""
    venv.create(root, with_pip=False)
    variables = {"base": str(root), "platbase": str(root)}
    own = Path(sysconfig.get_path("purelib", scheme="venv", vars=variables))
    shared = dict.fromkeys([*site.getsitepackages(), sysconfig.get_path("purelib")])
    # addsitedir reads the .pth files there too: the finder of an editable install is one.
    lines = [f"import site; site.addsitedir({folder!r})" for folder in shared]
    (own / "shared.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Environment(root)


def made_once(tmp_path_factory, name, make):
    """A folder that one process of this test run makes and all of them use."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(f"{folder}.lock"):
        if not (folder / "made").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            (folder / "made").touch()
    return folder


@pytest.fixture(scope="session")
def template(tmp_path_factory, pytestconfig):
    """An environment with the template package installed."""

    def make(folder):
        source = folder / "tiny-network"
        ignore = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
        shutil.copytree(pytestconfig.rootpath / "examples" / "tiny-network", source, ignore=ignore)
        make_environment(folder / "environment").install(source)

    return Environment(made_once(tmp_path_factory, "template", make) / "environment")


@pytest.fixture(scope="session")
def results(template, tmp_path_factory):
    """A small run of the main job with the third-party network in it."""

    def make(folder):
        small = ["--tier", "smoke", "--size", "64x96", "--rounds", "1", "--threads", "1", "--offline"]
        template.llbench("reproduce", *small, "--models", "tiny,gain-only", "--out", "out", cwd=folder)

    return made_once(tmp_path_factory, "results", make) / "out"
