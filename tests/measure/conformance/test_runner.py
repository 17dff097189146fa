"""`llbench models check`: its process, its output and its exit status."""

import io
import json

import pytest

from bench.cli import main
from bench.measure.conformance import runner
from bench.measure.conformance.__main__ import build


@pytest.fixture(autouse=True)
def _methods(pytestconfig, monkeypatch):
    monkeypatch.syspath_prepend(pytestconfig.rootpath / "tests" / "methods")


def test_a_conforming_network_is_status_0(capsys):
    assert main(["models", "check", "nonconforming:Fair", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["conforms"] is True
    assert [one["check"] for one in said["checks"]] == list(runner.CHECKS)
    assert {one["result"] for one in said["checks"]} == {"passed"}


def test_what_ends_its_process_fails_one_check_and_the_others_go_on(capfd):
    assert main(["models", "check", "nonconforming:KillsItselfOnBatches"]) == 1
    lines = capfd.readouterr().out.splitlines()
    failed = [line for line in lines if line.startswith("failed")]
    assert len(failed) == 1
    assert failed[0].split()[1] == "batch"
    assert "SIGSEGV" in failed[0]
    assert lines[lines.index(failed[0]) + 1].split()[:2] == ["to", "do:"]
    assert lines[-1] == "nonconforming:KillsItselfOnBatches: 1 of 11 checks failed"


@pytest.mark.parametrize(("factory", "seen"), [("not_callable", "a dict"), ("raising", "prior.npz")])
def test_a_factory_that_gives_no_method_fails_with_a_remedy(factory, seen):
    said = io.StringIO()
    assert build(f"nonconforming:{factory}", "shipped", said) is None
    found = json.loads(said.getvalue())
    assert (found["check"], found["result"]) == ("build", "failed")
    assert seen in found["seen"]
    assert "(B, 1, H, W)" in found["remedy"]


def test_what_cannot_be_built_is_not_checked_further():
    build, *others = runner.check("nonconforming:dying")
    assert (build.check, build.result) == ("build", "failed")
    assert "exit status 7" in build.seen
    assert build.remedy
    assert {one.result for one in others} == {"skipped"}
    assert len(others) == len(runner.CHECKS) - 1


def test_a_cause_that_every_check_would_meet_is_said_once(capsys):
    assert main(["models", "check", "nonconforming:TakesFourPlanes"]) == 1
    said = capsys.readouterr().out
    assert said.count("RuntimeError") == said.count("to do:") == said.count("failed  ") == 1
    assert said.count("it restores no frame: see sizes") == len(runner.CHECKS) - 2
    assert said.splitlines()[-1] == "nonconforming:TakesFourPlanes: 1 of 11 checks failed"


def test_a_silent_check_is_ended():
    build, *_ = runner.check("misbehaving:sleeper", timeout_s=0.2)
    assert build.result == "failed"
    assert "within 0.2 s" in build.seen


def test_a_factory_that_is_not_there_is_unusable_input(capfd):
    assert main(["models", "check", "nonconforming:Absent"]) == 2
    said = capfd.readouterr().err
    assert "nonconforming:Absent" in said
    assert said.count("\n") == 1
