"""Every rule of the calling convention: kept by the suite's own methods, and broken by one method each."""

import pytest

from baselines import spec
from bench.measure.conformance import classical, network
from bench.measure.conformance.__main__ import run
from bench.measure.conformance.method import Method
from bench.measure.conformance.runner import CHECKS, TIMEOUT_S, _Process

BROKEN = [
    ("sizes", "OnlyMultiplesOf16", "18x46", "pad"),
    ("sizes", "SwallowsOddRows", "(1, 3, 32, 46)", "refuse"),
    ("batch", "MeanOverTheBatch", "differs from the same image alone", "never over the batch"),
    ("batch", "FirstOfTheBatch", "(1, 3, 48, 64)", "batch first"),
    ("batch", "mixing_unpack", "differs from the same image alone", "batch first"),
    ("determinism", "DropoutLeftOn", "twice", "eval mode"),
    ("determinism", "Remembers", "differs by", "one call to the next"),
    ("determinism", "RandomFromNumpy", "a second instance", "torch's generator"),
    ("input", "WorksInPlace", "changes its input", "copy"),
    ("input", "OverwritesTheMosaic", "changes its input", "copy"),
    ("gain", "IgnoresTheGain", "the same image", "needs_gain = False"),
    ("gain", "DividesByTheLevel", "all black", "divisors"),
    ("gain", "GainInWords", "'ratio'", "needs_gain = True"),
    ("gain", "ClipsAtZero", "input_clip is 0", "input_clip = 1.0"),
    ("gain", "OneGainForAll", "batch of two", "shape (B,)"),
    ("dtype", "DoublePrecision", "torch.float64", "float32"),
    ("dtype", "TiedToFloat32", "bfloat16", "constants"),
    ("dtype", "EightBitsAsFloats", "float32 from 0 to", "[0, 1]"),
    ("weights", "ForgetsABuffer", "its own parameters", "state_dict"),
    ("weights", "SharesMemory", "RuntimeError", "share no memory"),
    ("settings", "SetsThreads", "number of threads", "leave global settings"),
    ("export", "FreezesAValue", "a different image", "tracing froze"),
    ("export", "UnknownToOnnx", "torch.onnx.export", "operators"),
    ("memory", "AllPairs", "times the memory", "blocks"),
    ("memory", "KeepsOutputs", "MB allocated", "reference"),
]


@pytest.fixture(autouse=True)
def _methods(pytestconfig, monkeypatch):
    monkeypatch.syspath_prepend(pytestconfig.rootpath / "tests" / "methods")


@pytest.fixture(autouse=True)
def _threads():
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def found(name, check):
    if check == "memory":  # this process holds memory that earlier tests let go of
        *_, finding = _Process(f"nonconforming:{name}", "shipped", [check], TIMEOUT_S).findings()
        return finding
    return run(Method.build(f"nonconforming:{name}", "shipped"), check)


@pytest.mark.parametrize(("check", "name", "seen", "remedy"), BROKEN)
def test_a_broken_rule_is_found_and_comes_with_a_remedy(check, name, seen, remedy):
    finding = found(name, check)
    assert (finding.check, finding.result) == (check, "failed")
    assert seen in finding.seen
    assert remedy in finding.remedy


@pytest.mark.parametrize("name", ["Fair", "Darkens"])
def test_methods_that_break_no_rule_pass(name):
    method = Method.build(f"nonconforming:{name}", "shipped")
    found = [run(method, check) for check in CHECKS[1:]]
    assert [finding for finding in found if finding.result == "failed"] == []
    passed = [finding.check for finding in found if finding.result == "passed"]
    assert passed == list(CHECKS[1:]) or name == "Darkens"


@pytest.mark.parametrize("name", ["llpacknet-2020", "sid-unet+amplifier", "red", "lime", "gain-only"])
def test_the_suites_own_methods_conform(name):
    method = Method.build(name, "none")
    found = [run(method, check) for check in CHECKS[1:] if check not in {"export", "memory"}]  # the slow ones
    assert [finding for finding in found if finding.result == "failed"] == []
    assert spec(name).kind == ("network" if method.network else "classical")


def test_both_kinds_know_every_check():
    assert tuple(network.CHECKS) == tuple(classical.CHECKS) == CHECKS[1:]
