"""Each FLOPs figure that these papers print is explained by a frame size and a counter, and so in docs."""

from functools import cache

import pytest

from baselines import create
from baselines.complexity import macs
from baselines.registry import network_of
from bench.show.tables import published

FLOPS = [
    (row["source"], row["height"], row["width"], row["transposed"], model, figure)
    for row in published.load()["flops"]
    for model, figure in row["printed"].items()
]


@cache
def counted(model, height, width, transposed):
    network = network_of(model, create(model, weights="none"))
    return macs(network, height, width, transposed=transposed) / 1e9


@pytest.mark.parametrize(("source", "height", "width", "transposed", "model", "figure"), FLOPS)
def test_a_published_figure_is_explained_by_size_and_counter(
    source, height, width, transposed, model, figure
):
    digits = len(figure.partition(".")[2])
    rounding = 0.5 * 10**-digits
    found = counted(model, height, width, transposed)
    assert found == pytest.approx(float(figure), rel=0.005, abs=rounding), source


def test_at_the_other_resolution_the_same_figures_are_missed():
    for _, height, width, transposed, model, figure in FLOPS:
        if model == "sid-unet":
            other = "input" if transposed == "output" else "output"
            assert counted(model, height, width, other) != pytest.approx(float(figure), rel=0.05)


def test_the_page_of_the_field_says_the_same(pytestconfig):
    page = (pytestconfig.rootpath / "docs" / "field.md").read_text(encoding="utf-8")
    for source, height, width, transposed, model, figure in FLOPS:
        found = counted(model, height, width, transposed)
        row = f"| {source} | `{model}` | {height}×{width} | {transposed} | {figure} | {found:.4g} |"
        assert row in page, row
