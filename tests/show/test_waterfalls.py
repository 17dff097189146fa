"""Waterfalls as figures: a run's says what it lacks; of images, with what was published beside."""

import io
import warnings
from itertools import pairwise

import pytest
from rich.console import Console

from bench.judge.results import Results
from bench.judge.waterfall import Step, Waterfall
from bench.score import saving
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


@pytest.mark.parametrize("quantities", [("psnr",), ("psnr", "ssim"), ("psnr", "ssim", "lpips")])
def test_labels_of_settings_in_one_step_stay_in_the_figure_and_off_other_panels(quantities):
    merged = Step(
        "subset+gain+ssim", "first, ratio, uniform", "first-aligned, estimate, gaussian-population", 0.9, 0.1
    )
    falls = [Waterfall(one, "release2022", "paper2020", 0.8, 0.9, (merged,)) for one in quantities]
    with style.styled(), warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = waterfalls.draw(falls)
        drawn.set_dpi(style.DOTS)
        drawn.draw_without_rendering()
        panels = [axes.get_tightbbox() for axes in drawn.axes]
    label = drawn.axes[0].get_yticklabels()[1].get_text()
    assert label.replace("\n", " ") == (
        "pairs scored: first frames → first frames, aligned scenes "
        "and gain of the input: true exposure ratio → RED's formula "
        "and definition of SSIM: uniform → Gaussian, population"
    )
    assert all(left.x1 <= right.x0 for left, right in pairwise(panels))
    page = drawn.bbox
    assert all(page.x0 <= box.x0 and page.y0 <= box.y0 for box in panels)
    assert all(box.x1 <= page.x1 and box.y1 <= page.y1 for box in panels)


def test_a_fall_is_written_with_a_minus_sign():
    fall = Waterfall(
        "ssim", "release2022", "paper2020", -0.01, -0.02, (Step("ssim", "a", "b", -0.02, -0.01),)
    )
    with style.styled():
        (axes,) = waterfalls.draw([fall]).axes
    assert [text.get_text() for text in axes.texts] == ["−0.0100", "−0.0100", "−0.0200"]
    printed = io.StringIO()
    Console(file=printed, width=120).print(saving.waterfall_table([fall]))
    assert "−0.01000" in printed.getvalue()
    assert "-0" not in printed.getvalue()
