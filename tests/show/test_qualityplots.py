"""Quality against time: what the legend names is drawn."""

from dataclasses import replace

import pytest

from bench.judge.results import Results
from bench.show.figures import qualityplots, style


@pytest.mark.parametrize("ranked", [True, False])
def test_a_pareto_front_is_named_only_where_one_is_drawn(made_up, ranked):
    records = made_up.records(("llpacknet", "sid-unet"), images=9)
    if not ranked:
        records = [replace(r, values={**r.values, "area_fraction": 0.25}) for r in records]
    with style.styled():
        drawn = qualityplots.quality_against_time(Results(records))
    (legend,) = drawn.figure.legends
    dashed = [line for axes in drawn.figure.axes for line in axes.lines if line.get_linestyle() == "--"]
    assert bool(dashed) is ranked
    for text in (legend.get_texts()[0].get_text(), drawn.caption, drawn.alternative):
        assert ("Pareto front" in text) is ranked
