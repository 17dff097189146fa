"""`llbench restore --format dng` with a network from raw to raw: a raw photograph as a camera writes it."""

import json
from pathlib import Path

import numpy as np
import pytest
import rawpy
import tifffile
from PIL import Image
from safetensors.torch import save_file

from baselines import create
from bench.cli import main
from llpacknet.raw.dng import write_dng
from llpacknet.raw.read import read_raw

SIZE = (64, 96)
BLACK, WHITE = (510.0, 512.0, 513.0, 511.0), 15000
TAKEN = "2020:11:07 21:30:05"
# Gives the mosaic that it is given.
COPIER = """
import torch

class Copier(torch.nn.Module):
    def forward(self, mosaic):
        return mosaic.clone()

class Method:
    kind = "denoiser"
    def __init__(self):
        self.network = Copier()

class Cropper(torch.nn.Module):
    def forward(self, mosaic):
        return mosaic[..., 2:, 2:]

class Cropping(Method):
    def __init__(self):
        self.network = Cropper()
"""


@pytest.fixture
def source(tmp_path, monkeypatch):
    (tmp_path / "copier_of_mosaics.py").write_text(COPIER)
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "a.DNG"
    height, width = SIZE
    light = np.linspace(0, 12000, height * width).reshape(SIZE) ** np.array([1.0, 0.9])[np.arange(width) % 2]
    mosaic = (505 + np.random.default_rng(3).poisson(light)).astype(np.uint16)
    colours = {"black": BLACK, "white": WHITE, "white_balance": (1.9, 1.0, 1.6), "orientation": 6}
    write_dng(path, mosaic, taken=TAKEN, exposure_s=0.1, iso=800, **colours)
    return path


def rendering(path):
    with rawpy.imread(str(path)) as raw:
        return raw.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0, output_bps=16)


def restored(source, *more):
    arguments = ["restore", str(source), "-o", str(source.parent), "--format", "dng", *map(str, more)]
    assert main(arguments) == 0
    return source.parent / "a-restored.dng"


def test_a_network_that_changes_nothing_leaves_the_raw_and_its_rendering(source):
    out = restored(source, "--model", "copier_of_mosaics:Method", "--gain", 1)
    with rawpy.imread(str(source)) as before, rawpy.imread(str(out)) as after:
        black = np.array(before.black_level_per_channel)[before.raw_colors]
        np.testing.assert_array_equal(after.raw_image, np.clip(before.raw_image, black, WHITE))
        assert after.black_level_per_channel == before.black_level_per_channel
        assert (after.white_level, after.sizes.flip) == (WHITE, before.sizes.flip)
        np.testing.assert_array_equal(after.raw_pattern, before.raw_pattern)
        np.testing.assert_allclose(after.camera_whitebalance, before.camera_whitebalance, rtol=1e-5)
        np.testing.assert_allclose(after.color_matrix, before.color_matrix, atol=1e-5)
    np.testing.assert_array_equal(rendering(out), rendering(source))


def test_the_tags_are_those_of_the_photograph(source):
    with tifffile.TiffFile(restored(source, "--model", "copier_of_mosaics:Method")) as file:
        tags = {tag.code: tag.value for tag in file.pages[0].tags.values()}
    assert (tags[274], tags[33434], tags[34855], tags[36867]) == (6, (1, 10), 800, TAKEN)
    assert tags[50708] == "llbench restoration"
    assert tags[262] == 32803


def test_the_image_is_what_librawp_makes_of_the_dng(source):
    model = ("--model", "copier_of_mosaics:Method", "--gain", "4")
    out = restored(source, *model)
    assert main(["restore", str(source), "-o", str(source.parent / "a.png"), *model]) == 0
    image = np.asarray(Image.open(source.parent / "a.png"))
    np.testing.assert_allclose(image, rendering(out) / 257, atol=0.51)


def test_sid_unet_raw_writes_what_it_denoised(source, capsys):
    method = create("sid-unet-raw", weights="none")
    weights = source.parent / "mine.safetensors"
    save_file(method.network.state_dict(), weights)
    model = ("--model", "sid-unet-raw", "--weights", f"sid-unet-raw={weights}", "--gain", 8)
    out = restored(source, *model, "--json")
    assert json.loads(capsys.readouterr().out)["gain"] == 8
    png = source.parent / "b.png"
    assert main(["restore", str(source), "-o", str(png), *map(str, model)]) == 0
    expected = np.rot90(method(read_raw(source), 8.0), 3) * 255
    np.testing.assert_allclose(np.asarray(Image.open(png)), expected, atol=1.01)
    np.testing.assert_allclose(rendering(out) / 257, expected, atol=1.01)


def test_what_is_no_mosaic_of_the_frame_is_refused(source, capsys):
    model = ("--model", "copier_of_mosaics:Cropping")
    assert main(["restore", str(source), "-o", str(source.parent / "a.png"), *model]) == 1
    message = capsys.readouterr().err
    assert "not a mosaic of the frame's size" in message
    assert not Path(source.parent / "a.png").exists()
