"""A grid in even areas and lamps that turned dark: what is counted, and what is not."""

import math

import numpy as np
import pytest

from bench.metrics.artefacts import TILE, grid_energy, lamps
from llpacknet.errors import InputError


def _even(value=0.4, shape=(256, 256, 3)):
    return np.full(shape, value)


def _pattern(period, amplitude, shape=(256, 256)):
    """A sine of a period along the columns: its root mean square is amplitude / sqrt(2)."""
    line = amplitude * np.sin(2 * np.pi * np.arange(shape[1]) / period)
    return np.broadcast_to(line[None, :, None], (*shape, 3))


@pytest.mark.parametrize("period", [8, 16])
def test_a_pattern_of_the_period_is_measured_in_percent_of_the_range(period):
    truth = _even()
    found = grid_energy(truth + _pattern(period, 0.01), truth, period, 1.0)
    assert found == pytest.approx(1 / math.sqrt(2), rel=1e-6)


def test_a_finer_pattern_belongs_to_the_period_that_is_its_multiple_and_a_coarser_one_does_not():
    truth = _even()
    assert grid_energy(truth + _pattern(8, 0.01), truth, 16, 1.0) == pytest.approx(1 / math.sqrt(2), rel=1e-6)
    assert grid_energy(truth + _pattern(16, 0.01), truth, 8, 1.0) < 0.05


def test_noise_and_slow_errors_are_no_grid():
    rng = np.random.default_rng(0)
    truth = _even(shape=(1024, 1024, 3))
    ramp = np.linspace(-0.1, 0.1, 1024)[:, None, None]
    noisy = truth + ramp + 0.05 + rng.normal(0, 0.02, truth.shape)
    assert grid_energy(noisy, truth, 8, 1.0) < 0.1
    gridded = noisy + _pattern(8, 0.01, (1024, 1024))
    assert grid_energy(gridded, truth, 8, 1.0) == pytest.approx(1 / math.sqrt(2), rel=0.05)


def test_only_even_areas_count():
    truth = _even()
    truth[:, TILE:] += 0.2 * np.random.default_rng(0).random((256, 256 - TILE, 3))
    prediction = truth.copy()
    prediction[:, TILE:] += _pattern(8, 0.05)[:, TILE:]
    assert grid_energy(prediction, truth, 8, 1.0) == pytest.approx(0, abs=1e-9)
    assert math.isnan(grid_energy(_even(1.0), _even(1.0), 8, 1.0))


def test_integers_know_their_range():
    truth = np.full((128, 128, 3), 20_000, np.uint16)
    prediction = (truth + _pattern(8, 655.35, (128, 128))).round().astype(np.uint16)
    assert grid_energy(prediction, truth) == pytest.approx(1 / math.sqrt(2), rel=1e-3)


def test_a_period_that_does_not_fit_is_refused():
    with pytest.raises(InputError, match="period of 7"):
        grid_energy(_even(), _even(), 7, 1.0)


def _street(lamp):
    """A dark image with two lamps and a single hot pixel; `lamp` is the brightness of the first."""
    image = np.full((120, 160, 3), 0.1)
    image[20:30, 20:30] = lamp
    image[80:86, 100:112] = 1.0
    image[60, 60] = 1.0
    return image


def test_lamps_are_found_and_a_black_hole_is_darker_than_its_surroundings():
    truth = _street(1.0)
    kept, hole = lamps(_street(1.0), truth, 1.0), lamps(_street(0.0), truth, 1.0)
    assert [(lamp.row, lamp.column, lamp.pixels) for lamp in kept] == [(25, 25, 100), (83, 106, 72)]
    assert [lamp.is_dark for lamp in kept] == [False, False]
    assert [lamp.is_dark for lamp in hole] == [True, False]
    assert hole[0].inside == pytest.approx(0.0)
    assert hole[0].around == pytest.approx(0.1)


def test_a_hole_in_a_lamp_is_counted_by_its_pixels():
    truth = _street(1.0)
    prediction = truth.copy()
    prediction[23:27, 23:28] = 0.0
    lamp = lamps(prediction, truth, 1.0)[0]
    assert (lamp.pixels, lamp.dark, lamp.is_dark) == (100, 20, False)


def test_spots_at_the_border_are_left_out():
    truth = _even(0.1)
    truth[:12, :12] = 1.0
    assert lamps(truth, truth, 1.0) == []
