"""Waterfalls from results alone: what they can tell apart, and that the parts add up."""

from dataclasses import replace

import pytest

from bench.judge.between import Judged
from bench.judge.results import Results

ALL = ("release2022", "paper2020", "paper2020-gt")


@pytest.fixture(scope="module")
def judged(made_up):
    return made_up.records(("llpacknet",), images=9, protocols=ALL)


def only(made, *names):
    return [
        record
        for record in made
        if record.cell.protocol in {None, *names}
        and (not str(record.cell.protocol).startswith("paper") or str(record.cell.image).endswith("_0.1s"))
    ]


def mean(made, protocol, key="psnr"):
    found = [r.values[key] for r in made if r.cell.protocol == protocol]
    return sum(found) / len(found)


def test_settings_are_told_apart_where_protocols_share_their_images(judged):
    made = only(judged, *ALL)
    fall = Judged(Results(made), "llpacknet").fall("release2022", "paper2020", "ssim")
    assert [step.axis for step in fall.steps] == ["subset", "ssim", "gain"]
    assert fall.before == pytest.approx(mean(made, "release2022", "ssim"))
    assert fall.after == pytest.approx(mean(made, "paper2020", "ssim"))
    assert fall.before + sum(step.part for step in fall.steps) == pytest.approx(fall.after)


def test_what_the_results_cannot_tell_apart_is_one_step(judged):
    made = only(judged, "release2022", "paper2020")
    names = Judged(Results(made), "llpacknet")
    assert [step.axis for step in names.fall("release2022", "paper2020", "ssim").steps] == [
        "subset",
        "gain+ssim",
    ]
    assert [step.axis for step in names.fall("release2022", "paper2020", "psnr").steps] == ["subset", "gain"]


def test_a_mean_over_quarters_of_the_frame_is_no_part_of_a_waterfall(judged):
    made = [
        replace(r, values={**r.values, "area_fraction": 0.25}) if r.cell.protocol == "paper2020" else r
        for r in only(judged, "release2022", "paper2020")
    ]
    assert Judged(Results(made), "llpacknet").fall("release2022", "paper2020", "psnr") is None


def test_an_unknown_protocol_of_another_release_is_left_out(judged):
    made = [
        replace(r, cell=replace(r.cell, protocol="newer2030")) if r.cell.protocol == "paper2020" else r
        for r in judged
    ]
    assert Judged(Results(made), "llpacknet").names == ("release2022", "paper2020-gt")
