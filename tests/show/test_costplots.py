"""Figures of cost show the points that the results hold, and are left out where there is nothing to show."""

from dataclasses import replace

import pytest

from bench.judge.results import Results
from bench.show.figures import costplots, style

SIZES = ((576, 864), (1424, 2128), (2848, 4256))
MEASURED = {"latency", "memory"}


def costs(made_up, models, **more):
    return [one for one in made_up.records(models, images=0, **more) if one.cell.measurement in MEASURED]


@pytest.fixture(autouse=True)
def _style():
    with style.styled():
        yield


def lines(axes):
    return {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}


def test_time_and_memory_stand_over_the_size_of_the_frame(made_up):
    records = [one for size in SIZES for one in costs(made_up, ("llpacknet", "red"), frame=size)]
    drawn = costplots.resolution(Results(records))
    left, right = drawn.figure.axes
    for axes in (left, right):
        shown = lines(axes)
        assert len(shown) == 2
        for points in shown.values():
            assert [x for x, _ in points] == [height * width / 1e6 for height, width in SIZES]
    peaks = {r.cell.height: r.values["run_peak_bytes"] / 1e9 for r in records
             if (r.cell.model, r.cell.measurement) == ("red", "memory")}  # fmt: skip
    assert [[y for _, y in points] for points in lines(right).values()].count(
        [peaks[height] for height, _ in SIZES]
    ) == 1


def test_time_stands_over_the_threads(made_up):
    two = [one for one in costs(made_up, ("red",)) if one.cell.measurement == "latency"]
    slower = [value * 1.9 for value in two[0].values["samples_s"]]
    one = replace(two[0], cell=replace(two[0].cell, threads=1), values=two[0].values | {"samples_s": slower})
    ((points,),) = [lines(axes).values() for axes in costplots.threads(Results([*two, one])).figure.axes]
    assert [x for x, _ in points] == [1, 2]
    assert points[0][1] == pytest.approx(1.9 * points[1][1])


def test_every_runtime_of_a_method_has_a_bar_as_long_as_its_time(made_up):
    published = [one for one in costs(made_up, ("red",)) if one.cell.measurement == "latency"]
    faster = [value / 2 for value in published[0].values["samples_s"]]
    eager = replace(
        published[0],
        cell=replace(published[0].cell, runtime="eager"),
        values=published[0].values | {"samples_s": faster},
    )
    (axes,) = costplots.runtimes(Results([*published, eager])).figure.axes
    short, long = sorted(bar.get_width() for bar in axes.patches)
    assert short == pytest.approx(long / 2)
    assert {label.get_text() for label in axes.get_yticklabels()} == {
        "RED: published fp32",
        "RED: eager fp32",
    }


def test_a_figure_without_anything_to_show_is_left_out(made_up):
    results = Results(costs(made_up, ("red",)))
    assert costplots.resolution(results) is None
    assert costplots.threads(results) is None
    assert costplots.runtimes(results) is None
