"""Counting instructions: the request to valgrind is harmless without it, and its answer is read as it is."""

import platform
import subprocess
import sys

import pytest

from bench.gate import instructions
from llpacknet.errors import InputError

X86 = sys.platform == "linux" and platform.machine() == "x86_64"


@pytest.mark.skipif(not X86, reason="the request is machine code of x86-64")
def test_outside_of_valgrind_a_request_does_nothing():
    request = instructions._client_request()
    assert [request(code, 0) for code in (instructions.START, instructions.STOP)] == [0, 0]


def test_a_dump_of_callgrind_is_read_by_the_name_of_its_kernel(tmp_path):
    dump = tmp_path / "counts.1"
    dump.write_text(
        "# callgrind format\nversion: 1\npart: 1\n\ndesc: I1 cache: \ndesc: Trigger: Client Request: pack\n\n"
        "positions: line\nevents: Ir\nsummary: 123456\n\nfn=(0)\n0 123456\n\ntotals: 123456\n"
    )
    assert instructions._read(dump) == ("pack", 123456)
    dump.write_text("desc: Trigger: Program termination\nsummary: 5\n")
    assert instructions._read(dump) is None


def test_of_several_calls_the_least_counts(tmp_path):
    for number, (name, total) in enumerate([("pack", 7), ("pack", 5), ("unpack", 3), ("pack", 6)]):
        text = f"desc: Trigger: Client Request: {name}\nsummary: {total}\n"
        (tmp_path / f"counts.{number}").write_text(text)
    assert instructions._least(tmp_path) == {"pack": 5, "unpack": 3}


@pytest.mark.skipif(not X86, reason="the request is machine code of x86-64")
def test_what_is_counted_is_the_code_of_the_revision(tmp_path):
    package = tmp_path / "llpacknet"
    package.mkdir()
    (package / "__init__.py").write_text(
        "def pack(x, factor):\n    print('packed by the revision')\n\n\nunpack = pack\n"
    )
    command = [sys.executable, "-P", "-m", "bench.gate.instructions", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["packed by the revision"] * 2 * (1 + instructions.CALLS), done.stderr


def test_without_valgrind_it_says_what_is_missing(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match=r"valgrind|x86-64"):
        instructions.count([])
