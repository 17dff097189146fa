"""The workflow and the shell recipe of the gate call it as it is."""

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from bench.cli.gate import command as gate
from bench.cli.report import command as report

FOLDER = Path(__file__).parents[2] / "examples" / "gate"


def commands():
    steps = yaml.safe_load((FOLDER / "github-actions.yml").read_text())["jobs"]["gate"]["steps"]
    lines = [line for step in steps for line in step.get("run", "").splitlines()]
    lines += (FOLDER / "gate.sh").read_text().splitlines()
    return [
        found[1]
        for line in lines
        if (found := re.match(r"\s*(llbench (?:gate|report) .*?)(?: \|\| true)?$", line))
    ]


@pytest.mark.parametrize("line", commands())
def test_every_call_parses(line):
    _, verb, *words = shlex.split(line)
    command = {"gate": gate, "report": report}[verb]
    assert command.make_parser(click.Context(command)).parse_args(words)[1] == []


def test_both_files_call_the_gate():
    assert [line.split()[1] for line in commands()] == ["gate", "gate", "report"]


def test_the_recipe_wants_a_base_and_a_model():
    ended = subprocess.run(["bash", FOLDER / "gate.sh"], capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "usage: gate.sh BASE MODEL" in ended.stderr
