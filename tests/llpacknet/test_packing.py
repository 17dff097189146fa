"""Pack and UnPack: inverses, Algorithm 1, the historical forms, and the relation to PixelShuffle."""

import pytest
import torch
import torch.nn.functional as F

from llpacknet import pack, unpack
from llpacknet.errors import InputError
from llpacknet.packing import pack_loop, pixelshuffle_order, unpack_2020, unpack_2020_batched, unpack_loop

FACTORS = (2, 4, 8)
BATCHES = (1, 2, 3)


def noise(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("colours", [1, 3])
def test_unpack_undoes_pack_exactly(factor, batch, colours):
    image = noise(batch, colours, 2 * factor, 3 * factor)
    packed = pack(image, factor)
    assert packed.shape == (batch, colours * factor**2, 2, 3)
    assert torch.equal(unpack(packed, factor), image)
    assert torch.equal(pack(unpack(packed, factor), factor), packed)


def test_channel_of_a_pixel_is_the_published_one():
    factor, colours = 4, 3
    image = noise(2, colours, 8, 12)
    packed = pack(image, factor)
    for r, c, k in ((0, 0, 0), (1, 2, 1), (3, 0, 2)):
        assert torch.equal(packed[:, (r * factor + c) * colours + k], image[:, k, r::factor, c::factor])


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("batch", BATCHES)
def test_unpack_is_algorithm_1(factor, batch):
    packed = noise(batch, 3 * factor**2, 5, 7)
    assert torch.equal(unpack(packed, factor), unpack_loop(packed, factor))
    assert torch.equal(packed, pack_loop(unpack(packed, factor), factor))


@pytest.mark.parametrize("factor", FACTORS)
def test_on_one_plane_pack_is_pixel_unshuffle(factor):
    plane = noise(2, 1, 16, 24)
    assert torch.equal(pack(plane, factor), F.pixel_unshuffle(plane, factor))


@pytest.mark.parametrize("factor", FACTORS)
def test_the_2020_one_liner_is_right_for_one_image(factor):
    packed = noise(1, 3 * factor**2, 5, 7)
    assert torch.equal(unpack_2020(packed, factor), unpack(packed, factor))
    assert torch.equal(unpack_2020_batched(packed, factor), unpack(packed, factor))


@pytest.mark.parametrize("batch", [2, 3])
def test_the_2020_one_liner_raises_for_more_images(batch):
    with pytest.raises(RuntimeError, match="invalid for input of size"):
        unpack_2020(noise(batch, 192, 5, 7))


def test_the_2020_one_liner_mixes_images_if_asked_for_a_batch():
    packed = torch.stack((torch.zeros(192, 4, 4), torch.ones(192, 4, 4)))
    mixed = unpack_2020_batched(packed)
    assert mixed.shape == (2, 3, 32, 32)
    assert all(set(image.unique().tolist()) == {0.0, 1.0} for image in mixed)
    assert mixed.sum() == packed.sum()
    assert unpack(packed, 8)[0].max() == 0
    assert unpack(packed, 8)[1].min() == 1


@pytest.mark.parametrize("factor", FACTORS)
def test_unpack_is_pixelshuffle_of_permuted_channels(factor):
    packed = noise(2, 3 * factor**2, 3, 4)
    assert torch.equal(unpack(packed, factor), F.pixel_shuffle(packed[:, pixelshuffle_order(factor)], factor))


def test_convolution_and_unpack_is_permuted_convolution_and_pixelshuffle():
    convolution = torch.nn.Conv2d(16, 192, 3, padding=1)
    permuted = torch.nn.Conv2d(16, 192, 3, padding=1)
    order = pixelshuffle_order(8)
    assert sorted(order.tolist()) == list(range(192))
    permuted.weight.data, permuted.bias.data = convolution.weight[order].data, convolution.bias[order].data
    features = noise(2, 16, 6, 9)
    unpacked, shuffled = unpack(convolution(features), 8), F.pixel_shuffle(permuted(features), 8)
    assert torch.allclose(unpacked, shuffled, atol=1e-6)


@pytest.mark.parametrize(
    ("function", "shape", "factor"),
    [
        (pack, (1, 3, 9, 8), 8),
        (pack, (1, 3, 8, 12), 8),
        (pack, (3, 8, 8), 8),
        (pack, (1, 1, 8, 8), 0),
        (unpack, (1, 190, 4, 4), 8),
        (unpack, (192, 4, 4), 8),
        (unpack_loop, (1, 190, 4, 4), 8),
    ],
)
def test_unusable_shapes_are_shown(function, shape, factor):
    with pytest.raises(InputError) as refusal:
        function(torch.zeros(shape), factor)
    assert str(tuple(shape)) in str(refusal.value) or factor == 0


def test_gradients_pass():
    image = noise(1, 3, 16, 16).requires_grad_()
    unpack(pack(image, 8) * 2, 8).sum().backward()
    assert torch.equal(image.grad, torch.full_like(image, 2.0))
