"""Gates without noise: counts, golden outputs and pixels."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.judge import exact
from bench.judge.verdicts import Limits
from bench.records.cells import Cell, Record

FORM = {"device": "cpu", "runtime": "published", "precision": "fp32", "threads": 1}


def both(base, head, kind="complexity"):
    sides = (Record(Cell("net", kind, image="i", **FORM), "ok", values=values) for values in (base, head))
    return exact.Both(*sides)


@pytest.mark.parametrize(
    ("head", "verdict"), [(1000, "equal"), (1009, "equal"), (1011, "worse"), (980, "better")]
)
def test_instructions_have_their_own_limit_and_name_the_kernel(head, verdict):
    pair = both({"instructions": {"pack": 1000}}, {"instructions": {"pack": head, "unpack": 5}})
    (finding,) = exact.counts(pair, Limits())
    assert (finding.quantity, finding.verdict, finding.detail) == (
        "instructions",
        verdict,
        {"kernel": "pack"},
    )


def test_what_only_one_side_counted_is_not_compared():
    assert exact.counts(both({"gmac": None}, {"gmac": 5.0}), Limits()) == []
    assert exact.counts(both({}, {"instructions": {"pack": 1000}}), Limits()) == []


def test_a_count_from_nothing_is_worse_and_has_no_finite_change():
    (finding,) = exact.counts(both({"parameters": 0}, {"parameters": 7}), Limits())
    assert (finding.verdict, finding.change) == ("worse", None)
    assert "an exact count" in finding.reason


@pytest.mark.parametrize(
    ("base", "head", "verdicts"),
    [
        ("met", "met", []),
        (None, None, []),
        ("off by 3", "met", []),
        ("met", "off by 3", ["wrong-output"]),
        (None, "off by 3", ["wrong-output"]),
        ("off by 2", "off by 3", ["equal"]),
    ],
)
def test_a_golden_output_falls_only_where_the_base_met_it(base, head, verdicts):
    found = exact.golden(both({"golden": base}, {"golden": head}), Limits())
    assert [one.verdict for one in found] == verdicts
    assert all("off by 3" in one.reason for one in found)


@pytest.mark.parametrize(
    ("head", "verdict", "said"),
    [
        ([0.1, 0.2], "equal", "bit-identical"),
        ([0.1, 0.2005], "equal", "differ by up to"),
        ([0.1, 0.202], "wrong-output", "0.001 are allowed"),
        ([0.1, math.nan], "wrong-output", "inf of white"),
        ([0.1, 0.2, 0.3], "wrong-output", "differ in shape"),
    ],
)
def test_pixels_are_held_against_the_bases(tmp_path, head, verdict, said):
    pair = both({"pixels": [0.1, 0.2]}, {"pixels": head}, "quality")
    finding = exact.images([pair], tmp_path / "base", tmp_path / "head", Limits())
    assert (finding.quantity, finding.verdict) == ("correctness", verdict)
    assert said in finding.reason


def test_a_whole_image_on_one_side_alone_leaves_the_pixels_of_the_records(tmp_path):
    (tmp_path / "i.npy").parent.mkdir(exist_ok=True)
    np.save(tmp_path / "i.npy", np.zeros((4, 4, 3)))
    pair = both({"pixels": [0.1, 0.2]}, {"pixels": [0.1, 0.2]}, "quality")
    assert exact.images([pair], tmp_path, tmp_path / "head", Limits()).verdict == "equal"
    assert exact.images([], tmp_path, tmp_path, Limits()) is None


GRAIN = 250_000
PEAKS = st.lists(st.integers(0, GRAIN), min_size=3, max_size=6)


def memory(base, head):
    return exact.memory(both({"run_peak_samples_bytes": base}, {"run_peak_samples_bytes": head}), Limits())


@given(least=st.integers(0, 10**8), base=PEAKS, head=PEAKS)
def test_memory_of_any_size_against_itself_is_equal_within_the_grain_of_the_allocator(least, base, head):
    found = memory([least + one for one in base], [least + one for one in head])
    assert found.verdict == "equal"


@given(least=st.integers(0, 10**10), base=PEAKS, head=PEAKS)
def test_more_memory_than_limit_and_grain_together_is_worse_whatever_the_size(least, base, head):
    more = 1_500_000 + round(0.04 * least)
    found = memory([least + one for one in base], [least + more + one for one in head])
    assert found.verdict == "worse"
    assert memory([least + more + one for one in head], [least + one for one in base]).verdict == "better"


def test_what_the_processes_of_one_side_differ_by_is_no_difference_between_sides():
    low, high = 607_000_000, 706_000_000
    assert memory([low, low, high], [high, high, low]).verdict == "equal"
    assert memory([low, low, low], [high, high, high]).verdict == "worse"
    assert memory([low] * 3 + [high] * 3, [high] * 6).verdict == "equal"
