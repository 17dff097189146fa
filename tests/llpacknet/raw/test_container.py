"""Whatever a header says, checking it ends in a description or in one line."""

import io
import struct

import numpy as np
import pytest

from llpacknet.errors import InputError
from llpacknet.raw.container import inspect
from llpacknet.raw.dng import CAMERA, write_dng


@pytest.fixture(scope="module")
def content():
    stream = io.BytesIO()
    write_dng(stream, np.full((32, 48), 600, np.uint16))
    return stream.getvalue()


def changed(content):
    """The file with each entry of its header in turn given another type, count or value."""
    (first,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, first)
    for entry in range(first + 2, first + 2 + 12 * entries, 12):
        for kind in (1, 2, 3, 4, 6, 8, 9, 13):
            for count in (0, 1, 2, 65535, 2**32 - 1):
                new = bytearray(content)
                struct.pack_into("<HI", new, entry + 2, kind, count)
                yield bytes(new)
        for value in (0, 1, 2**31, 2**32 - 1):
            new = bytearray(content)
            struct.pack_into("<I", new, entry + 8, value)
            yield bytes(new)


def test_any_entry_may_be_anything(content, tmp_path):
    path = tmp_path / "a.DNG"
    refusals = []
    described = 0
    for new in changed(content):
        path.write_bytes(new)
        try:
            inspect(path)
            described += 1
        except InputError as error:
            refusals.append(str(error))
    assert all(line.count(str(path)) == 1 and "\n" not in line for line in refusals)
    assert len(refusals) > 100
    assert described > 100


def test_an_intact_header_names_camera_and_digest(content, tmp_path):
    (tmp_path / "a.DNG").write_bytes(content)
    found = inspect(tmp_path / "a.DNG")
    assert found.camera == CAMERA
    assert found.digest is not None
