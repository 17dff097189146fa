"""What a user's network returns is an image of its input, or is refused: no clamp makes one of it."""

import numpy as np
import pytest
import torch
from torch import nn

from llpacknet import restore
from llpacknet.errors import InputError


class Returns(nn.Module):
    """Gives what a function makes of a grey image."""

    needs_gain = True

    def __init__(self, change):
        super().__init__()
        self.change = change
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, mosaic):
        return self.change(mosaic.expand(-1, 3, -1, -1) * 0 + 0.4)


SPOILT = {
    "not RGB": lambda image: image[..., ::2, ::2],
    "not RGB of the frame": lambda image: image[:, :1],
    r"\(1, 32, 48, 3\)": lambda image: image.permute(0, 2, 3, 1),
    "NaN": lambda image: image / 0 * 0,
    "uint8": lambda image: (image * 255).to(torch.uint8),
    "mean of 102": lambda image: image * 255,
    "tuple": lambda image: (image, image),
}


@pytest.mark.parametrize("said", SPOILT)
def test_what_is_no_image_is_refused(said):
    mosaic = np.full((32, 48), 0.01, np.float32)
    with pytest.raises(InputError, match=said):
        restore(mosaic, model=Returns(SPOILT[said]), gain=1.0)


def test_half_precision_and_too_bright_images_are_images():
    mosaic = np.full((32, 48), 0.01, np.float32)
    assert restore(mosaic, model=Returns(lambda image: image.half()), gain=1.0).mean() == 102
    assert restore(mosaic, model=Returns(lambda image: image * 20), gain=1.0).mean() == 255


@pytest.mark.parametrize("value", [np.nan, np.inf, 600.0, 16383.0])
def test_a_mosaic_that_is_not_normalised_is_refused(value):
    with pytest.raises(InputError, match="normalised to 0 for black and 1 for saturation"):
        restore(np.full((32, 48), value, np.float32), model=Returns(lambda image: image))
