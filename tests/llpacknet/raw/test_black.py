"""How far a frame's black lies from what its file says is found again in frames that were made with it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from bench.data.making import camera
from bench.data.making.noise_table import sony_a7s2
from bench.measure.inputs import made_up_frame
from llpacknet.raw.black import black_drift, masked_level, with_own_black


def frame_of(clean, ratio, iso, error, seed=0):
    noise = replace(sony_a7s2().at(iso), black_error=error)
    mosaic = camera.expose(clean, ratio, noise, np.random.default_rng(seed))
    return replace(made_up_frame(64, 64), mosaic=mosaic)


def scene(sides, darkest=0.0):
    """Light of many orders, a corner of it without any but the darkest."""
    smooth = gaussian_filter(np.random.default_rng(1).standard_normal(sides), sides[0] / 20)
    light = (0.004 * np.exp(3 * smooth / smooth.std())).astype(np.float32)
    light[: sides[0] // 4, : sides[1] // 4] = 0
    return light + np.float32(darkest)


@pytest.mark.parametrize("error", [-1.5, -0.4, 0.0, 0.4])
@pytest.mark.parametrize(("iso", "tolerance"), [(200, 0.05), (800, 0.15), (8000, 0.25)])
def test_a_known_error_of_the_black_level_is_found(iso, tolerance, error):
    found = black_drift(frame_of(scene((712, 1064)), 250, iso, error))
    assert found.source == "darkest pixels"
    assert found.dn == pytest.approx(error, abs=tolerance)


def test_noise_does_not_choose_what_it_is_measured_by():
    """Of a frame that is black all over the darkest blocks are dark by chance alone."""
    found = [black_drift(frame_of(np.zeros((356, 532), np.float32), 250, 1600, 0.0, n)).dn for n in range(12)]
    assert np.mean(found) == pytest.approx(0, abs=3 * np.std(found) / np.sqrt(12) + 0.01)


def test_light_everywhere_is_no_error_of_the_black_level():
    frame = frame_of(scene((356, 532), darkest=0.1), 250, 200, 0.0)
    assert black_drift(frame).dn is None
    assert with_own_black(frame)[0] is frame


def test_a_frame_with_its_own_black_has_none_left():
    frame, drift = with_own_black(frame_of(scene((712, 1064)), 250, 200, -1.5))
    np.testing.assert_allclose(frame.black, 512 + drift.dn)
    assert black_drift(frame).dn == pytest.approx(0, abs=1e-3)


def test_masked_pixels_are_believed_and_padding_is_not():
    rng = np.random.default_rng(3)
    whole = (512 + rng.poisson(40, (200, 300))).astype(np.uint16)
    whole[:, :48] = np.rint(rng.normal(510.6, 2.0, (200, 48)))
    whole[50, 20] = 16383  # a hot pixel
    assert masked_level(whole, 0, 48, 512.0) == pytest.approx(-1.4, abs=0.1)
    assert masked_level(whole, 0, 12, 512.0) is None
    whole[:, :48] = 0
    assert masked_level(whole, 0, 48, 512.0) is None
