"""Which networks can be cut into parts that come out as in the whole frame, and which cannot."""

import pytest
import torch

from baselines import create, names, spec
from baselines.registry import network_of

LEARNED = [name for name in names() if spec(name).learned]
SAFE = [name for name in LEARNED if spec(name).tile_safe]
PIXELS = 32


def built(name):
    return network_of(name, create(name, weights="none"))


def test_statistics_of_the_frame_are_declared():
    unsafe = set(LEARNED) - set(SAFE)
    assert unsafe == {
        *("llpacknet-2020", "llpacknet-2020-conv", "llpacknet-pixelshuffle", "sid-unet+amplifier"),
        *("adu-net", "dnf", "rawformer-s", "rawformer-b", "rawformer-l", "mcr"),
    }


@pytest.mark.parametrize("name", SAFE)
def test_a_part_with_its_margin_is_the_whole_frames(name):
    network, margin, multiple = built(name), spec(name).tile_margin, spec(name).size_multiple
    assert margin % multiple == 0
    mosaic = torch.rand(1, 1, PIXELS, margin + 2 * PIXELS, generator=torch.Generator().manual_seed(3)) * 0.2
    with torch.no_grad():
        whole, part = network(mosaic), network(mosaic[..., PIXELS:])
    found, expected = part[..., margin:], whole[..., PIXELS + margin :]
    assert (found - expected).abs().max() <= 1e-6 * whole.abs().max()


def test_a_part_at_the_gain_of_the_whole_is_the_whole_frames():
    name = "sid-unet+amplifier"
    network, margin = built(name), spec(name).amplified_margin
    mosaic = torch.rand(1, 1, PIXELS, margin + 2 * PIXELS, generator=torch.Generator().manual_seed(3)) * 0.2
    with torch.no_grad():
        whole, gain = network(mosaic), network.gain(mosaic)
        part = network.restore(mosaic[..., PIXELS:], gain)
        assert network.gain(mosaic[..., PIXELS:]) != gain
    found, expected = part[..., margin:], whole[..., PIXELS + margin :]
    assert (found - expected).abs().max() <= 1e-6 * whole.abs().max()


@pytest.mark.parametrize("name", ["adu-net", "dnf", "rawformer-s", "mcr"])
def test_a_far_corner_changes_the_image_of_the_others(name):
    network = built(name)
    mosaic = torch.rand(1, 1, 64, 1024, generator=torch.Generator().manual_seed(3)) * 0.2
    other = mosaic.clone()
    other[..., :64] = 1 - other[..., :64]
    with torch.no_grad():
        first, second = network(mosaic), network(other)
    assert (first - second)[..., -64:].abs().max() > 1e-5 * first.abs().max()
