"""Every verb explains itself: each option says what it is for, and each help ends in examples that parse."""

import re
import shlex
import subprocess
import sys

import click
import pytest

from .commandline import VERBS, parse


def examples(path):
    """The lines of a help's last section."""
    command, context = VERBS[path]
    _, _, shown = command.get_help(context).partition("Examples:")
    return [line.strip() for line in re.findall(r"^  +(\S.*)$", shown, flags=re.MULTILINE)]


@pytest.mark.parametrize("path", VERBS)
def test_every_option_says_what_it_is_for(path):
    options = [one for one in VERBS[path][0].params if isinstance(one, click.Option)]
    assert [one.opts for one in options if not one.help] == []


@pytest.mark.parametrize("path", [path for path in VERBS if path != "llbench"])
def test_every_verb_shows_examples_of_itself_that_parse(path):
    shown = examples(path)
    assert any(path in line for line in shown)
    for line in shown:
        words = shlex.split(line, comments=True)
        if "llbench" in words:
            parse(shlex.join(words[words.index("llbench") :]))


@pytest.mark.parametrize("path", VERBS)
def test_what_takes_a_list_of_models_can_leave_out_the_restricted(path):
    options = {name for one in VERBS[path][0].params for name in one.opts}
    assert "--models" not in options or "--only-free" in options


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("llbench reproduce --teir smoke", "No such option"),
        ("llbench reproduce --tier huge", "is not one of"),
        ("llbench run --models red", "Missing option '--out'"),
        ("llbench data make --scenes none --out dark", "not a valid integer"),
        ("llbench measure", "no verb"),
    ],
)
def test_a_line_that_the_parser_refuses_is_found(line, complaint):
    with pytest.raises(AssertionError, match=complaint):
        parse(line)


# Prints what reading a help has imported: packages that are not Python's own, and what of its own is slow.
IMPORTED = """
import contextlib, io, sys
before = set(sys.modules)
from bench.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    status = main([*sys.argv[1:], "--help"])
new = set(sys.modules) - before
packages = {name.partition(".")[0] for name in new} - sys.stdlib_module_names
print(*sorted(packages | new & {"importlib.metadata", "asyncio", "ssl", "unittest", "multiprocessing"}))
sys.exit(status)
"""


@pytest.mark.parametrize("path", VERBS)
def test_help_imports_click_and_declarations_alone(path):
    run = [sys.executable, "-c", IMPORTED, *path.split()[1:]]
    imported = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
    assert set(imported) <= {"bench", "baselines", "llpacknet", "click"}
