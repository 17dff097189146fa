"""What holds for every test; and a project of a user's own with a network in git, to compare revisions."""

import importlib.util
import os
import signal
import subprocess
import textwrap
from pathlib import Path

import hypothesis
import pytest

from bench.machine import caches, git

# A shell starts what it runs in the background with SIGINT ignored, and processes that tests start would
# inherit that: none of them could be interrupted.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests that run beside others share the cores: a process of each is enough, and threads that a test asks for
# must sleep when they wait. Read when torch is imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Compiled kernels are the same whatever else a test keeps apart: they are compiled once for all.
os.environ.setdefault("NUMBA_CACHE_DIR", str(caches.place() / "kernels"))

# What times something runs by itself, after the rest (`tox` runs pytest twice): these, and single tests of
# the folders in which the second run looks for them.
ALONE = "benchmarks"
WITH_SOME_ALONE = {ALONE, "gate", "measure"}
# The first file compiles the kernels of scenes for all; meanwhile the other process has no need of them.
FIRST = ("data/test_make.py", "train/test_trainer.py")
# What follows: files that take long, since the last one should be short.
LONG = ("cli", "data", "examples", "gate", "judge", "llpacknet", "machine", "measure", "run", "score", "show",
        "test_results.py", "train")  # fmt: skip

# An example that takes long on a busy machine is no failure.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

NETWORK = """
    import time

    import torch
    from torch import nn


    class Net(nn.Module):
        needs_gain = True

        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(4, 12, 3, padding=1)
            self.extra = {extra}

        def forward(self, mosaic):
            x = nn.functional.pixel_unshuffle(mosaic, 2)
            {work}
            return nn.functional.pixel_shuffle(self.first(x), 2).sigmoid()


    def build():
        return Net()
"""


def pytest_configure(config):
    # xdist would begin with the files of the most tests, which are the short ones.
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items):
    paths = {item: item.path.relative_to(Path(__file__).parent) for item in items}
    for item, path in paths.items():
        folder = path.parts[0]
        if folder == ALONE:
            item.add_marker("alone")
        if item.get_closest_marker("alone") and folder not in WITH_SOME_ALONE:
            raise pytest.UsageError(f"{item.nodeid} is alone, and `tox` looks for such in {WITH_SOME_ALONE}")
    items.sort(key=lambda item: (_turn(paths[item]), paths[item].parts[0] not in LONG))


def _turn(path):
    return FIRST.index(path.as_posix()) if path.as_posix() in FIRST else len(FIRST)


def pytest_sessionfinish(session, exitstatus):
    # Of `tox -- tests/some_room` one of the two halves may be empty.
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.option.markexpr:
        session.exitstatus = pytest.ExitCode.OK


class Project:
    """A git repository with one package."""

    def __init__(self, folder):
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "someone")
        self.git("config", "user.email", "someone@example.org")

    def git(self, *arguments):
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(
            command, env=git.environment(), check=True, capture_output=True, text=True
        ).stdout.strip()

    def write(self, *, work="pass", extra="None"):
        """Write the network, with some more work before its convolution."""
        package = self.folder / "src" / "nightnet"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("")
        text = textwrap.dedent(NETWORK).format(work=work, extra=extra)
        (package / "network.py").write_text(text)

    def commit(self, name, **network):
        """Commit the network under a tag."""
        self.write(**network)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", name)
        self.git("tag", name)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("LLBENCH_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "project"
    folder.mkdir()
    made = Project(folder)
    made.commit("v1")
    return made


@pytest.fixture(scope="session")
def cases():
    """Load a generator of tests/cases by its name."""

    return lambda name: _loaded(f"cases_{name}", Path(__file__).parent / "cases" / f"{name}.py")


@pytest.fixture(scope="session")
def page_maker():
    """Load a maker of a page in docs/ by its name."""
    return lambda name: _loaded(f"{name}_page", Path(__file__).parents[1] / "docs" / f"{name}.py")


def _loaded(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
