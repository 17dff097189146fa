"""SID's U-Net from raw to raw: what stands around its network, and the network by itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from baselines import create
from baselines.gain_only.algorithm import GainOnly
from baselines.sid_unet_raw.method import RawDenoiser
from llpacknet.errors import InputError
from llpacknet.raw.frame import RawFrame

A7S2 = np.array([[0.5838, -0.143, -0.0246], [-0.3497, 1.1477, 0.2297], [-0.0748, 0.1885, 0.5778]])


@pytest.fixture
def frame():
    numbers = 512 + np.random.default_rng(5).poisson(30, (48, 64))
    balance = np.array([2.0, 1.0, 1.0, 1.6])
    return RawFrame(numbers.astype(np.uint16), np.full(4, 512.0), 16383, balance, np.eye(3), A7S2)


def test_a_network_that_changes_nothing_leaves_the_control(frame):
    image = RawDenoiser(lambda mosaic: mosaic)(frame, 40.0)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, GainOnly()(frame, 40.0), atol=2e-4)


def test_its_network_takes_the_amplified_mosaic_clipped_to_0_and_1(frame):
    seen = []
    RawDenoiser(lambda mosaic: seen.append(mosaic) or mosaic)(frame, 300.0)
    expected = np.clip((frame.mosaic.astype(np.float32) - 512) / 15871 * 300, 0, 1)
    assert seen[0].shape == (1, 1, 48, 64)
    np.testing.assert_allclose(seen[0][0, 0], expected, rtol=1e-5)


def test_what_its_network_gives_is_clipped_before_it_is_rendered(frame):
    assert RawDenoiser(lambda mosaic: mosaic - 2)(frame).max() == 0
    assert RawDenoiser(lambda mosaic: mosaic + 2)(frame).min() == pytest.approx(1, abs=1e-3)


def test_its_network_is_called_by_itself():
    network = create("sid-unet-raw", weights="none").network
    for size in ((16, 16), (18, 46), (64, 96)):
        with torch.no_grad():
            assert network(torch.rand(2, 1, *size)).shape == (2, 1, *size)
    with pytest.raises(InputError, match=r"even height and width, got shape \(1, 1, 17, 16\)"):
        network(torch.rand(1, 1, 17, 16))
    with pytest.raises(InputError, match="contains NaN"):
        network(torch.full((1, 1, 32, 32), torch.nan))


def test_frames_that_cannot_be_rendered_are_refused_in_one_line(frame):
    small = replace(frame, mosaic=frame.mosaic[:20, :20])
    with pytest.raises(InputError) as refusal:
        create("sid-unet-raw", weights="none")(small)
    assert "\n" not in str(refusal.value)
