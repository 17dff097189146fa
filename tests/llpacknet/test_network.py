"""LLPackNet's options, sizes and weight-norm; the golden outputs are tested with the other networks'."""

import copy

import pytest
import torch

from llpacknet import LLPackNet
from llpacknet.errors import InputError
from llpacknet.network import fuse_weight_norm

VARIANTS = ("2022", "2020-histogram", "2020-conv")


def mosaic(*shape, scale=0.3, seed=1):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * scale


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("upsampler", ["unpack", "pixelshuffle", "unpack-2020"])
def test_options_share_parameters(variant, upsampler):
    published, other = LLPackNet(variant).eval(), LLPackNet(variant, upsampler).eval()
    other.load_state_dict(published.state_dict())
    with torch.no_grad():
        same = torch.equal(published(mosaic(1, 1, 32, 32)), other(mosaic(1, 1, 32, 32)))
    assert same == (upsampler != "pixelshuffle")


def test_weight_norm_is_an_option_of_1552_parameters():
    assert count(LLPackNet("2022")) - count(LLPackNet("2022", weight_norm=False)) == 1552
    assert count(LLPackNet("2020-conv", weight_norm=True)) - count(LLPackNet("2020-conv")) == 1552


@pytest.mark.parametrize(
    ("final", "lowest", "highest"), [("sigmoid", 0, 1), ("relu", 0, 99), ("none", -99, 99)]
)
def test_final_activation_is_an_option(final, lowest, highest):
    network = LLPackNet("2020-histogram", final=final)
    rgb = network(mosaic(1, 1, 32, 32))
    assert rgb.min() >= lowest
    assert rgb.max() <= highest
    assert (rgb.min() < 0) == (final == "none")


def test_2020_conv_clips_except_where_gradients_are_recorded():
    network = LLPackNet("2020-conv")
    with torch.no_grad():
        network.out.bias.fill_(2.0)
        assert network(mosaic(1, 1, 32, 32)).max() == 1.0
    assert network(mosaic(1, 1, 32, 32)).max() > 1.0
    assert network.eval()(mosaic(1, 1, 32, 32)).max() == 1.0


@pytest.mark.parametrize("variant", VARIANTS)
def test_any_even_size_from_16(variant):
    network = LLPackNet(variant).eval()
    with torch.no_grad():
        for height in range(16, 52, 6):
            assert network(mosaic(2, 1, height, 66 - height)).shape == (2, 3, height, 66 - height)


def test_padding_is_what_an_outside_reflection_gives():
    network = LLPackNet("2022").eval()
    frame = mosaic(1, 1, 24, 40)
    outside = torch.nn.functional.pad(frame, (4, 4, 4, 4), mode="reflect")
    with torch.no_grad():
        assert torch.allclose(network(frame), network(outside)[..., 4:-4, 4:-4], atol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("call", ["forward", "gain"])
def test_unusable_input_is_refused_with_its_shape(variant, call):
    run = getattr(LLPackNet(variant), call)
    wrong = (torch.rand(1, 1, 33, 32), torch.rand(1, 1, 8, 8), torch.rand(0, 1, 32, 32), torch.rand(32, 32))
    for frame in wrong:
        with pytest.raises(InputError) as refusal:
            run(frame)
        assert str(tuple(frame.shape)) in str(refusal.value)
    for frame in (torch.rand(1, 1, 32, 32).double(), torch.full((1, 1, 32, 32), torch.nan)):
        with pytest.raises(InputError, match=r"\(1, 1, 32, 32\)"):
            run(frame)


@pytest.mark.parametrize("variant", ["2020-histogram", "2020-conv"])
def test_gain_is_one_positive_number_per_image(variant):
    network = LLPackNet(variant)
    gain = network.gain(mosaic(3, 1, 32, 48))
    assert gain.shape == (3,)
    assert gain.min() >= 1e-4
    assert gain.requires_grad
    with torch.no_grad():
        network.amplifier.out.bias.fill_(-100.0)
        assert network.gain(mosaic(2, 1, 32, 48)).tolist() == pytest.approx([1e-4, 1e-4])


def test_the_2022_network_amplifies_nothing():
    assert LLPackNet("2022").gain(mosaic(2, 1, 32, 32)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("variant", ["2020-histogram", "2020-conv"])
def test_gain_multiplies_the_input(variant):
    network = LLPackNet(variant).eval()
    with torch.no_grad():
        network.amplifier.out.weight.zero_()
        network.amplifier.out.bias.fill_(2.0)
        doubled = network(mosaic(1, 1, 32, 32))
        network.amplifier.out.bias.fill_(1.0)
        assert torch.allclose(doubled, network(2 * mosaic(1, 1, 32, 32)), atol=1e-6)


def test_fusing_weight_norm_keeps_the_function():
    network = LLPackNet("2022").eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("original0"):
                parameter.mul_(1.3)
        expected = network(mosaic(1, 1, 32, 32))
        fused = fuse_weight_norm(copy.deepcopy(network))
        assert torch.allclose(fused(mosaic(1, 1, 32, 32)), expected, atol=1e-5)
        assert count(fused) == 1_169_088
        assert set(fused.state_dict()) == set(LLPackNet("2022", weight_norm=False).state_dict())
        # The copy's twin is untouched.
        assert count(network) == 1_170_640
        assert torch.equal(network(mosaic(1, 1, 32, 32)), expected)


def test_unknown_options_are_refused():
    with pytest.raises(InputError, match="no variant '2021'; choose from 2022"):
        LLPackNet("2021")
    with pytest.raises(InputError, match="no upsampler 'bilinear'"):
        LLPackNet("2022", "bilinear")
    with pytest.raises(InputError, match="no final 'tanh'"):
        LLPackNet("2022", final="tanh")


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_parameter_learns(variant):
    network = LLPackNet(variant)
    network(mosaic(2, 1, 32, 32)).mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("variant", VARIANTS)
def test_exports_as_one_graph(variant):
    network = LLPackNet(variant).eval()
    with torch.no_grad():
        network.out.bias.fill_(0.3)
        exported = torch.export.export(network, (mosaic(1, 1, 32, 48),), strict=False).module()
        assert torch.allclose(
            exported(mosaic(1, 1, 32, 48, seed=2)), network(mosaic(1, 1, 32, 48, seed=2)), atol=1e-6
        )
