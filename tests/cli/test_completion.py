"""The shell completes verbs, options and choices, with what the page on the quick start tells it to load."""

import os
import subprocess
import sys

import pytest

PROGRAM = "import sys; from bench.cli import main; sys.exit(main())"


def ask(instruction, words="", position=0):
    variables = {"_LLBENCH_COMPLETE": instruction, "COMP_WORDS": words, "COMP_CWORD": str(position)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(shell):
    script = ask(f"{shell}_source")
    assert "_LLBENCH_COMPLETE" in script
    assert "llbench" in script


@pytest.mark.parametrize(
    ("words", "position", "expected"),
    [
        ("llbench re", 1, {"reproduce", "report"}),
        ("llbench data ", 2, {"make", "redark", "index", "verify"}),
        ("llbench reproduce --ti", 2, {"--tier"}),
        ("llbench reproduce --tier s", 3, {"smoke", "standard"}),
        ("llbench models check sid", 3, {"sid-unet", "sid-unet+amplifier"}),
        ("llbench run --models llpacknet,re", 3, {"llpacknet,red"}),
    ],
)
def test_a_word_is_completed(words, position, expected):
    given = {line.partition(",")[2] for line in ask("bash_complete", words, position).splitlines()}
    assert expected <= given
    assert all(word.startswith(words.split(" ")[-1]) for word in given)
