"""A project whose modules parse the command line, print, wander or end the process is gated all the same."""

import json

import pytest

from bench.cli import main
from bench.gate import exclusive

HABITS = """
import argparse, os, sys
argparse.ArgumentParser().parse_args()
print("noise")
os.system("echo more of it")
os.chdir("/")
"""


@pytest.fixture(autouse=True)
def _beside_other_gates(monkeypatch, tmp_path):
    monkeypatch.setattr(exclusive, "SHARED", tmp_path)


def gate(project, monkeypatch, capfd, code, tag):
    file = project.folder / "src" / "nightnet" / "network.py"
    file.write_text(code + file.read_text())
    project.git("commit", "--all", "--quiet", "--message", tag)
    project.git("tag", tag)
    monkeypatch.chdir(project.folder)
    arguments = ["gate", "--base", tag, "--head", tag, "--models", "nightnet.network:build", "--threads", "1"]
    arguments += ["--size", "64x96", "--measure", "complexity,quality", "--attempts", "1", "--json"]
    status = main([*arguments, "--out", "results"])
    return status, json.loads(capfd.readouterr().out)


def test_what_a_module_does_when_it_is_imported_harms_neither_the_gate_nor_its_json(
    project, monkeypatch, capfd
):
    status, found = gate(project, monkeypatch, capfd, HABITS, "habits")
    assert status == 0, found
    assert list((project.folder / "results").glob("head/outputs/*/*.npy")), "relative to where it was called"
    assert project.git("status", "--porcelain") == "?? results/", "and nothing else"


def test_a_module_that_ends_the_process_is_named_in_the_json(project, monkeypatch, capfd):
    status, found = gate(project, monkeypatch, capfd, "raise SystemExit('set --data first')\n", "exits")
    assert status == 1
    assert "set --data first" in json.dumps(found)
