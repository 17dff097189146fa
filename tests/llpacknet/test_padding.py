"""Padding keeps the Bayer phase and the image; what is no mosaic is refused with its shape."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from llpacknet.errors import InputError
from llpacknet.padding import Margins, check_mosaic, crop, pad_planes, pad_to_multiple, through_planes


@pytest.mark.parametrize("side", range(16, 52, 2))
@pytest.mark.parametrize("multiple", [2, 8, 16, 32])
def test_every_even_size_comes_back_whole(side, multiple):
    mosaic = torch.rand(1, 1, side, 66 - side)
    padded, margins = pad_to_multiple(mosaic, multiple)
    height, width = padded.shape[-2:]
    assert height % multiple == width % multiple == 0
    assert height - side < multiple
    assert all(margin % 2 == 0 for margin in margins)
    assert torch.equal(crop(padded, margins), mosaic)


@pytest.mark.parametrize("height", range(16, 52, 2))
def test_padding_is_numpys_reflection(height):
    mosaic = torch.rand(2, 1, height, 18)
    padded, (left, right, top, bottom) = pad_to_multiple(mosaic, 32)
    expected = np.pad(mosaic.numpy(), ((0, 0), (0, 0), (top, bottom), (left, right)), mode="reflect")
    assert np.array_equal(padded.numpy(), expected)


@pytest.mark.parametrize("height", [16, 18, 34, 46])
@pytest.mark.parametrize("multiple", [16, 32, 64])
def test_bayer_phase_is_kept(height, multiple):
    mosaic = torch.zeros(1, 1, height, 20)
    colours = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    mosaic[0, 0] = colours.repeat(height // 2, 10)
    padded, _ = pad_to_multiple(mosaic, multiple)
    rows, columns = padded.shape[-2] // 2, padded.shape[-1] // 2
    assert torch.equal(padded[0, 0], colours.repeat(rows, columns))


def test_sizes_that_fit_are_left_alone():
    mosaic = torch.rand(1, 1, 32, 64)
    padded, margins = pad_to_multiple(mosaic, 32)
    assert padded is mosaic
    assert margins == Margins(0, 0, 0, 0)
    assert crop(padded, margins) is padded


def test_margins_stand_on_both_sides():
    _, margins = pad_to_multiple(torch.rand(1, 1, 16, 40), 32)
    assert margins == Margins(12, 12, 8, 8)


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize(("height", "width"), [(16, 58), (18, 34), (72, 104), (8, 8)])
def test_planes_are_padded_by_numpys_reflection_to_and_fro(height, width, after):
    planes = torch.rand(2, 4, height, width)
    padded, (left, right, top, bottom) = pad_planes(planes, 32, after=after)
    margins = tuple((one // 2, other // 2) for one, other in ((top, bottom), (left, right)))
    assert np.array_equal(padded.numpy(), np.pad(planes.numpy(), ((0, 0), (0, 0), *margins), mode="reflect"))
    assert not after or (left, top) == (0, 0)
    assert torch.equal(
        crop(F.pixel_shuffle(padded, 2), Margins(left, right, top, bottom)), F.pixel_shuffle(planes, 2)
    )


def test_padding_planes_is_not_padding_the_mosaic():
    mosaic = torch.rand(1, 1, 32, 58)
    padded, margins = through_planes(mosaic, lambda planes: pad_planes(planes, 16, after=True))
    assert margins == Margins(0, 6, 0, 0)
    assert torch.equal(padded[..., 58:], mosaic[..., [54, 55, 52, 53, 50, 51]])


@pytest.mark.parametrize(
    ("mosaic", "said"),
    [
        (torch.rand(16, 16), "(B, 1, H, W), got shape (16, 16)"),
        (torch.rand(1, 16, 16), "(B, 1, H, W), got shape (1, 16, 16)"),
        (torch.rand(1, 3, 16, 16), "(B, 1, H, W), got shape (1, 3, 16, 16)"),
        (torch.rand(0, 1, 16, 16), "at least one image, got shape (0, 1, 16, 16)"),
        (torch.rand(1, 1, 14, 16), "at least 16 pixels high and wide, got shape (1, 1, 14, 16)"),
        (torch.rand(1, 1, 16, 0), "at least 16 pixels high and wide, got shape (1, 1, 16, 0)"),
        (torch.rand(1, 1, 17, 16), "even height and width, got shape (1, 1, 17, 16)"),
        (torch.rand(1, 1, 16, 33), "even height and width, got shape (1, 1, 16, 33)"),
        (
            torch.rand(1, 1, 16, 16).double(),
            "must be torch.float32, got torch.float64 of shape (1, 1, 16, 16)",
        ),
        (torch.zeros(1, 1, 16, 16, dtype=torch.int16), "got torch.int16 of shape (1, 1, 16, 16)"),
        (torch.full((1, 1, 16, 16), torch.nan), "shape (1, 1, 16, 16) contains NaN"),
    ],
)
def test_what_is_no_mosaic_is_refused_with_its_shape(mosaic, said):
    with pytest.raises(InputError) as refusal:
        check_mosaic(mosaic, torch.nn.Conv2d(1, 1, 1))
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_single_nan_is_found():
    mosaic = torch.rand(2, 1, 64, 64)
    mosaic[1, 0, 40, 3] = torch.nan
    with pytest.raises(InputError, match="NaN"):
        check_mosaic(mosaic)


def test_a_half_precision_network_takes_half_precision():
    check_mosaic(torch.rand(1, 1, 16, 16).bfloat16(), torch.nn.Conv2d(1, 1, 1).bfloat16())
    with pytest.raises(InputError, match="bfloat16"):
        check_mosaic(torch.rand(1, 1, 16, 16), torch.nn.Conv2d(1, 1, 1).bfloat16())
