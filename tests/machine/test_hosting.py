"""A user's code runs apart: no arguments of ours, its words on standard error, its end a line of ours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.machine.hosting import building
from llpacknet.errors import InputError
from llpacknet.raw.dng import write_dng

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(cases, tmp_path_factory):
    made = tmp_path_factory.mktemp("models")
    cases("modelcases").main(made / "m")
    write_dng(made / "plain.dng", np.full((64, 96), 560, np.uint16))
    return made


def llbench(folder, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=folder / "m",
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )


def test_a_model_that_parses_prints_and_wanders_restores_all_the_same(folder):
    for model, raw in (
        ("models_argparse:build", "../plain.dng"),
        ("models_noise:build", "../plain.dng"),
        ("models_trial:prints", "../plain.dng"),
    ):
        done = llbench(folder, "restore", raw, "--model", model, "-o", "x.png", "--json")
        assert done.returncode == 0, done.stderr
        (line,) = done.stdout.splitlines()
        assert json.loads(line)["target"] == "x.png"
        assert (folder / "m" / "x.png").is_file()
        (folder / "m" / "x.png").unlink()
    assert not (folder / "x.png").exists()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("models_trial:raises", "RuntimeError: CUDA error: no kernel image is available for execution"),
        ("models_trial:exits", "it ended the process: SystemExit(please set --data_dir)"),
        ("models_trial:needs_args", "TypeError: needs_args() missing 1 required positional argument: 'opt'"),
        ("models_syntax:build", "SyntaxError: invalid syntax (models_syntax.py:1)"),
        ("models_argparse_required:build", "it ended the process: SystemExit(2)"),
    ],
)
def test_what_ends_in_an_exception_is_one_line_with_the_cause(folder, model, said):
    done = llbench(folder, "restore", "../plain.dng", "--model", model, "-o", "x.png")
    assert done.returncode == 2
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("llbench: ")]
    assert len(lines) == 1
    assert said in lines[0]
    assert "Traceback" not in done.stderr


def test_the_conformance_test_gives_a_model_no_arguments_and_names_its_end(folder):
    done = llbench(folder, "models", "check", "models_trial:exits")
    assert done.returncode == 1
    assert "its factory fails with it ended the process: SystemExit(please set --data_dir)" in done.stdout
    done = llbench(folder, "models", "check", "models_argparse:build")
    assert "unrecognized arguments" not in done.stdout + done.stderr
    assert done.stdout.startswith("passed  build")


ENDINGS = (
    *("raise {}('{}')", "import sys; sys.exit({!r})", "import os; os.chdir('/'); raise {}('{}')"),
    "import argparse; p = argparse.ArgumentParser('{1}'); p.add_argument('{1}'); p.parse_args()",
)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_a_factory_does_is_one_line_and_leaves_the_process_as_it_was(seed, capfd):
    rng = np.random.default_rng(seed)
    kind = ("KeyError", "OSError", "AssertionError", "MemoryError", "SystemExit", "UnicodeError")[seed % 6]
    words = "".join(chr(letter) for letter in rng.integers(97, 123, 8))
    code = ENDINGS[seed % len(ENDINGS)].format(kind, words)
    before = sys.argv, Path.cwd(), sys.stdout
    with pytest.raises(InputError) as caught, building("a:b"):
        exec(f"print('printed'); {code}", {})
    assert (sys.argv, Path.cwd(), sys.stdout) == before
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("the model a:b cannot be built: ")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "koi8-r"])
@pytest.mark.parametrize("verb", [("models",), ("cache",)])
def test_every_verb_prints_on_every_terminal(folder, encoding, verb):
    done = llbench(folder, *verb, PYTHONIOENCODING=encoding, COLUMNS="100", LLBENCH_CACHE=str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert "Error" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_restore_and_score_finish_their_batch_on_every_terminal(folder, encoding):
    """A frame of 384 pixels per side prints a difference with a Greek letter; one score is infinite."""
    dark, out = folder / "dark", folder / f"out-{encoding}"
    for path in (dark, out / "pred", out / "truth"):
        path.mkdir(parents=True, exist_ok=True)
    grey = np.tile(np.array([[535, 560], [560, 542]], np.uint16), (192, 192))  # once it is white-balanced
    for name in "ab":
        write_dng(dark / f"{name}.dng", grey)
        Image.new("RGB", (32, 32), "red").save(out / "truth" / f"{name}.png")
        Image.new("RGB", (32, 32), "red" if name == "a" else "blue").save(out / "pred" / f"{name}.png")
    settings = {"PYTHONIOENCODING": encoding, "COLUMNS": "100"}
    done = llbench(folder, "restore", str(dark), "-o", str(out / "restored"), "--threads", "1", **settings)
    assert done.returncode == 0, done.stderr
    assert "E00 to LibRaw" in done.stdout
    assert len(list((out / "restored").iterdir())) == 2
    folders = ("--pred", str(out / "pred"), "--truth", str(out / "truth"), "--lpips", "none")
    done = llbench(folder, "score", *folders, "--protocol", "release2022", **settings)
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr
