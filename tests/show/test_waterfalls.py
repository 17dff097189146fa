"""Waterfalls as figures: a run's says what it lacks; of images, with what was published beside."""

import pytest

from bench.judge.results import Results
from bench.judge.waterfall import Step, Waterfall
from bench.show.figures import style, waterfalls


def test_a_runs_figure_says_that_alignment_and_crops_are_not_among_its_results(made_up):
    records = made_up.records(("llpacknet",), images=9, protocols=("release2022", "paper2020"))
    with style.styled():
        drawn = waterfalls.figure(Results(records))
    assert (
        "Alignment of brightness and crops, as other fields score, are not among these results"
        in drawn.caption
    )
    assert "llbench score" in drawn.caption


def test_a_published_figure_is_a_hollow_bar_of_its_own():
    steps = (Step("crop", "whole", "512", 29.0, 1.0), Step("align", "none", "scalar", 31.0, 2.0))
    plain = Waterfall("psnr", "release2022", "pmn-raw", 28.0, 31.0, steps)
    told = Waterfall("psnr", "release2022", "pmn-raw", 28.0, 31.0, steps, 43.16, "PMN, raw against raw")
    with style.styled():
        without, beside = (waterfalls.draw([fall]).axes[0] for fall in (plain, told))
    assert len(beside.patches) == len(without.patches) + 1
    bar = beside.patches[-1]
    assert bar.get_x() + bar.get_width() == pytest.approx(43.16)
    assert not bar.get_fill()
    assert beside.get_yticklabels()[-1].get_text() == "published:\nPMN, raw against raw"
    assert [text.get_text() for text in beside.texts if "43" in text.get_text()] == ["43.16"]
