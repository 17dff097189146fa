"""Floors, shares of them and profiles, from made-up cells of which the answer is known."""

from dataclasses import replace

import pytest

from bench.judge import floors
from bench.judge.results import Results
from bench.records.cells import Record
from bench.show.figures import floor_bars, style
from bench.show.tables import standings, writers

KINDS = {
    "3x3 convolutions to 32 channels": (0.6, 90e9),
    "concatenation": (0.25, 0.0),
    "views, Python and what has no kind": (0.15, 0.0),
}
"""Of a profiled pass of one second."""


def profiled(timed, slower=1.0):
    kinds = {name: {"seconds": s, "operations": count} for name, (s, count) in KINDS.items()}
    cell = replace(timed.cell, measurement="profile")
    values = {"seconds": 1.0, "unprofiled_s": 1.0 / slower, "kinds": kinds}
    return Record(cell, "ok", values=values, environment=timed.environment, provenance=timed.provenance)


def in_bf16(timed):
    cell = replace(timed.cell, runtime="eager", precision="bf16")
    halved = [second / 2 for second in timed.values["samples_s"]]
    return replace(timed, cell=cell, values=timed.values | {"samples_s": halved, "computes": "bf16"})


@pytest.fixture(scope="module")
def records(made_up):
    return [
        replace(one, cell=replace(one.cell, runtime="published")) if one.cell.runtime else one
        for one in made_up.records(("llpacknet", "red"), images=0)
    ]


@pytest.fixture(scope="module")
def results(records):
    """Two networks in fp32, LLPackNet in bf16 too, with a roof of twice the rate."""
    (timed,) = [r for r in records if (r.cell.model, r.cell.measurement) == ("llpacknet", "latency")]
    (kernels,) = [r for r in records if r.cell.measurement == "kernels"]
    doubled = {
        "product_flops": [2 * rate for rate in kernels.values["peaks"]["product_flops"]],
        "inner_product_flops": [1e9],
        "limit_flops": [500e9],
    }
    others = [r for r in records if r is not kernels]
    with_peaks = replace(kernels, values=kernels.values | {"peaks_bf16": doubled})
    return Results([*others, with_peaks, in_bf16(timed), profiled(timed)])


def test_a_floor_is_the_operations_over_the_fastest_kernel(results):
    fp32, bf16, _ = sorted(floors.standings(results), key=lambda one: (one.model, one.form[1] != "fp32"))
    assert fp32.operations == pytest.approx(2 * 83.3e9, rel=0.01)
    assert fp32.floor_s == fp32.operations / max(fp32.roof.record.values["peaks"]["product_flops"])
    assert bf16.roof.kernel == "product"
    assert bf16.floor_s == pytest.approx(fp32.floor_s / 2)
    assert bf16.share == pytest.approx(fp32.share)


def test_a_form_above_the_roof_is_a_fault_of_the_roof(records):
    slow = {"product_flops": [20e9], "copy_bytes": [1e9], "limit_flops": [10e9]}
    weak = [
        replace(r, values=r.values | {"peaks": slow}) if r.cell.measurement == "kernels" else r
        for r in records
    ]
    text = writers.as_markdown(standings.floor_table(Results(weak)))
    assert standings.FAULT in text
    assert "it exceeds what loop and clock allow" in text


def test_the_tables_read_as_before(results, golden):
    golden("floors.md", writers.as_markdown(standings.floor_table(results)))
    golden("profile.md", writers.as_markdown(standings.profile_table(results)))


def test_a_profile_that_disturbed_its_pass_gives_shares_but_no_rates(records):
    (timed,) = [r for r in records if (r.cell.model, r.cell.measurement) == ("red", "latency")]
    found = Results([*records, profiled(timed, slower=10)])
    _, parts = floors.profile(found, "red", ("published", "fp32"))
    assert [part.share for part in parts] == [0.6, 0.25, 0.15]
    assert {part.flops for part in parts} == {None}
    text = writers.as_markdown(standings.profile_table(found))
    assert "10.00 times as long" in text


def test_parts_of_a_bar_are_as_long_as_the_time_and_the_line_stands_at_the_floor(results):
    with style.styled():
        (axes,) = floor_bars.figure(results).figure.axes
    found = {" ".join(one.form): one for one in floors.standings(results) if one.model == "llpacknet"}
    bars = {}
    for bar in axes.patches:
        bars.setdefault(round(bar.get_y(), 3), []).append(bar.get_width())
    widths = sorted((sum(parts), sum(part > 0 for part in parts)) for parts in bars.values())
    assert (pytest.approx(found["published fp32"].time.value), 3) in widths
    assert (pytest.approx(found["eager bf16"].time.value), 1) in widths
    lines = {round(line.get_xdata()[0], 6) for line in axes.get_lines()}
    assert round(found["eager bf16"].floor_s, 6) in lines


def test_without_a_measured_roof_there_is_nothing(records):
    bare = Results([r for r in records if r.cell.measurement != "kernels"])
    assert [standings.floor_table(bare), standings.profile_table(bare), floor_bars.figure(bare)] == [None] * 3
