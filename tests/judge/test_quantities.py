"""A quantity that the results cannot give says why, in words that a table prints."""

from dataclasses import replace

import pytest

from bench.judge import quantities
from bench.judge.results import Results


def without(records, model, kind, *keys, **values):
    return [
        replace(one, values={k: v for k, v in one.values.items() if k not in keys} | values)
        if (one.cell.model, one.cell.measurement) == (model, kind)
        else one
        for one in records
    ]


@pytest.fixture(scope="module")
def two(made_up):
    return made_up.records(("llpacknet", "red"), images=0)


def test_a_memory_record_without_its_peak_has_no_figure_and_no_ratio(two):
    results = Results(without(two, "red", "memory", "run_peak_bytes"))
    assert quantities.memory(results, "red").reason == "its record has no peak"
    assert quantities.memory_ratio(results, "red", "llpacknet").reason == "a record has no peak"
    assert quantities.memory(results, "llpacknet").estimate is not None


def test_a_count_that_is_not_there_or_of_another_frame_is_none(two):
    results = Results(without(two, "red", "complexity", "gmac"))
    assert quantities.count(results, "red", "gmac").reason == "its complexity record has no gmac"
    counted = [one for one in two if one.cell.measurement == "complexity"]
    small = Results([replace(one, cell=replace(one.cell, height=64, width=96)) for one in counted])
    assert "another frame" in quantities.count(small, "red", "gmac").reason
    assert quantities.count(small, "red", "parameters").estimate is not None


def test_methods_that_share_no_round_of_their_run_have_no_ratio(two):
    shifted = [
        replace(one, values=one.values | {"round": [number + 50 for number in one.values["round"]]})
        if (one.cell.model, one.cell.measurement) == ("red", "latency")
        else one
        for one in two
    ]
    found = quantities.latency_ratio(Results(shifted), "red", "llpacknet")
    assert found.estimate is None
    assert "share no round" in found.reason


def in_runtime(records, model, runtime):
    return [
        replace(one, cell=replace(one.cell, runtime=runtime))
        if one.cell.model == model and one.cell.measurement in {"latency", "memory"}
        else one
        for one in records
    ]


def test_networks_are_compared_in_one_runtime_or_not_at_all(two):
    mixed = in_runtime(two, "red", "eager")
    found = quantities.latency_ratio(Results(mixed), "red", "llpacknet")
    assert found.reason == "red and llpacknet share no runtime"
    both = [*mixed, *(one for one in in_runtime(two, "llpacknet", "eager") if one.cell.model == "llpacknet")]
    found = quantities.memory_ratio(Results(both), "red", "llpacknet")
    assert found.estimate is not None
    assert {record.cell.runtime for record in found.behind} == {"eager"}
    assert "eager" in found.marks
