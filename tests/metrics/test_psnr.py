import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from bench.metrics import psnr
from llpacknet.errors import InputError

RANGE = {"uint8": 255, "uint16": 65535, "float32": 1.0, "float64": 1.0}


def noisy_pair(kind, shape=(150, 67, 3), seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.random(shape)
    prediction = np.clip(truth + rng.normal(0, 0.1, shape), 0, 1)
    scale = 1 if kind.startswith("f") else RANGE[kind]
    return (prediction * scale).astype(kind), (truth * scale).astype(kind)


@pytest.mark.parametrize("kind", RANGE)
def test_equals_scikit_image(kind):
    prediction, truth = noisy_pair(kind)
    reference = peak_signal_noise_ratio(
        truth.astype(np.float64), prediction.astype(np.float64), data_range=RANGE[kind]
    )
    assert psnr(prediction, truth, RANGE[kind]) == pytest.approx(reference, abs=1e-10)


def test_integers_know_their_range():
    prediction, truth = noisy_pair("uint16")
    assert psnr(prediction, truth) == psnr(prediction, truth, 65535)


def test_identical_images_are_infinitely_good():
    truth = noisy_pair("uint8")[1]
    assert psnr(truth, truth.copy()) == math.inf


def test_black_against_white_is_zero_decibels():
    black, white = np.zeros((20, 20, 3), np.uint16), np.full((20, 20, 3), 65535, np.uint16)
    assert psnr(black, white) == 0


def test_largest_16_bit_differences_do_not_overflow():
    black, white = np.zeros((700, 700, 3), np.uint16), np.full((700, 700, 3), 65535, np.uint16)
    assert psnr(black, white) == 0


@pytest.mark.parametrize("kind", ["uint8", "float64"])
def test_does_not_depend_on_threads(kind):
    prediction, truth = noisy_pair(kind, (300, 40, 3))
    values = {psnr(prediction, truth, RANGE[kind], threads=threads) for threads in (1, 2, 4, 7)}
    assert len(values) == 1


def test_views_of_larger_images_are_judged_where_they_are():
    prediction, truth = noisy_pair("uint8", (80, 80, 3))
    assert psnr(prediction[::2, 3:50], truth[::2, 3:50]) == psnr(
        prediction[::2, 3:50].copy(), truth[::2, 3:50].copy()
    )


IMAGE = np.full((20, 20, 3), 0.5)


@pytest.mark.parametrize(
    ("prediction", "truth", "data_range", "message"),
    [
        (IMAGE[:19], IMAGE, 1.0, "20x19"),
        (IMAGE[..., :1], IMAGE, 1.0, "colour image"),
        (IMAGE[..., 0], IMAGE[..., 0], 1.0, "colour image"),
        (IMAGE.astype(np.float32), IMAGE, 1.0, "float32 and truth is float64"),
        (IMAGE.astype(np.int32), IMAGE.astype(np.int32), 1.0, "int32"),
        (IMAGE, IMAGE, None, "data_range"),
        (IMAGE, IMAGE, 0.0, "data_range"),
        (IMAGE, IMAGE, math.nan, "data_range"),
        (np.where(np.arange(3) == 1, np.nan, IMAGE), IMAGE, 1.0, "NaN"),
        (IMAGE, np.where(np.arange(3) == 1, -np.inf, IMAGE), 1.0, "NaN"),
    ],
)
def test_images_that_cannot_be_compared_are_refused(prediction, truth, data_range, message):
    with pytest.raises(InputError, match=message) as caught:
        psnr(prediction, truth, data_range)
    assert "\n" not in str(caught.value)
