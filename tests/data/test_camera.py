"""The forward model of the camera against its calibration, its colour matrices and rawpy's tone curve."""

import csv
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest

from bench.data.making import camera
from bench.data.making.noise_table import sony_a7s2
from llpacknet.errors import InputError
from llpacknet.raw.dng import A7S2_XYZ_TO_CAMERA

BOTH_SIDES_OF_THE_SWITCH = (200, 800, 1600, 2000, 10000)
LEVELS = (0.01, 0.04, 0.12, 0.3, 0.6)


def rng(seed=0):
    return np.random.Generator(np.random.PCG64(seed))


def calibration(iso):
    text = resources.files("bench.data").joinpath("facts/a7s2_noise.csv").read_text()
    return next(row for row in csv.DictReader(text.splitlines()) if float(row["iso"]) == iso)


@pytest.mark.parametrize("iso", BOTH_SIDES_OF_THE_SWITCH)
def test_photon_transfer_of_flat_fields_gives_the_gain(iso):
    noise = sony_a7s2().at(iso)
    means, variances = [], []
    for number, level in enumerate(LEVELS):
        flats = [
            camera.expose(np.full((400, 600), level, np.float32), 1.0, noise, rng((iso, number, k)))
            for k in (0, 1)
        ]
        means.append(np.mean(flats) - camera.BLACK)
        # Rows shift together: differences along a row are free of their offsets.
        along = np.diff(np.asarray(flats, np.float64), axis=2)
        variances.append(along.var() / 2)
    slope = np.polyfit(means, variances, 1, w=1 / np.asarray(means))[0]
    assert slope == pytest.approx(iso * 9.563e-4, rel=0.03)
    assert slope == pytest.approx(float(calibration(iso)["gain_dn_per_electron"]), rel=0.03)


@pytest.mark.parametrize("kind", ["gaussian", "tukey-lambda"])
@pytest.mark.parametrize("iso", BOTH_SIDES_OF_THE_SWITCH)
def test_dark_frames_give_read_and_row_sigma(iso, kind):
    noise = sony_a7s2().at(iso)
    width, height = 400, 8000
    dark = camera.expose(np.zeros((height, width), np.float32), 100.0, noise, rng(iso), kind)
    dark = dark.astype(np.float64)
    within = dark.var(axis=1, ddof=1).mean()
    rows = dark.mean(axis=1).var(ddof=1) - within / width
    row = calibration(iso)
    read_sigma = np.sqrt(within - 1 / 12)  # rounding to whole numbers adds 1/12
    if kind == "gaussian":
        assert read_sigma == pytest.approx(float(row["gaussian_read_sigma_dn"]), rel=0.03)
    else:
        # The two were fitted to the same frames, but not to the same moment.
        assert read_sigma == pytest.approx(float(row["gaussian_read_sigma_dn"]), rel=0.1)
    assert np.sqrt(rows) == pytest.approx(float(row["row_sigma_dn"]), rel=0.03)


def test_read_noise_drops_where_the_sensor_changes_gain():
    assert sony_a7s2().at(1999).read_sigma > 2.5 * sony_a7s2().at(2000).read_sigma


