"""A container's user: no name, no home, an installation that cannot be written. Everything works."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from bench.machine import caches
from llpacknet.raw.dng import write_dng

ROOT = Path(__file__).parents[2]
NOBODY = 12345
# Root's own folders may be read, as the interpreter may lie there: what is tried is writing.
CAPABILITIES = "-all,+dac_read_search"
BECOME = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *(f"--inh-caps={CAPABILITIES}", f"--ambient-caps={CAPABILITIES}"),
)
pytestmark = pytest.mark.skipif(
    os.geteuid() == 0 and shutil.which("setpriv") is None,
    reason="root cannot drop its rights without setpriv",
)


@pytest.fixture(scope="module")
def folder(cases):
    """A folder of the nameless user's own, which he can reach, as pytest's are not."""
    made = Path(tempfile.mkdtemp(prefix="nameless-"))
    cases("scorecases").main(made / "s")
    write_dng(made / "plain.dng", np.full((64, 96), 560, np.uint16))
    if os.geteuid() == 0:
        for path in (made, *made.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    yield made
    shutil.rmtree(made)


def run(folder, *command, home=None, cache=None):
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"HOME", "USER", "LOGNAME", "XDG_CACHE_HOME", "LLBENCH_CACHE", "NUMBA_CACHE_DIR"}
    }
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"HOME": home} if home else {}
    # Without a place to keep them every command compiles its kernels anew, for a small image.
    environment |= {"LLBENCH_CACHE": str(cache)} if cache else {"NUMBA_OPT": "0"}
    become = BECOME if os.geteuid() == 0 else ()
    return subprocess.run(
        [*become, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def llbench(folder, *arguments, **where):
    return run(folder, sys.executable, "-m", "bench", *arguments, **where)


QUALITY = ("run", "--models", "gain-only", "--measure", "quality", "--dataset", "made", "--out", "out")
COMMANDS = (
    ("restore", "plain.dng", "-o", "x.png"),
    ("score", "--pred", "s/plain/pred", "--truth", "s/plain/truth", "--protocol", "release2022"),
    ("data", "make", "--scenes", "1", "--size", "64x96", "--out", "made"),
    (*QUALITY, "--protocol", "release2022"),
)


def test_every_measurement_works_without_name_home_or_a_place_of_ones_own(folder):
    for arguments in COMMANDS:
        done = llbench(folder, *arguments)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        said = [line for line in done.stderr.splitlines() if "caches go to" in line]
        assert len(said) == 1, "said once, by the first process alone"
        assert not Path(said[0].split("caches go to ")[1].split()[0]).exists(), "and removed in the end"


def test_a_place_that_is_named_is_used_by_the_metrics_too(folder):
    done = llbench(folder, *COMMANDS[1], "--lpips", "none", home="/", cache=folder / "kept")
    assert done.returncode == 0, done.stderr
    assert "caches go to" not in done.stderr
    assert list((folder / "kept" / "kernels").rglob("*.nbi"))


def test_the_gate_compares_revisions(folder):
    repository = folder / "project"
    git = ("git", "-c", "user.name=someone", "-c", "user.email=someone@example.org")
    assert run(folder, "git", "init", "--quiet", str(repository)).returncode == 0
    code = """
        from torch import nn
        class Net(nn.Module):
            needs_gain = True
            def __init__(self):
                super().__init__()
                self.body = nn.Conv2d(4, 12, 3, padding=1)
            def forward(self, mosaic):
                x = nn.functional.pixel_unshuffle(mosaic, 2)
                return nn.functional.pixel_shuffle(self.body(x), 2).sigmoid()
    """
    (repository / "net.py").write_text("\n".join(line[8:] for line in code.splitlines()))
    for name in ("one", "two"):
        assert run(repository, *git, "add", "-A").returncode == 0
        assert run(repository, *git, "commit", "--quiet", "--allow-empty", "-m", name).returncode == 0
    gate = ("gate", "--base", "HEAD~1", "--head", "HEAD", "--models", "net:Net", "--size", "64x96")
    done = llbench(repository, *gate, "--measure", "complexity", "--attempts", "1")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_named_a_place_can_be_written(tmp_path, monkeypatch, seed):
    """A file in its way, a folder that is not there, one inside a file: none is taken that cannot be used."""
    rng = np.random.default_rng(seed)
    (tmp_path / "file").touch()
    parts = [str(each) for each in rng.choice(["file", "a", "b", "new"], rng.integers(1, 4))]
    named = tmp_path.joinpath(*parts)
    monkeypatch.setenv(caches.VARIABLE, str(named))
    place = caches.place()
    place.mkdir(parents=True, exist_ok=True)
    (place / "x").write_text("x")
    assert (place == named) == (parts[0] != "file")
