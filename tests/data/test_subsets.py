"""The subset rules give the published counts on SID's own test names."""

import csv
from importlib import resources
from pathlib import Path

import pytest

from bench.data.folder.index import NAME
from bench.data.folder.pairs import Pair
from bench.data.folder.subsets import PUBLISHED, SUBSETS, count, deviations, select
from llpacknet.errors import InputError


def make_pair(short, long):
    parts, long_parts = NAME.fullmatch(short), NAME.fullmatch(long)
    seconds, long_seconds = float(parts["seconds"]), float(long_parts["seconds"])
    return Pair(parts["scene"], parts["frame"], seconds, long_seconds, Path(short), Path(long))


@pytest.fixture(scope="module")
def first_frames():
    with (resources.files("bench.data") / "facts" / "sid_test93.csv").open() as file:
        return [make_pair(row["short"], row["long"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("subset", ["first", "first-0.1s", "first-aligned", "first-minus-10172"])
def test_first_frames_of_sid_are_counted_as_published(first_frames, subset):
    found, published = count(first_frames, subset), PUBLISHED[subset]
    assert found.pairs == published.pairs
    assert published.ratios in {None, found.ratios}


def test_the_ratio_in_the_facts_is_the_one_from_the_names(first_frames):
    with (resources.files("bench.data") / "facts" / "sid_test93.csv").open() as file:
        stated = [int(row["ratio"]) for row in csv.DictReader(file)]
    assert [round(pair.ratio) for pair in first_frames] == stated


def test_a_first_frame_is_the_same_pair_in_all(first_frames):
    later = [
        make_pair("10003_01_0.1s.ARW", "10003_00_10s.ARW"),
        make_pair("20001_00_0.1s.ARW", "20001_00_10s.ARW"),
    ]
    assert select([*first_frames, *later], "first") == tuple(first_frames)
    assert len(select([*first_frames, *later], "all")) == 94
    assert [pair.scene for pair in select(later, "validation")] == ["20001"]


def test_only_the_complete_set_has_no_deviations(first_frames):
    lines = deviations(first_frames)
    assert any("subset all has 93 pairs" in line for line in lines)
    assert not any(line.startswith("subset first ") for line in lines)


def test_an_unknown_subset_names_the_known_ones(first_frames):
    with pytest.raises(InputError, match="first-aligned"):
        select(first_frames, "fist")
    assert set(PUBLISHED) == set(SUBSETS)
