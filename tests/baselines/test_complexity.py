"""Parameters exactly as published; multiply-accumulates as published and as other counters find."""

import copy
import logging

import pytest
import torch
from fvcore.nn import FlopCountAnalysis
from torch.utils.flop_counter import FlopCounterMode

from baselines import create, names, spec
from baselines.complexity import fused_parameters, layer_bytes, macs, parameters
from baselines.paper import FULL_HEIGHT, FULL_WIDTH
from llpacknet.errors import InputError

NETWORKS = [name for name in names() if spec(name).kind == "network"]
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
}
PUBLISHED_GMAC = {
    "llpacknet": 83.30,
    "sid-unet": 560.1,
    "sgn": 2464.6,
    "did": 7735.8,
    "red": 59.6,
    "adu-net": 35.92,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_are_exactly_those_published(name):
    network = create(name, weights="none")
    assert (parameters(network), fused_parameters(network)) == PARAMETERS[name]
    assert (spec(name).params, spec(name).params_fused) == PARAMETERS[name]
    assert parameters(network) == PARAMETERS[name][0], "counting must leave the network as it is"
    assert network(torch.rand(1, 1, 16, 16)).shape == (1, 3, 16, 16)


@pytest.mark.parametrize(("name", "gmac"), PUBLISHED_GMAC.items())
def test_macs_at_full_resolution_are_those_published(name, gmac):
    assert macs(create(name, weights="none")) / 1e9 == pytest.approx(gmac, rel=0.005)


@pytest.mark.parametrize("name", NETWORKS)
def test_declared_gmac_is_what_is_counted(name):
    assert macs(create(name, weights="none")) / 1e9 == pytest.approx(spec(name).gmac, rel=0.001)


@pytest.mark.parametrize("name", NETWORKS)
def test_torchs_own_counter_agrees_at_full_resolution(name):
    network = create(name, weights="none")
    shadow = copy.deepcopy(network).to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shadow(torch.empty(1, 1, FULL_HEIGHT, FULL_WIDTH, device="meta"))
    assert macs(network) == pytest.approx(counter.get_total_flops() / 2, rel=1e-6)


@pytest.mark.parametrize("name", ["llpacknet", "sid-unet", "sgn", "did", "red"])
def test_fvcore_agrees(name):
    # All sides are multiples of 32, so that the count is proportional to the area.
    logging.getLogger("fvcore.nn.jit_analysis").setLevel(logging.ERROR)
    network = create(name, weights="none")
    small = FlopCountAnalysis(network, torch.rand(1, 1, 32, 64)).unsupported_ops_warnings(False).total()
    scaled = small * (FULL_HEIGHT * FULL_WIDTH) / (32 * 64)
    assert scaled / 1e9 == pytest.approx(PUBLISHED_GMAC[name], rel=0.005)
    assert scaled == pytest.approx(macs(network), rel=1e-9)


def test_transposed_convolution_is_charged_at_its_inputs_resolution():
    layer = torch.nn.ConvTranspose2d(1, 5, 2, stride=2)
    assert macs(layer, 6, 8) == 6 * 8 * 5 * 4


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
