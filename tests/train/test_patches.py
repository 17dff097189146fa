"""What a training patch is: reproducible, in phase, rendered as rawpy renders, and as dark as SID."""

from __future__ import annotations

import csv
import importlib
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from bench.data.making import camera
from bench.data.making.noise_table import sony_a7s2
from bench.train.options import Options
from bench.train.patches import Exposure, Patches, draw_exposure, draw_white_balance, expose, render
from bench.train.trainer import train
from llpacknet.errors import InputError
from llpacknet.raw.dng import write_dng
from llpacknet.raw.render import render as rawpy_render

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def photographs() -> list[np.ndarray]:
    return [np.asarray(image) for image in load_sample_images().images]


def test_a_patch_is_a_pure_function_of_seed_step_and_index(photographs: list[np.ndarray]) -> None:
    one, other = Patches(photographs, 64, seed=3), Patches(photographs, 64, seed=3)
    other.patch(9, 1)
    a, b = one.patch(5, 2), other.patch(5, 2)
    assert np.array_equal(a.mosaic, b.mosaic)
    assert np.array_equal(a.truth, b.truth)
    assert a.ratio == b.ratio
    for different in (one.patch(5, 3), one.patch(6, 2), Patches(photographs, 64, seed=4).patch(5, 2)):
        assert not np.array_equal(a.mosaic, different.mosaic)


def test_a_patch_has_the_networks_shapes_types_and_ranges(photographs: list[np.ndarray]) -> None:
    source = Patches(photographs, 96, seed=0)
    for index in range(20):
        patch = source.patch(0, index)
        assert patch.mosaic.shape == (1, 96, 96)
        assert patch.truth.shape == (3, 96, 96)
        assert patch.mosaic.dtype == patch.truth.dtype == np.float32
        assert -camera.BLACK / camera.SPAN <= patch.mosaic.min() < 0 < patch.mosaic.max() <= 1
        assert 0 <= patch.truth.min() <= patch.truth.max() <= 1


@pytest.mark.parametrize(
    "colour", [(0.2, 0.2, 0.2), (0.4, 0.1, 0.05), (0.05, 0.1, 0.3), (1.5, 0.6, 0.2), (3, 3, 3)]
)
def test_the_truth_is_rawpys_rendering_of_the_long_exposure(
    tmp_path: Path, colour: tuple[float, ...]
) -> None:
    """On an even colour, where demosaicking has nothing to do; the last two saturate."""
    wb = (2.09, 2.43)
    light = np.broadcast_to(np.float32(colour), (64, 64, 3)).copy()
    raw = camera.expose_clean(camera.mosaic(light / np.float32([wb[0], 1, wb[1]])))
    raw[0, 0] = camera.WHITE  # a saturated hot pixel: without one, LibRaw brightens some images
    write_dng(tmp_path / "long.dng", raw, white_balance=(wb[0], 1.0, wb[1]))
    rendered = rawpy_render(tmp_path / "long.dng")[32, 32] / 65535
    assert render(light)[:, 32, 32] == pytest.approx(rendered, abs=4e-3)


def test_the_mosaic_is_red_green_green_blue_and_amplifies_back_to_the_scene() -> None:
    rng = np.random.default_rng(0)
    light = np.broadcast_to(np.float32((0.9, 0.5, 0.1)), (128, 128, 3))
    mosaic = expose(light, (2.0, 2.5), Exposure(iso=100, ratio=10), rng)[0] * 10
    means = [mosaic[row::2, column::2].mean() for row, column in ((0, 0), (0, 1), (1, 0), (1, 1))]
    assert means == pytest.approx([0.45, 0.5, 0.5, 0.04], rel=0.02)


def test_frames_are_as_dark_as_sids_test_inputs(photographs: list[np.ndarray]) -> None:
    """Median of the mean level above black: within a factor of 1.5 of that over SID's 93 first frames."""
    text = resources.files("bench.data").joinpath("facts/sid_test93.csv").read_text(encoding="utf-8")
    real = [float(row["mean_dn_above_black"]) for row in csv.DictReader(text.splitlines())]
    source = Patches(photographs, 64, seed=1)
    made = [float(source.patch(0, index).frame.mean()) * camera.SPAN for index in range(300)]
    assert 1 / 1.5 < np.median(made) / np.median(real) < 1.5
    assert np.quantile(made, 0.1) < np.quantile(real, 0.25)
    assert np.quantile(made, 0.9) > np.quantile(real, 0.75)


def test_white_balance_keeps_to_sids_range_and_median() -> None:
    rng = np.random.default_rng(0)
    red, blue = np.array([draw_white_balance(rng) for _ in range(1000)]).T
    assert np.median(red) == pytest.approx(camera.WB_RED[1], rel=0.02)
    assert np.median(blue) == pytest.approx(camera.WB_BLUE[1], rel=0.02)
    assert camera.WB_RED[0] <= red.min() <= red.max() <= camera.WB_RED[2]
    assert camera.WB_BLUE[0] <= blue.min() <= blue.max() <= camera.WB_BLUE[2]


def test_the_black_level_is_off_by_little_and_at_high_iso_by_much_in_half_of_the_frames() -> None:
    rng, table = np.random.default_rng(0), sony_a7s2()
    low, high = (
        np.array([draw_exposure(rng, table, np.array([[iso, 100.0]])).black_error for _ in range(4000)])
        for iso in (1600, 2000)
    )
    assert low.std() == pytest.approx(0.2, rel=0.1)  # SID's: 0.18 around -0.09
    assert abs(low.mean()) < 0.02
    assert np.mean(np.abs(high) > 0.8) == pytest.approx(0.5 * (1.2 + 2.1) / 4.9, abs=0.03)
    assert abs(np.median(high)) < 0.15  # what an absolute loss makes a network correct
    assert -2 <= high.min() < -1.9
    assert 2.8 < high.max() <= 2.9


@pytest.mark.parametrize(("size", "said"), [(100, "multiple of 16"), (1024, "lower --patch")])
def test_unusable_sizes_are_refused(photographs: list[np.ndarray], size: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Patches(photographs, size, seed=0)


def test_what_lies_below_black_reaches_only_the_networks_that_keep_it(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "import torch\nfrom torch import nn\n\nseen = []\n\n\nclass Net(nn.Module):\n"
        "    keeps_negatives = {keeps}\n\n    def __init__(self):\n        super().__init__()\n"
        "        self.layer = nn.Conv2d(4, 12, 1)\n\n    def forward(self, x):\n"
        "        seen.append(float(x.min()))\n        x = nn.functional.pixel_unshuffle(x, 2)\n"
        "        return nn.functional.pixel_shuffle(self.layer(x), 2)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for name, keeps in (("keeping_net", True), ("clipping_net", False)):
        (tmp_path / f"{name}.py").write_text(source.format(keeps=keeps), encoding="utf-8")
        train(Options(f"{name}:Net", tmp_path / name, photos, steps=2, batch=2, patch=32, workers=0))
        assert (min(importlib.import_module(name).seen) < 0) == keeps
