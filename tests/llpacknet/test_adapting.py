"""Another camera's light comes out in that camera's colours, whatever the network learnt from."""

import numpy as np
import pytest
import torch

from llpacknet.adapting import TRAINED_BALANCE, adaptation
from llpacknet.raw.dng import A7S2_XYZ_TO_CAMERA
from llpacknet.raw.frame import RawFrame
from llpacknet.raw.read import color_matrix

CANON = np.array([[0.6461, -0.1164, -0.0857], [-0.3825, 1.1597, 0.2534], [-0.0416, 0.1540, 0.5655]])
BALANCE = np.array([2.48, 1.0, 1.0, 1.46])


def frame(xyz_to_camera, balance=BALANCE):
    return RawFrame(
        mosaic=np.full((32, 32), 600, np.uint16),
        black=np.full(4, 512.0),
        white=16383,
        white_balance=balance,
        color_matrix=color_matrix(xyz_to_camera),
        xyz_to_camera=xyz_to_camera,
    )


def toned(linear):
    """rawpy's default curve, BT.709."""
    return np.where(linear < 0.018054, 4.5 * linear, 1.0993 * linear ** (1 / 2.222) - 0.0993)


def test_the_camera_trained_on_is_left_as_it_is():
    assert adaptation(frame(A7S2_XYZ_TO_CAMERA)) is None
    assert adaptation(frame(A7S2_XYZ_TO_CAMERA + 4e-5)) is None, "rounded to four decimals it is the same"


def test_grey_stays_grey():
    np.testing.assert_allclose(adaptation(frame(CANON)).correction.sum(axis=1), 1, atol=1e-9)


def test_a_perfect_network_gives_the_cameras_own_rendering():
    """What renders the trained camera's mosaic exactly is made to render the other camera's exactly."""
    adapted = adaptation(frame(CANON))
    rng = np.random.default_rng(1)
    # Colours that both cameras' renderings hold, before white balance.
    seen = rng.uniform(0.05, 0.7, (8, 8)) * rng.uniform(0.85, 1.15, (3, 8, 8))
    seen /= BALANCE[[0, 1, 3], None, None]
    as_trained = seen * adapted.scale[[0, 1, 3], None, None]
    balance = TRAINED_BALANCE[[0, 1, 3], None, None]
    inside = np.tensordot(color_matrix(A7S2_XYZ_TO_CAMERA), as_trained * balance, 1)
    own = np.tensordot(color_matrix(CANON), seen * BALANCE[[0, 1, 3], None, None], 1)
    assert min(inside.min(), own.min()) > 0
    assert max(inside.max(), own.max()) < 1
    image = torch.from_numpy(toned(inside).astype(np.float32))
    adapted.correct(image)
    np.testing.assert_allclose(image.numpy(), toned(own), atol=1e-3)


def test_what_is_saturated_stays_saturated_in_all_colours():
    adapted = adaptation(frame(CANON))
    mosaic = np.full((4, 4), 0.5, np.float32)
    mosaic[:2, :2] = 1
    adapted.apply(mosaic)
    assert (mosaic[:2, :2] == 1).all()
    assert mosaic[2, 2] == pytest.approx(0.5 * BALANCE[0] / TRAINED_BALANCE[0])
    assert mosaic[2, 3] == pytest.approx(0.5)
