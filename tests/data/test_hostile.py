"""Damaged and hostile files: each gets a message, none a traceback, hang or crash; good files stay usable."""

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.data.decode.sandbox import Sandbox
from bench.data.folder.verify import verify
from llpacknet.errors import InputError
from llpacknet.raw.container import inspect
from llpacknet.raw.dng import write_dng

_spec = importlib.util.spec_from_file_location("damage", Path(__file__).with_name("damage.py"))
damage = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(damage)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def damaged_set(tmp_path_factory):
    """A data set with one good pair and a short frame for every kind of damage."""
    root = tmp_path_factory.mktemp("set")
    for kind in ("short", "long"):
        (root / "Sony" / kind).mkdir(parents=True)
    damage.good(root / "Sony" / "long" / "10003_00_10s.DNG")
    damage.good(root / "Sony" / "short" / "10003_00_0.1s.DNG")
    paths = {}
    for number, (kind, make) in enumerate(damage.DAMAGED.items(), 1):
        paths[kind] = root / "Sony" / "short" / f"10003_{number:02d}_0.1s.DNG"
        make(paths[kind])
    return root, paths


def test_there_are_more_than_thirty():
    assert len(damage.DAMAGED) > 30


@pytest.mark.parametrize("kind", damage.DAMAGED)
def test_reading_is_refused_in_one_line(damaged_set, sandbox, kind):
    path = damaged_set[1][kind]
    with pytest.raises(InputError) as caught:
        sandbox.decode(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert "crash" not in message


def test_verify_names_every_bad_file_and_no_good_one(damaged_set):
    root, paths = damaged_set
    found = verify(root)
    text = "\n".join(found.problems)
    assert [kind for kind, path in paths.items() if str(path) not in text] == []
    assert "10003_00" not in text
    assert all("\n" not in line for line in found.problems)
    assert len(found.problems) == len(paths)


def test_the_command_lists_them_and_exits_with_1(damaged_set):
    command = [sys.executable, "-m", "bench", "data", "verify", str(damaged_set[0])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stdout.count("problem: ") == len(damage.DAMAGED)
    assert "Traceback" not in done.stdout + done.stderr


def test_random_damage_never_harms_the_reader(tmp_path, sandbox):
    """Any change of any bytes gives the right pixels or a message; changed pixels are never returned."""
    rng = np.random.default_rng(4)
    path = tmp_path / "10003_00_0.1s.DNG"
    content = damage.good(path)
    refused = intact = 0
    for _ in range(150):
        place, length = int(rng.integers(len(content))), int(rng.integers(1, 9))
        path.write_bytes(damage.with_bytes(content, place, rng.bytes(length))[: len(content)])
        try:
            frame = sandbox.decode(path).frame
        except InputError as error:
            refused += len(str(error).splitlines()) == 1
        else:
            assert np.array_equal(frame.mosaic, damage.PIXELS)
            intact += 1
    assert refused + intact == 150
    assert refused > 50


def test_an_unreadable_file_is_refused(tmp_path):
    path = tmp_path / "a.DNG"
    damage.good(path)
    path.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(InputError, match="cannot be read"):
            inspect(path)
    finally:
        if root:
            os.seteuid(0)


def test_after_a_decoder_that_hangs_or_dies_the_next_file_is_read(tmp_path):
    """The decoder is a real process: stopped, killed between files, killed while it is waited for."""
    good = tmp_path / "good.DNG"
    damage.good(good)
    with Sandbox() as running:
        assert running.decode(good).pattern == "RGGB"
        process, patience = running._process, running._timeout
        process.send_signal(signal.SIGSTOP)  # stopped: it neither answers nor ends
        running._timeout = 0.5
        with pytest.raises(InputError, match=r"took longer than 0\.5 s"):
            running.decode(good)
        running._timeout = patience
        assert process.poll() is not None
        assert running.decode(good).pattern == "RGGB"
        running._process.kill()
        running._process.wait()
        assert running.decode(good).pattern == "RGGB"
        running._process.send_signal(signal.SIGSEGV)
        with pytest.raises(InputError, match="crash"):
            running._reply(running._process, good)
        assert running.decode(good).pattern == "RGGB"


def test_too_little_memory_is_a_message(tmp_path):
    write_dng(tmp_path / "a.DNG", np.full((4000, 6000), 600, np.uint16))
    damage.good(tmp_path / "small.DNG")
    with Sandbox(memory=400_000_000) as running:
        assert running.decode(tmp_path / "small.DNG").pattern == "RGGB"
    with Sandbox(memory=250_000_000) as running, pytest.raises(InputError, match=r"a\.DNG"):
        running.decode(tmp_path / "a.DNG")
