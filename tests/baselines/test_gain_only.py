"""The control: what leaves it is rawpy's own image of the amplified raw."""

import numpy as np
import pytest

from baselines.gain_only import SPEC
from baselines.gain_only.algorithm import GainOnly
from llpacknet.raw.frame import RawFrame
from llpacknet.raw.render import render_frame

A7S2 = np.array([[0.5838, -0.143, -0.0246], [-0.3497, 1.1477, 0.2297], [-0.0748, 0.1885, 0.5778]])


def grey_frame(level):
    """A frame of a grey surface: equal light in every channel once the white balance is applied."""
    balance = np.array([2.0, 1.0, 1.0, 1.6])
    mosaic = np.empty((48, 64))
    for index, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        mosaic[row::2, column::2] = 512 + level / balance[index]
    return RawFrame(np.round(mosaic).astype(np.uint16), np.full(4, 512.0), 16383, balance, np.eye(3), A7S2)


def test_it_is_the_rendering_of_the_amplified_frame():
    frame = grey_frame(50)
    image = GainOnly()(frame, 8.0)
    assert image.dtype == np.float32
    assert image.shape == (48, 64, 3)
    np.testing.assert_array_equal(np.round(image * 65535).astype(np.uint16), render_frame(frame, 8.0))


def test_gain_stands_for_exposure():
    amplified = GainOnly()(grey_frame(80), 100.0)
    exposed = GainOnly()(grey_frame(8000), 1.0)
    np.testing.assert_allclose(amplified, exposed, atol=2e-3)


def test_black_stays_black_and_saturation_stays_white():
    assert GainOnly()(grey_frame(0), 300.0).max() == 0
    assert GainOnly()(grey_frame(15871), 300.0).min() == pytest.approx(1, abs=1e-3)


def test_declaration():
    assert SPEC.kind == "classical"
    assert SPEC.needs_gain
    assert SPEC.params == 0
