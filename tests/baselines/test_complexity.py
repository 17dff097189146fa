"""Parameters exactly as published; multiply-accumulates as published and as other counters find."""

import copy
import logging
from functools import cache

import pytest
import torch
from fvcore.nn import FlopCountAnalysis
from torch.utils.flop_counter import FlopCounterMode

from baselines import create, names, spec
from baselines.complexity import fused_parameters, layer_bytes, macs, parameters, products
from baselines.paper import FULL_HEIGHT, FULL_WIDTH
from baselines.registry import network_of
from llpacknet.errors import InputError

NETWORKS = [name for name in names() if spec(name).learned]
PARAMETERS = {
    "llpacknet": (1_170_640, 1_169_088),
    "llpacknet-2020": (1_177_409, 1_177_409),
    "llpacknet-2020-conv": (1_171_985, 1_171_985),
    "llpacknet-pixelshuffle": (1_171_985, 1_171_985),
    "sid-unet": (7_760_748, 7_760_748),
    "sid-unet+amplifier": (7_763_645, 7_763_645),
    "sgn": (3_604_963, 3_604_963),
    "did": (2_552_131, 2_552_131),
    "red": (784_768, 783_432),
    "adu-net": (635_152, 634_640),
    "dnf": (2_835_103, 2_835_103),
    "rawformer-s": (3_401_252, 3_401_252),
    "rawformer-b": (7_615_124, 7_615_124),
    "rawformer-l": (13_504_516, 13_504_516),
    "mcr": (15_013_791, 15_013_791),
    "sid-unet-raw": (7_760_484, 7_760_484),
}
PUBLISHED_GMAC = {
    "llpacknet": 83.30,
    "sid-unet": 560.1,
    "sgn": 2464.6,
    "did": 7735.8,
    "red": 59.6,
    "adu-net": 35.92,
    "dnf": 658.43,
    "rawformer-s": 722.53,
    "rawformer-b": 1603.35,
    "rawformer-l": 2830.54,
    "mcr": 1045.52,
    "sid-unet-raw": 559.32,
}
ATTENTION_GMAC = {"dnf": 11.64, "rawformer-s": 5.43, "rawformer-b": 12.22, "rawformer-l": 21.72}


@cache
def built(name):
    return network_of(name, create(name, weights="none"))


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_are_exactly_those_published(name):
    network = built(name)
    assert (parameters(network), fused_parameters(network)) == PARAMETERS[name]
    assert (spec(name).params, spec(name).params_fused) == PARAMETERS[name]
    assert parameters(network) == PARAMETERS[name][0], "counting must leave the network as it is"
    assert network(torch.rand(1, 1, 32, 32)).shape[-2:] == (32, 32)


@pytest.mark.parametrize(("name", "gmac"), PUBLISHED_GMAC.items())
def test_macs_at_full_resolution_are_those_published(name, gmac):
    assert macs(built(name)) / 1e9 == pytest.approx(gmac, rel=0.005)


@pytest.mark.parametrize("name", NETWORKS)
def test_declared_gmac_is_what_is_counted(name):
    assert macs(built(name)) / 1e9 == pytest.approx(spec(name).gmac, rel=0.001)


@pytest.mark.parametrize("name", NETWORKS)
def test_torchs_own_counter_agrees_at_full_resolution(name):
    network = built(name)
    shadow = copy.deepcopy(network).to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shadow(torch.empty(1, 1, FULL_HEIGHT, FULL_WIDTH, device="meta"))
    assert macs(network) == pytest.approx(counter.get_total_flops() / 2, rel=1e-6)


@pytest.mark.parametrize("name", ["llpacknet", "sid-unet", "sgn", "did", "red"])
def test_fvcore_agrees(name):
    # All sides are multiples of 32, so that the count is proportional to the area.
    logging.getLogger("fvcore.nn.jit_analysis").setLevel(logging.ERROR)
    network = built(name)
    small = FlopCountAnalysis(network, torch.rand(1, 1, 32, 64)).unsupported_ops_warnings(False).total()
    scaled = small * (FULL_HEIGHT * FULL_WIDTH) / (32 * 64)
    assert scaled / 1e9 == pytest.approx(PUBLISHED_GMAC[name], rel=0.005)
    assert scaled == pytest.approx(macs(network), rel=1e-9)


@pytest.mark.parametrize(("name", "gmac"), ATTENTION_GMAC.items())
def test_attentions_products_are_counted(name, gmac):
    found = products(built(name), FULL_HEIGHT, FULL_WIDTH)
    attention = sum(one.macs for one in found if one.operator == "matrix product")
    assert attention / 1e9 == pytest.approx(gmac, abs=0.005)


def test_matrix_products_are_counted_however_they_are_written():
    class Products(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(6, 5)

        def forward(self, mosaic):
            rows = mosaic[:, 0]
            return self.linear(rows), rows @ rows.mT, torch.einsum("bij,bkj->bik", rows, rows)

    assert macs(Products(), 4, 6) == 4 * 6 * 5 + 2 * 4 * 4 * 6


def test_a_convolution_inside_forward_is_counted():
    class Inside(torch.nn.Module):
        def forward(self, mosaic):
            return torch.nn.functional.conv2d(mosaic, mosaic.new_ones(3, 1, 3, 3), padding=1)

    assert macs(Inside(), 10, 12) == 10 * 12 * 3 * 9


def test_transposed_convolution_is_charged_at_its_inputs_resolution():
    layer = torch.nn.ConvTranspose2d(1, 5, 2, stride=2)
    assert macs(layer, 6, 8) == 6 * 8 * 5 * 4
    assert macs(layer, 6, 8, transposed="output") == 12 * 16 * 5 * 4


def test_grouped_convolution_sees_only_its_group():
    layers = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 1), torch.nn.Conv2d(8, 4, 3, padding=1, groups=4))
    assert macs(layers, 10, 10) == 100 * 8 + 100 * 4 * 2 * 9


def test_a_network_that_needs_values_is_refused_in_one_line():
    class Peeking(torch.nn.Module):
        def forward(self, mosaic):
            return mosaic * float(mosaic.max())

    with pytest.raises(InputError, match="Peeking") as refusal:
        macs(Peeking(), 32, 32)
    assert "\n" not in str(refusal.value)


def test_layer_bytes_are_each_layers_input_weights_and_output_once():
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.ConvTranspose2d(4, 2, 2, stride=2, bias=False),
    )
    first = 16 * 24 + (4 * 9 + 4) + 4 * 16 * 24
    second = 4 * 16 * 24 + 4 * 2 * 4 + 2 * 32 * 48
    assert layer_bytes(network, 16, 24) == 4 * (first + second)
    assert layer_bytes(network.half(), 16, 24) == 2 * (first + second)
