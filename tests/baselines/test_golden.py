"""The published networks' outputs are reproduced to 1e-5 of their largest magnitude."""

import numpy as np
import pytest
import torch

from baselines import spec
from baselines.complexity import parameters
from baselines.registry import network_of
from llpacknet.amplifier import histogram_edges, raw_histogram

NAMES = (
    "llpacknet",
    "llpacknet-2020",
    "llpacknet-2020-conv",
    "llpacknet-pixelshuffle",
    "sid-unet",
    "sgn",
    "did",
    "red",
    "adu-net",
    "dnf",
    "rawformer-s",
    "rawformer-b",
    "rawformer-l",
    "mcr",
)


@pytest.mark.parametrize("name", NAMES)
def test_network_gives_the_published_networks_output(name, built, golden):
    network, arrays = built(name), golden(name)
    with torch.no_grad():
        rgb = network(torch.from_numpy(arrays["raw"])[None, None]).numpy()
    assert rgb.dtype == np.float32
    assert np.abs(rgb - arrays["rgb"]).max() <= 1e-5 * np.abs(arrays["rgb"]).max()


@pytest.mark.parametrize("name", [*NAMES, "sid-unet-raw"])
def test_published_parameter_count(name, published, built):
    entries = published(name)
    assert parameters(network_of(name, built(name))) == spec(name).params
    used = sum(tensor.numel() for key, tensor in entries.items() if "squeeze" not in key)
    assert used == spec(name).params


def apart(found, expected):
    return np.abs(found.numpy() - expected).max() / np.abs(expected).max()


def planes_r_g1_b_g2(mosaic):
    return torch.stack(
        [mosaic[:, 0, row::2, column::2] for row, column in ((0, 0), (0, 1), (1, 1), (1, 0))], dim=1
    )


def test_denoiser_gives_the_published_mosaic_and_planes(built, golden):
    network, arrays = built("sid-unet-raw").network, golden("sid-unet-raw")
    with torch.no_grad():
        mosaic = network(torch.from_numpy(arrays["raw"])[None, None])
    assert apart(mosaic, arrays["mosaic"]) <= 1e-5
    assert apart(planes_r_g1_b_g2(mosaic), arrays["raw4"]) <= 1e-5


def test_second_outputs_are_the_published_ones(built, golden):
    for name, key, form in (("dnf", "raw4", planes_r_g1_b_g2), ("mcr", "mono", lambda mono: mono)):
        network, arrays = built(name), golden(name)
        with torch.no_grad():
            _, second = network.outputs(torch.from_numpy(arrays["raw"])[None, None])
        assert apart(form(second), arrays[key]) <= 1e-5


def test_dnf_without_its_raw_head_gives_the_same_image(built, golden):
    network, arrays = built("dnf"), golden("dnf")
    slim = network.slim()
    assert parameters(network) - parameters(slim) == 9_380
    with torch.no_grad():
        assert apart(slim(torch.from_numpy(arrays["raw"])[None, None]), arrays["rgb"]) <= 1e-5


@pytest.mark.parametrize("name", ["llpacknet-2020", "llpacknet-2020-conv", "llpacknet-pixelshuffle"])
def test_gain_is_the_published_gain(name, built, golden):
    arrays = golden(name)
    with torch.no_grad():
        gain = built(name).gain(torch.from_numpy(arrays["raw"])[None, None]).numpy()
    assert gain.shape == (1,)
    np.testing.assert_allclose(gain, arrays["gamma"], rtol=1e-5)


def test_histogram_is_the_published_histogram(golden):
    arrays = golden("llpacknet-2020")
    found = raw_histogram(torch.from_numpy(arrays["raw"])[None, None], histogram_edges())
    np.testing.assert_allclose(found[0], arrays["histogram"], atol=1e-7)


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in {"did", "sgn", "rawformer-b", "rawformer-l"}]
)
@pytest.mark.parametrize("seed", [7])
def test_a_batch_is_restored_image_by_image(name, seed, built):
    network = built(name, seed)
    mosaics = torch.rand(2, 1, 64, 32, generator=torch.Generator().manual_seed(seed)) * torch.tensor(
        [0.05, 0.4]
    ).view(2, 1, 1, 1)
    with torch.no_grad():
        together = network(mosaics)
        apart = torch.cat([network(mosaic[None]) for mosaic in mosaics])
    assert (together - apart).abs().max() <= 1e-5 * apart.abs().max()