@pytest.mark.parametrize("iso", [56, 900, 1800, 2250, 20480])
def test_between_calibrated_isos_noise_lies_between_its_neighbours_of_the_same_gain(iso):
    noise = sony_a7s2().at(iso)
    text = resources.files("bench.data").joinpath("facts/a7s2_noise.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    side = [row for row in rows if (float(row["iso"]) < 2000) == (iso < 2000)]
    below = max((row for row in side if float(row["iso"]) <= iso), key=lambda row: float(row["iso"]))
    sigma = float(below["gaussian_read_sigma_dn"])
    assert 0.95 * sigma < noise.read_sigma < 1.3 * sigma
    assert noise.gain == pytest.approx(iso * 9.563e-4)


@pytest.mark.parametrize("iso", [0, 49, 25601, float("nan")])
def test_an_iso_without_calibration_is_refused(iso):
    with pytest.raises(InputError, match="25600"):
        sony_a7s2().at(iso)


def test_exposures_stay_inside_fourteen_bits_and_saturate():
    noise = sony_a7s2().at(25600)
    ramp = np.linspace(0, 8, 256 * 256, dtype=np.float32).reshape(256, 256)
    frame = camera.expose(ramp, 1.0, noise, rng())
    assert frame.dtype == np.uint16
    assert frame.max() == camera.WHITE
    assert (frame[200:] == camera.WHITE).mean() > 0.999
    dark = camera.expose(np.zeros((512, 512), np.float32), 300.0, noise, rng())
    assert dark.min() < camera.BLACK < dark.max()


def test_noise_free_frames_scale_by_the_ratio():
    clean = np.linspace(0, 1, 22 * 22, dtype=np.float32).reshape(22, 22)
    expected = np.rint(512 + 15871 * clean.astype(np.float64) / 100)
    assert np.abs(camera.expose_clean(clean, 100.0).astype(float) - expected).max() <= 1
    assert camera.expose_clean(np.ones((2, 2), np.float32)).max() == camera.WHITE


def test_a_black_level_error_shifts_the_frame():
    noise = camera.with_black_error(sony_a7s2().at(100), rng(3), 5.0)
    dark = camera.expose(np.zeros((300, 300), np.float32), 100.0, noise, rng())
    assert dark.mean() - camera.BLACK == pytest.approx(noise.black_error, abs=0.05)


def test_the_tone_curve_is_rawpys_and_its_inverse_undoes_it():
    linear = np.linspace(0, 1, 4001)
    assert np.abs(camera.inverse_tone(camera.tone(linear)) - linear).max() < 1e-12
    assert camera.tone(np.array(0.018054)) == pytest.approx(4.5 * 0.018054, abs=2e-4)
    assert camera.tone(np.array(1.0)) == pytest.approx(1.0)


def test_sixteen_bit_and_eight_bit_photographs_have_the_same_linear_light():
    photo = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    deep = photo.astype(np.uint16) * 257
    assert np.allclose(camera.linear_from_srgb_photo(photo), camera.linear_from_srgb_photo(deep), atol=1e-7)


def test_the_colour_matrix_follows_from_the_dng_matrix():
    srgb_to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.072175],
            [0.0193339, 0.119192, 0.9503041],
        ]
    )
    camera_from_srgb = A7S2_XYZ_TO_CAMERA @ srgb_to_xyz
    camera_from_srgb /= camera_from_srgb.sum(axis=1, keepdims=True)
    assert np.abs(np.linalg.inv(camera_from_srgb) - camera.CAMERA_TO_SRGB).max() < 1e-4
    assert camera.SRGB_TO_CAMERA.min() > 0, "every sRGB colour is a colour of the camera"


def test_colour_there_and_back():
    rgb = rng().random((9, 7, 3)).astype(np.float32)
    wb = (1.8, 1.0, 2.93)
    there = camera.camera_from_linear(rgb, wb)
    assert there.min() >= 0
    back = (there * np.array(wb)) @ camera.CAMERA_TO_SRGB.T
    assert np.allclose(back, rgb, atol=2e-6)
    white = camera.camera_from_linear(np.ones((1, 3), np.float32), wb)
    assert np.allclose(white * np.array(wb), 1, atol=1e-6)


def test_the_mosaic_is_rggb():
    rgb = np.zeros((4, 6, 3), np.float32) + np.array([1, 2, 3], np.float32)
    assert camera.mosaic(rgb)[:2, :2].tolist() == [[1, 2], [2, 3]]


def test_patches_in_a_batch_are_exposed_like_frames():
    noise = sony_a7s2().at(3200)
    batch = camera.expose(np.full((5, 32, 48), 0.2, np.float32), 100.0, noise, rng())
    assert batch.shape == (5, 32, 48)
    assert batch.mean() - 512 == pytest.approx(0.2 * 15871 / 100, rel=0.05)


def test_white_balances_have_sids_range_and_medians():
    drawn = np.array([camera.draw_white_balance(rng(k)) for k in range(600)])
    for column, (low, middle, high) in enumerate((camera.WB_RED, camera.WB_BLUE)):
        assert low <= drawn[:, column].min()
        assert drawn[:, column].max() <= high
        assert np.median(drawn[:, column]) == pytest.approx(middle, rel=0.04)


@pytest.mark.parametrize("kind", ["gaussian", "tukey-lambda"])
@pytest.mark.parametrize("shape", [(3, 260, 700), (1, 2)])
def test_a_frame_exposed_in_bands_is_the_frame_exposed_at_once(kind, shape):
    light = np.random.default_rng(1).random(shape).astype(np.float32) * 2
    noise, ratio = replace(sony_a7s2().at(3200), black_error=0.4), 250.0
    rng = np.random.default_rng(7)
    whole = rng.poisson(light * np.float32(camera.SPAN / (ratio * noise.gain))).astype(np.float32)
    whole *= np.float32(noise.gain)
    whole += camera.read_noise(shape, noise, rng, kind)
    rows = rng.standard_normal((*shape[:-1], 1), dtype=np.float32)
    whole += rows * np.float32(noise.row_sigma) + np.float32(camera.BLACK + noise.black_error)
    found = camera.expose(light, ratio, noise, np.random.default_rng(7), kind)
    assert np.array_equal(found, camera.digitise(whole))
