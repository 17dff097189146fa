"""Rendering: LibRaw's arguments are the protocols', and an amplified frame goes through the same pipeline."""

import numpy as np
import pytest
import rawpy

from llpacknet.errors import InputError
from llpacknet.raw.dng import write_dng
from llpacknet.raw.read import read_raw
from llpacknet.raw.render import render, render_frame


def flat(level, saturated=False):
    """A grey surface in the camera's colours under the default white balance (2.09, 1, 2.43), black 512."""
    mosaic = np.empty((64, 96), np.uint16)
    for (row, column), multiplier in zip(((0, 0), (0, 1), (1, 0), (1, 1)), (2.09, 1, 1, 2.43), strict=True):
        mosaic[row::2, column::2] = round(512 + level * 15871 / multiplier)
    if saturated:
        mosaic[0, 1] = 16383
    return mosaic


def written(tmp_path, mosaic, **options):
    write_dng(tmp_path / "10003_00_10s.DNG", mosaic, **options)
    return tmp_path / "10003_00_10s.DNG"


def bt709(linear):
    """LibRaw's default tone curve."""
    return np.where(linear < 0.018054, 4.5 * linear, 1.0993 * np.power(linear, 1 / 2.222) - 0.0993)


def test_the_truth_is_the_published_call(tmp_path):
    mosaic = np.random.default_rng(2).integers(512, 12000, (64, 96), np.uint16)
    path = written(tmp_path, mosaic)
    with rawpy.imread(str(path)) as raw:
        published = raw.postprocess(use_camera_wb=True, half_size=False, no_auto_bright=True, output_bps=16)
    assert np.array_equal(render(path), published)


@pytest.mark.parametrize("level", [0.01, 0.1, 0.18, 0.5])
def test_grey_comes_out_on_the_tone_curve(tmp_path, level):
    image = render(written(tmp_path, flat(level, saturated=True)))
    assert np.abs(image[20:40, 20:40] / 65535 - bt709(level)).max() < 2e-3


def test_libraw_brightens_without_a_saturated_pixel_and_not_with_one(tmp_path):
    """A brightest pixel between 75 and 100 % of white is stretched to white: 0.8 turned 0.738 into 0.826."""
    mosaic = flat(0.5)
    mosaic[0, 1] = 512 + 0.8 * 15871
    stretched = np.median(render(written(tmp_path, mosaic)) / 65535)
    mosaic[0, 1] = 16383
    plain = np.median(render(written(tmp_path, mosaic)) / 65535)
    assert plain == pytest.approx(bt709(0.5), abs=2e-3)
    assert stretched == pytest.approx(bt709(0.5 / 0.8), abs=5e-3)


@pytest.mark.parametrize("pattern", ["RGGB", "GRBG", "GBRG", "BGGR"])
def test_rendering_and_mosaic_are_the_same_window_in_the_same_orientation(tmp_path, pattern):
    path = written(tmp_path, flat(0.1), pattern=pattern, orientation=6)
    assert render(path).shape == (*read_raw(path).mosaic.shape, 3)


def test_a_frame_renders_as_its_file(tmp_path):
    mosaic = np.random.default_rng(2).integers(500, 12000, (64, 96), np.uint16)
    mosaic[5, 5] = 16383
    path = written(tmp_path, mosaic, white_balance=(1.8, 1, 2.6))
    assert np.abs(render_frame(read_raw(path)).astype(int) - render(path)).max() <= 2


@pytest.mark.parametrize("gain", [10.0, 100.0, 37.5])
def test_gain_undoes_an_exposure(tmp_path, gain):
    long, short = flat(0.4), flat(0.4 / gain)
    frame = read_raw(written(tmp_path, short))
    bright = render_frame(frame, gain)[20:40, 20:40] / 65535
    reference = render_frame(read_raw(written(tmp_path, long)))[20:40, 20:40] / 65535
    assert np.abs(bright - reference).max() < 0.5 * gain / 15871 * 2.43 * 2 + 1e-3


def test_a_bright_frame_clips_at_white_and_is_not_rescaled(tmp_path):
    frame = read_raw(written(tmp_path, flat(0.3)))
    assert np.median(render_frame(frame, 2.0)) / 65535 == pytest.approx(bt709(0.6), abs=2e-3)
    assert (render_frame(frame, 1000.0)[20:40, 20:40] == 65535).all()


@pytest.mark.parametrize("gain", [0.0, -1.0, float("nan"), float("inf")])
def test_a_gain_that_is_none_is_refused(tmp_path, gain):
    with pytest.raises(InputError, match="gain"):
        render_frame(read_raw(written(tmp_path, flat(0.3))), gain)
