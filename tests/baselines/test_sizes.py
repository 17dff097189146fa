"""Every network takes any even size from 16 on, and refuses what is no mosaic."""

import pytest
import torch
import torch.nn.functional as F

from baselines import create, names, spec
from llpacknet.errors import InputError

NETWORKS = [name for name in names() if spec(name).kind == "network"]


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    return create(request.param, weights="none")


@pytest.mark.parametrize("size", [(16, 16), (18, 46), (34, 16), (50, 22)])
def test_even_sizes(network, size):
    with torch.no_grad():
        rgb = network(torch.rand(1, 1, *size) * 0.2)
    assert rgb.shape == (1, 3, *size)
    assert torch.isfinite(rgb).all()


@pytest.mark.parametrize("name", ["sid-unet", "red", "sgn"])
def test_padding_is_by_reflection_to_the_declared_multiple(name):
    multiple = spec(name).size_multiple
    side = 4 * multiple - 4
    mosaic = torch.rand(1, 1, side, side) * 0.2
    network = create(name, weights="none")
    with torch.no_grad():
        outside = network(F.pad(mosaic, (2, 2, 2, 2), mode="reflect"))[..., 2:-2, 2:-2]
        assert torch.allclose(network(mosaic), outside, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1, 17, 16), (1, 1, 8, 64), (0, 1, 32, 32), (1, 3, 32, 32), (32, 32)])
def test_unusable_shapes_are_shown(network, shape):
    with pytest.raises(InputError) as refusal:
        network(torch.zeros(shape))
    assert str(shape) in str(refusal.value)


def test_nan_and_wrong_dtype_are_refused(network):
    with pytest.raises(InputError, match=r"\(1, 1, 32, 32\) contains NaN"):
        network(torch.full((1, 1, 32, 32), torch.nan))
    with pytest.raises(InputError, match=r"float64 of shape \(1, 1, 32, 32\)"):
        network(torch.zeros(1, 1, 32, 32, dtype=torch.float64))


def test_amplifier_before_sids_unet_clips_at_saturation():
    network = create("sid-unet+amplifier", weights="none")
    mosaic = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        network.amplifier.out.weight.zero_()
        network.amplifier.out.bias.fill_(4.0)
        assert network.gain(mosaic).tolist() == [4.0]
        assert torch.equal(network(mosaic), network.unet((4 * mosaic).clamp(max=1)))
