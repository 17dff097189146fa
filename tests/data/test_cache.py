"""The decode cache is never wrong: whatever happened to an entry, the right rendering comes back."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from bench.data.decode import cache
from bench.data.decode.hashes import file_sha256
from bench.data.decode.truth import truth
from bench.machine import caches
from llpacknet.errors import InputError
from llpacknet.raw.dng import write_dng
from llpacknet.raw.render import render


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(caches.VARIABLE, str(tmp_path / "cache"))


@pytest.fixture
def long_exposure(tmp_path):
    mosaic = np.random.default_rng(5).integers(512, 9000, (48, 64), np.uint16)
    write_dng(tmp_path / "10003_00_10s.DNG", mosaic)
    return tmp_path / "10003_00_10s.DNG"


def entries():
    return sorted(cache.usage().place.glob("*.picture"))


def test_truth_is_the_rendering_and_is_kept(long_exposure):
    expected = render(long_exposure)
    assert np.array_equal(truth(long_exposure), expected)
    (entry,) = entries()
    written = entry.stat().st_ino
    assert np.array_equal(truth(long_exposure), expected)
    assert entry.stat().st_ino == written
    long_exposure.rename(long_exposure.with_name("10009_00_10s.DNG"))
    assert np.array_equal(truth(long_exposure.with_name("10009_00_10s.DNG")), expected)
    assert entries() == [entry]


def test_another_file_under_the_same_name_has_its_own_truth(long_exposure):
    first = truth(long_exposure)
    write_dng(long_exposure, np.full((48, 64), 3000, np.uint16))
    assert not np.array_equal(truth(long_exposure), first)
    assert np.array_equal(truth(long_exposure), render(long_exposure))


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "text"])
def test_a_damaged_entry_is_made_again(long_exposure, damage):
    expected = truth(long_exposure).copy()
    (entry,) = entries()
    content = bytearray(entry.read_bytes())
    content[-100] ^= 1
    entry.write_bytes(
        {"truncate": entry.read_bytes()[:-1], "flip": bytes(content), "empty": b"", "text": b"hello" * 99}[
            damage
        ]
    )
    assert np.array_equal(truth(long_exposure), expected)
    entry_again = entries()[0].read_bytes()
    assert entry_again[-100] != content[-100]


def test_what_a_killed_process_left_is_not_used(long_exposure, tmp_path):
    """The writer is stopped in the middle of an entry and killed."""
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "def stop(self, target): print('writing', flush=True); time.sleep(60)\n"
        "Path.replace = stop\n"
        "from bench.data.decode.truth import truth; truth(Path(sys.argv[1]))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(long_exposure)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"writing\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert entries() == []
    (partial,) = cache.usage().place.glob("*.partial")
    assert np.array_equal(truth(long_exposure), render(long_exposure))
    os.utime(partial, (time.time() - 7200,) * 2)
    cache.image("ab", lambda: np.zeros(3))
    assert not partial.exists()


def test_several_processes_at_once_agree_and_make_one_entry(long_exposure):
    program = "import sys, hashlib; from pathlib import Path; from bench.data.decode.truth import truth\n"
    program += "print(hashlib.sha256(truth(Path(sys.argv[1])).tobytes()).hexdigest())"
    command = [sys.executable, "-c", program, str(long_exposure)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    said = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0] * 4
    assert len(said) == 1
    assert len(entries()) == 1


def test_the_least_recently_used_go_first(monkeypatch):
    size = np.zeros(1000).nbytes
    monkeypatch.setenv(caches.LIMIT_VARIABLE, str(3 * (size + 400)))
    for key in ("aa", "bb", "cc"):
        cache.image(key, lambda: np.zeros(1000))
        time.sleep(0.01)
    cache.image("aa", lambda: np.ones(1000))
    cache.image("dd", lambda: np.zeros(1000))
    assert [entry.stem for entry in entries()] == ["aa", "cc", "dd"]
    assert cache.image("aa", lambda: np.ones(1000)).sum() == 0
    assert cache.usage().size <= cache.usage().limit


def test_nothing_larger_than_the_limit_is_kept(monkeypatch):
    monkeypatch.setenv(caches.LIMIT_VARIABLE, "1000")
    assert cache.image("aa", lambda: np.ones(1000)).sum() == 1000
    assert entries() == []
    monkeypatch.setenv(caches.LIMIT_VARIABLE, "plenty")
    with pytest.raises(InputError, match="LLBENCH_CACHE_BYTES=plenty"):
        cache.usage()


def test_a_place_that_cannot_be_written_costs_time_only(long_exposure, tmp_path, monkeypatch):
    (tmp_path / "occupied").write_text("a file where the folder should be")
    monkeypatch.setenv(caches.VARIABLE, str(tmp_path / "occupied"))
    assert np.array_equal(truth(long_exposure), render(long_exposure))


def test_clear_removes_the_images_and_nothing_else(long_exposure):
    truth(long_exposure)
    foreign = cache.usage().place / "notes.txt"
    foreign.write_text("mine")
    assert cache.clear().entries == 1
    assert cache.usage().entries == 0
    assert foreign.exists()


def test_a_changed_file_has_a_new_sum(long_exposure):
    first = file_sha256(long_exposure)
    content = long_exposure.read_bytes()
    long_exposure.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert file_sha256(long_exposure) != first
