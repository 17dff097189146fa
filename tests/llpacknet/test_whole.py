"""A file has its name only once it is whole."""

import subprocess
import sys
import threading

import pytest

from llpacknet.whole import PARTIAL, whole

SIZE = 1 << 16


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_takes_its_name_at_the_end(tmp_path, durable):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with whole(path, durable=durable) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
        assert partial.name.startswith(".")
        assert partial.suffix == PARTIAL
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("durable", [False, True])
def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path, durable):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def interrupted():
        with whole(path, durable=durable) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError), whole(tmp_path / "absent" / "a.txt") as partial:
        partial.write_text("new")


def test_a_killed_process_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    script = (
        "import os, signal, sys; from pathlib import Path; from llpacknet.whole import whole\n"
        "with whole(Path(sys.argv[1])) as partial:\n"
        "    partial.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -9
    assert path.read_text() == "old"


def test_two_writers_at_once_never_show_a_mixture(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"0" * SIZE)
    stop = threading.Event()

    def write(byte):
        while not stop.is_set():
            with whole(path) as partial:
                partial.write_bytes(byte * SIZE)

    writers = [threading.Thread(target=write, args=(byte,)) for byte in (b"1", b"2")]
    for writer in writers:
        writer.start()
    try:
        seen = [path.read_bytes() for _ in range(300)]
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert {(len(set(content)), len(content)) for content in seen} == {(1, SIZE)}
