"""The tensor path gives the array path's values: CPU tensors anywhere, a GPU where there is one."""

from typing import get_args

import numpy as np
import pytest
import torch

from bench.metrics import cuda, psnr, ssim
from bench.metrics.windows import WINDOWS, Definition
from llpacknet.errors import InputError

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")),
]


def pair():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 256, (70, 91, 3), np.uint8)
    return np.clip(truth + rng.integers(-30, 30, truth.shape), 0, 255).astype(np.uint8), truth


@pytest.fixture(autouse=True)
def small_bands(monkeypatch):
    monkeypatch.setattr(cuda, "BAND_ROWS", 23)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("definition", get_args(Definition))
def test_ssim_of_tensors(definition, device):
    prediction, truth = pair()
    on_it = (torch.from_numpy(image).to(device) for image in (prediction, truth))
    value = cuda.ssim(*on_it, 255.0, WINDOWS[definition])
    assert value == pytest.approx(ssim(prediction, truth, definition=definition), abs=1e-9)


@pytest.mark.parametrize("device", DEVICES)
def test_error_of_tensors(device):
    prediction, truth = pair()
    expected = np.mean((prediction.astype(np.float64) - truth) ** 2)
    on_it = (torch.from_numpy(image).to(device) for image in (prediction, truth))
    assert cuda.mean_squared_error(*on_it) == pytest.approx(expected, rel=1e-12)


def test_nan_in_a_tensor_is_refused():
    image = torch.full((20, 20, 3), torch.nan)
    with pytest.raises(InputError, match="NaN"):
        cuda.mean_squared_error(image, image)


def test_tensors_in_main_memory_are_accepted():
    prediction, truth = pair()
    tensors = torch.from_numpy(prediction), torch.from_numpy(truth)
    assert psnr(*tensors) == psnr(prediction, truth)
    assert ssim(*tensors) == ssim(prediction, truth)
