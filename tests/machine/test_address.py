"""Files by address: the same data set as by path, copied here once for each version."""

import os
from pathlib import Path

import pytest

from bench.data.folder.index import index
from bench.data.making.make import make
from bench.machine import address, caches
from llpacknet.errors import InputError

fsspec = pytest.importorskip("fsspec")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(caches.VARIABLE, str(tmp_path / "cache"))
    address.version.cache_clear()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("data"), scenes=1, seed=3, size=(64, 96))


@pytest.fixture
def remote(made):
    """The data set in fsspec's file system in memory."""
    memory = fsspec.filesystem("memory")
    memory.put(str(made.root), "/bucket/dark", recursive=True)
    yield "memory://bucket/dark"
    memory.rm("/bucket", recursive=True)


def copies():
    return [path for path in (caches.place() / address.FOLDER).glob("*/[!.]*") if path.is_file()]


def test_an_addressed_data_set_is_the_one_on_disk(made, remote):
    found = index(remote)
    assert (found.name, found.synthetic) == (made.name, True)
    assert [pair.name for pair in found.pairs] == [pair.name for pair in made.pairs]
    assert [pair.ratio for pair in found.pairs] == [pair.ratio for pair in made.pairs]
    for there, here in zip(found.pairs, made.pairs, strict=True):
        copy = address.local(found.source(there.short))
        assert copy.name == here.short.name
        assert copy.read_bytes() == here.short.read_bytes()


def test_a_file_address_is_a_path(made):
    found = index(f"file://{made.root}")
    assert found == made
    assert address.local(found.source(found.pairs[0].long)) == made.pairs[0].long.absolute()
    assert copies() == []


def test_a_file_is_copied_once_and_again_when_it_has_changed(remote):
    source = f"{remote}/Sony/extra.bin"
    memory = fsspec.filesystem("memory")
    memory.pipe("/bucket/dark/Sony/extra.bin", b"one")
    first = address.local(source)
    stamp = first.stat().st_ino
    assert address.local(source).stat().st_ino == stamp
    memory.pipe("/bucket/dark/Sony/extra.bin", b"three")
    address.version.cache_clear()
    assert address.local(source).read_bytes() == b"three"


def test_copies_keep_within_the_limit(remote, monkeypatch):
    memory = fsspec.filesystem("memory")
    monkeypatch.setenv(caches.LIMIT_VARIABLE, "2500")
    for number in range(4):
        memory.pipe(f"/bucket/dark/{number}.bin", bytes([number]) * 1000)
        os.utime(address.local(f"{remote}/{number}.bin"), (number, number))
    assert {path.name for path in copies()} == {"2.bin", "3.bin"}


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("memory://bucket/dark/absent.DNG", "there is no file"),
        ("nosuch://bucket/file", "cannot be re"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line(source, says):
    with pytest.raises(InputError, match=says) as error:
        address.local(source)
    assert "\n" not in str(error.value)
    assert source in str(error.value)


def test_an_address_without_data_is_refused(remote):
    with pytest.raises(InputError, match="SID's layout"):
        index(f"{remote}/Sony/short")
    assert Path(caches.place()).exists() is False
