"""Gates of one machine take turns, and a gate that is killed keeps none waiting."""

import subprocess
import sys
import time
from pathlib import Path

from bench.gate.exclusive import exclusive

CODE = """
import sys, time
from bench.gate.exclusive import exclusive

with exclusive(lambda line: print("waits", flush=True)):
    with open(sys.argv[1], "a") as stream:
        print("begin", file=stream, flush=True)
        time.sleep(float(sys.argv[2]))
        print("end", file=stream, flush=True)
"""
SUITE = Path(__file__).parents[2]


def start(file, seconds, **environment):
    command = [sys.executable, "-c", CODE, str(file), str(seconds)]
    return subprocess.Popen(
        command, cwd=SUITE, env={"PYTHONPATH": str(SUITE), **environment}, stdout=subprocess.PIPE, text=True
    )


def test_gates_take_turns_whatever_their_temporary_folders(tmp_path):
    file = tmp_path / "order"
    file.touch()
    with exclusive(str):
        processes = [start(file, 0.3, TMPDIR=str(tmp_path)), start(file, 0.3)]
        for process in processes:
            assert process.stdout.readline() == "waits\n"
        assert file.read_text() == ""
    for process in processes:
        assert process.wait(60) == 0
    assert file.read_text().split() == ["begin", "end"] * 2


def test_a_killed_gate_keeps_none_waiting(tmp_path):
    holder = start(tmp_path / "order", 600)
    while not (tmp_path / "order").exists():
        assert holder.poll() is None
        time.sleep(0.01)
    holder.kill()
    holder.wait()
    with exclusive(str):
        pass
