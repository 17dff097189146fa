"""Time and memory per megapixel, size by size; what did not fit keeps its row."""

from dataclasses import replace

import pytest

from bench.judge.results import Results
from bench.records.cells import Record
from bench.show.tables.scaling import scaling_table

SIZES = ((576, 864), (2848, 4256), (5664, 8480))


def swept(made_up, models=("llpacknet", "red")):
    found = []
    for size in SIZES:
        made = made_up.records(models, frame=size, images=0)
        found += [record for record in made if record.cell.measurement in {"latency", "memory"}]
    big = [record for record in found if (record.cell.height, record.cell.width) == SIZES[-1]]
    reason = "needs about 30.0 GB of memory and 24.0 GB are available"
    skipped = [Record(one.cell, "skipped", reason) for one in big if one.cell.model == "red"]
    return [one for one in found if one not in big or one.cell.model != "red"] + skipped


def test_each_size_has_its_figures_per_megapixel(made_up):
    table = scaling_table(Results(swept(made_up)))
    keys = [column.keys[0] for column in table.columns]
    rows = [dict(zip(keys, row, strict=True)) for row in table.rows]
    assert [row["frame"].text for row in rows] == [f"{height}x{width}" for height, width in SIZES] * 2
    for row, (height, width) in zip(rows[:3], SIZES, strict=True):
        megapixels = height * width / 1e6
        for whole, per in (("time_s", "time_s_per_megapixel"), ("peak_gb", "peak_gb_per_megapixel")):
            assert row[per].parts[0].value * megapixels == pytest.approx(row[whole].parts[0].value)
    assert rows[1]["time_s_per_megapixel"].parts[0].value == pytest.approx(2.31 / 12.12, rel=0.02)


def test_a_size_that_did_not_fit_says_why(made_up):
    *_, last = scaling_table(Results(swept(made_up))).rows
    assert last[5].text == last[8].text == "–"
    assert "30.0 GB of memory and 24.0 GB are available" in last[5].notes[0]


def test_a_method_measured_in_one_setting_has_no_row(made_up):
    assert scaling_table(Results(made_up.records(("red",), images=0))) is None


def test_thread_counts_are_a_sweep_too(made_up):
    records = [one for one in made_up.records(("red",), images=0) if one.cell.measurement == "latency"]
    records += [replace(one, cell=replace(one.cell, threads=1)) for one in records]
    table = scaling_table(Results(records))
    assert [row[2].text for row in table.rows] == ["1", "2"]
    assert table.rows[0][7].text == "–"
