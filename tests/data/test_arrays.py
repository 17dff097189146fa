"""Images of 960x512 in .npy files, which go by SID's name, are refused with the reason."""

import numpy as np
import pytest

from bench.data.decode import image_file
from bench.data.folder.index import index
from bench.data.making.photographs import find_photographs
from bench.score.reading import match
from bench.train.photo_pool import listed
from llpacknet.errors import InputError
from llpacknet.photos.batch import tasks
from llpacknet.raw.dng import write_dng
from llpacknet.raw.read import read_raw

REASON = "960x512 images, rendered and shrunk"


@pytest.fixture
def array(tmp_path):
    path = tmp_path / "short_sid2" / "00001" / "00001_00_0.04s.npy"
    path.parent.mkdir(parents=True)
    np.save(path, np.zeros((512, 960, 3), np.uint8))
    return path


@pytest.mark.parametrize(
    "reading",
    [
        read_raw,
        image_file.read,
        lambda path: index(path.parents[2]),
        lambda path: find_photographs(path.parent),
        lambda path: listed(path.parent),
        lambda path: match(path.parent, path.parent),
        lambda path: tasks([path.parents[1]], path.parent / "out", None),
    ],
)
def test_an_array_is_refused_with_the_reason(array, reading):
    with pytest.raises(InputError, match=REASON):
        reading(array)


def test_an_array_under_another_name_is_known_by_what_it_holds(array):
    renamed = array.rename(array.with_suffix(".ARW"))
    with pytest.raises(InputError, match=REASON):
        read_raw(renamed)


def test_an_array_among_raw_files_is_named_and_the_rest_is_indexed(tmp_path):
    for kind, name in (("short", "10003_00_0.1s"), ("long", "10003_00_10s")):
        (tmp_path / kind).mkdir()
        write_dng(tmp_path / kind / f"{name}.DNG", np.full((64, 96), 600, np.uint16))
    np.save(tmp_path / "short" / "10003_01_0.1s.npy", np.zeros((512, 960, 3), np.uint8))
    found = index(tmp_path)
    assert len(found.pairs) == 1
    assert REASON in found.problems[0]
