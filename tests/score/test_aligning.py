"""Alignment of brightness and crops, against a direct calculation in NumPy."""

import csv
import json

import imagecodecs
import numpy as np
import pytest

from bench.cli import main
from bench.records import image_protocols, protocols
from bench.records.image_protocols import View
from bench.score.aligning import factor, seen
from llpacknet.errors import InputError

NAMES = ("10003_00_0.1s", "10006_00_0.1s")
SIZE = (600, 700)
LUMA = np.array([0.299, 0.587, 0.114])


def decibels(image, truth):
    return float(-10 * np.log10(((image - truth) ** 2).mean()))


@pytest.fixture(scope="module")
def images():
    """Two noisy images, one too dark and one too bright, worse away from the centre; 16 bits."""
    rng = np.random.default_rng(0)
    made = []
    for scale in (0.6, 1.3):
        truth = rng.uniform(0.05, 0.7, (*SIZE, 3))
        noise = np.full((*SIZE, 1), 0.08)
        noise[100:-100, 100:-100] = 0.02
        image = np.clip(scale * (truth + noise * rng.standard_normal(truth.shape)), 0, 1)
        made.append(tuple(np.rint(one * 65535).astype(np.uint16) for one in (image, truth)))
    return made


@pytest.fixture(scope="module")
def folders(images, tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    for kind, place in (("pred", 0), ("truth", 1)):
        (root / kind).mkdir()
        for name, pair in zip(NAMES, images, strict=True):
            (root / kind / f"{name}.png").write_bytes(imagecodecs.png_encode(pair[place]))
    return root


@pytest.fixture(scope="module")
def scored(folders):
    command = ["score", "--pred", str(folders / "pred"), "--truth", str(folders / "truth"), "--lpips", "none"]
    assert main([*command, "--out", str(folders / "out")]) == 0
    return json.loads((folders / "out/scores.json").read_text())


def floats(pair):
    return tuple(one.astype(np.float64) / 65535 for one in pair)


def least_squares(image, truth):
    return np.linalg.lstsq(image.reshape(-1, 1), truth.ravel(), rcond=None)[0][0]


def grey(image, truth):
    return (truth @ LUMA).mean() / (image @ LUMA).mean()


def centre(one):
    return one[44:556, 94:606]


@pytest.mark.parametrize(("how", "expected"), [("scalar", least_squares), ("gt-mean", grey)])
def test_the_factor_is_numpys(images, how, expected):
    for pair in images:
        assert factor(*floats(pair), how) == pytest.approx(expected(*floats(pair)), rel=1e-9)


@pytest.mark.parametrize(
    ("name", "cut", "scale"),
    [
        ("srgb-field", np.asarray, lambda *_: 1.0),
        ("srgb-gt-mean", np.asarray, grey),
        ("pmn-raw", np.asarray, least_squares),
        ("eld-raw", centre, least_squares),
    ],
)
def test_means_under_other_fields_protocols_are_numpys(images, scored, name, cut, scale):
    expected = []
    for pair in images:
        image, truth = map(cut, floats(pair))
        expected.append(decibels(np.clip(image * scale(image, truth), 0, 1), truth))
    assert scored["protocols"][name]["psnr"] == pytest.approx(np.mean(expected), abs=1e-4)


def test_crop_and_alignment_are_two_steps_of_the_waterfall(images, scored):
    (fall,) = (one for one in scored["waterfalls"] if (one["end"], one["quantity"]) == ("eld-raw", "psnr"))
    assert [step["axis"] for step in fall["steps"]] == ["input_clip", "domain", "crop", "align", "quantise"]
    means = {"whole": [], "crop": [], "align": []}
    for pair in images:
        in_8_bits = [one // 257 for one in pair]
        means["whole"].append(decibels(*(one / 255 for one in in_8_bits)))
        means["crop"].append(decibels(*(centre(one) / 255 for one in in_8_bits)))
        image, truth = map(centre, floats(pair))
        aligned = np.clip(image * least_squares(image, truth), 0, 1)
        means["align"].append(decibels(np.trunc(aligned * 255) / 255, centre(in_8_bits[1]) / 255))
    whole, crop, align = (np.mean(means[key]) for key in ("whole", "crop", "align"))
    parts = {step["axis"]: step["part"] for step in fall["steps"]}
    assert fall["before"] == pytest.approx(whole, abs=1e-4)
    assert parts["crop"] == pytest.approx(crop - whole, abs=1e-3)
    assert parts["align"] == pytest.approx(align - crop, abs=1e-3)
    assert parts["domain"] is None
    assert min(parts["crop"], parts["align"]) > 0.01


def test_published_figures_stand_beside_the_mean_and_not_in_it(scored, folders, capsys):
    told = {one["end"]: one["published"] for one in scored["waterfalls"] if one["published"]}
    assert told == {"srgb-field": 16.97, "pmn-raw": 43.16}
    with (folders / "out/waterfall.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["change"] == "published"]
    assert {(row["to"], row["mean"], row["part"]) for row in rows} == {
        ("srgb-field", "16.97", ""),
        ("pmn-raw", "43.16", ""),
    }
    command = ["score", "--pred", str(folders / "pred"), "--truth", str(folders / "truth"), "--lpips", "none"]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "published: PMN, raw against raw" in printed
    assert "images do not show what gain" in printed


def test_an_image_that_is_only_too_dark_is_its_truth_once_it_is_aligned():
    truth = np.random.default_rng(1).uniform(0.1, 0.9, (32, 32, 3)).astype(np.float32)
    for how in ("scalar", "gt-mean"):
        aligned, _ = seen(truth / 4, truth, View(align=how))
        assert aligned == pytest.approx(truth, abs=1e-6)


def test_small_images_are_taken_whole_and_black_ones_as_they_are():
    truth = np.random.default_rng(1).integers(0, 256, (24, 31, 3), np.uint8)
    image, same = seen(np.zeros_like(truth), truth, View(512, "scalar"))
    assert np.array_equal(same, truth)
    assert not image.any()


def test_other_fields_protocols_are_for_images_alone(folders, capsys):
    command = ["score", "--pred", str(folders / "pred"), "--truth", str(folders / "truth")]
    assert main([*command, "--protocol", "eld-raw", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mean"]["lpips"] is None
    with pytest.raises(InputError, match=r"release2022.*eld-raw"):
        image_protocols.get("eld2020")
    with pytest.raises(InputError, match="there is no protocol 'eld-raw'"):
        protocols.get("eld-raw")
