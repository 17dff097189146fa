"""Change points of results over time: steps are found where they are, noise is left alone."""

from dataclasses import replace

import numpy as np
import pytest

from bench.cli import main
from bench.judge.history import change_points, load
from bench.records import store

STEPS = ((1.0, 10), (1.2, 10), (0.9, 10))


def test_steps_are_found_where_they_are():
    random = np.random.default_rng(2)
    values = np.concatenate([level * np.exp(random.normal(0, 0.01, count)) for level, count in STEPS])
    assert change_points(list(values)) == (10, 20)


def test_noise_alone_seldom_has_a_change_point():
    random = np.random.default_rng(3)
    series = [change_points(list(np.exp(random.normal(0, 0.03, 30)))) for _ in range(100)]
    assert sum(map(bool, series)) <= 10


@pytest.mark.parametrize("values", [[1.0] * 20, [1.0, 2.0], [float("inf")] * 9])
def test_what_does_not_change_or_is_too_short_has_none(values):
    assert change_points(values) == ()


@pytest.fixture
def runs(made_up, tmp_path):
    """Twelve runs of one method, a quarter slower from the seventh on, the latest as a gate left them."""
    records = made_up.records(("llpacknet",), rounds=5, frame=(64, 96), images=3)
    for day in range(12):
        entry = tmp_path / f"run{day:02d}"
        for record in records:
            values = dict(record.values)
            if "samples_s" in values:
                factor = (1.25 if day >= 6 else 1.0) * (1 + 0.004 * (day % 3))
                values["samples_s"] = [factor * sample for sample in values["samples_s"]]
            environment = {"after": {"utc": f"2026-01-{day + 1:02d}T00:00:00Z"}, "cpu": {"model": "A"}}
            origin = {**record.provenance, "commit": f"{day:040d}"}
            made = replace(record, values=values, environment=environment, provenance=origin)
            store.write(entry / "head" if day > 8 else entry, made)
    return tmp_path


def test_each_cell_has_its_series_in_order_of_time(runs):
    series = {(one.quantity, one.setting): one for one in load(runs)}
    times = [one for (quantity, _), one in series.items() if quantity == "latency"]
    assert [point.entry for point in times[0].points] == [f"run{day:02d}" for day in range(12)]
    assert times[0].changes == (6,)
    assert times[0].shift(6) == pytest.approx(0.25, abs=0.01)
    assert [one.changes for (quantity, _), one in series.items() if quantity != "latency"] == [()] * (
        len(series) - len(times)
    )


def test_plots_are_written_and_nothing_blocks(runs, capsys):
    assert main(["report", "--history", str(runs)]) == 0
    shown = capsys.readouterr().out
    assert "25.0%" in shown
    plots = sorted(path.name for path in (runs / "history").iterdir())
    assert {name.rpartition(".")[2] for name in plots} == {"png", "svg"}
    assert any("latency" in name for name in plots)


def test_a_folder_without_runs_is_one_line(tmp_path, capsys):
    assert main(["report", "--history", str(tmp_path)]) == 2
    assert "contains no results folders" in capsys.readouterr().err
