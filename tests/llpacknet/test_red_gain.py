"""RED's gain is the published formula, and defined where the formula is not."""

import numpy as np
import pytest
import torch

from llpacknet.errors import InputError
from llpacknet.red_gain import red_gain


def by_the_formula(mosaic, m):
    """Bin by bin, in float64, as the publication writes it."""
    edges = (2.0 ** (8 * np.arange(128) / 127) - 1) / 255
    weights = 10.0 ** np.linspace(0, 5, 127)
    weights = (weights / weights.max())[::-1]
    pixels = mosaic.astype(np.float64)
    total = weighted = 0.0
    for low, high, weight in zip(edges[:-1], edges[1:], weights, strict=True):
        inside = pixels[(pixels >= low) & (pixels < high)]
        total += weight * inside.size
        weighted += weight * inside.sum()
    return float(np.clip(0.01 * m * total / weighted, 1, 300))


@pytest.mark.parametrize("m", [1.0, 5.0])
@pytest.mark.parametrize("brightness", [0.0005, 0.004, 0.05, 0.7])
def test_gain_is_the_published_formula(m, brightness):
    random = np.random.RandomState(3)
    mosaic = (random.gamma(2.0, brightness / 2, (64, 96))).astype(np.float32)
    assert red_gain(mosaic, m) == pytest.approx(by_the_formula(mosaic, m), rel=1e-12)
    assert red_gain(torch.from_numpy(mosaic)[None, None], m) == red_gain(mosaic, m)


def test_a_frame_of_several_chunks_is_summed_whole():
    mosaic = np.random.RandomState(0).rand(1100, 1000).astype(np.float32) * 0.02
    assert red_gain(mosaic) == pytest.approx(by_the_formula(mosaic, 5.0), rel=1e-10)


def test_five_times_the_m_is_five_times_the_gain_between_the_limits():
    mosaic = np.full((16, 16), 0.002, np.float32)
    assert red_gain(mosaic, 5.0) == pytest.approx(25.0, rel=1e-6)
    assert red_gain(mosaic, 1.0) == pytest.approx(5.0, rel=1e-6)


def test_the_limits():
    assert red_gain(np.zeros((16, 16), np.float32)) == 300.0
    assert red_gain(np.full((16, 16), 1e-6, np.float32)) == 300.0
    assert red_gain(np.full((16, 16), 0.9, np.float32)) == 1.0
    assert red_gain(np.ones((16, 16), np.float32)) == 1.0
    assert red_gain(np.full((16, 16), np.inf, np.float32)) == 1.0


def test_saturated_and_negative_pixels_have_no_say():
    dark = np.full((16, 16), 0.003, np.float32)
    disturbed = dark.copy()
    disturbed[0, :4] = (1.0, 7.5, np.inf, -0.1)
    assert red_gain(disturbed) == pytest.approx(red_gain(dark), rel=1e-12)


def test_a_view_and_float64_are_taken():
    mosaic = np.random.RandomState(0).rand(32, 32) * 0.01
    assert red_gain(mosaic[::2, ::2]) == red_gain(np.ascontiguousarray(mosaic[::2, ::2]))


@pytest.mark.parametrize(
    ("mosaic", "m", "said"),
    [
        (np.zeros((0, 16), np.float32), 5.0, r"shape \(0, 16\)"),
        (np.zeros((16, 16), np.int32), 5.0, r"int32 of shape \(16, 16\)"),
        (np.full((16, 16), np.nan, np.float32), 5.0, r"\(16, 16\) contains NaN"),
        (np.ones((16, 16), np.float32), 0.0, "positive m"),
        (np.ones((16, 16), np.float32), float("nan"), "positive m"),
    ],
)
def test_unusable_input_is_refused(mosaic, m, said):
    with pytest.raises(InputError, match=said):
        red_gain(mosaic, m)
