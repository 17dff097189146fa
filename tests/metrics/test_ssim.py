import subprocess
import sys
from typing import get_args

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import correlate
from skimage.metrics import structural_similarity

from bench.metrics import ssim
from bench.metrics.windows import LUMA, Definition
from llpacknet.errors import InputError

DEFINITIONS = get_args(Definition)
TOLERANCE = {"uniform": 1e-10}
RANGE = {"uint8": 255, "uint16": 65535, "float64": 1.0}


def photograph():
    with Image.open(f"{mpl.get_data_path()}/sample_data/grace_hopper.jpg") as image:
        return np.asarray(image)[40:153, 60:191].astype(np.float64) / 255


def pairs():
    rng = np.random.default_rng(1)
    nature = photograph()
    noise = rng.random((61, 83, 3))
    flat = np.full((40, 33, 3), 0.25)
    return {
        "natural": (np.clip(nature + rng.normal(0, 0.05, nature.shape), 0, 1), nature),
        "random": (noise, rng.random(noise.shape)),
        "constant": (flat, flat + 0.5),
        "constant, equal": (flat, flat),
        "black and white": (flat * 0, flat * 0 + 1),
        "inverted": (1 - np.round(noise), np.round(noise)),
        "smallest": (noise[:11, :11], nature[:11, :11]),
        "more than a band": (np.tile(noise, (3, 1, 1)), np.tile(nature[:61, :83], (3, 1, 1))),
    }


def reference(prediction, truth, data_range, definition):
    """Each definition once more, from scikit-image or by the direct sum in SciPy."""
    a, b = prediction.astype(np.float64), truth.astype(np.float64)
    gaussian = {"gaussian_weights": True, "data_range": data_range}
    if definition == "uniform":
        return structural_similarity(a, b, channel_axis=2, data_range=data_range)
    if definition == "gaussian":
        return structural_similarity(a, b, channel_axis=2, **gaussian)
    if definition == "gaussian-population":
        return structural_similarity(a, b, channel_axis=2, use_sample_covariance=False, **gaussian)
    if definition == "wang-luma":
        return structural_similarity(a @ LUMA, b @ LUMA, use_sample_covariance=False, **gaussian)
    return matlab(a, b, data_range)


def matlab(a, b, data_range):
    offsets = np.arange(-5, 6)
    cube = np.exp(-sum(axis**2 for axis in np.meshgrid(offsets, offsets, offsets)) / (2 * 1.5**2))
    cube /= cube.sum()

    def mean(volume):
        return correlate(volume, cube, mode="nearest")

    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    p, q = mean(a), mean(b)
    variances = mean(a * a) - p * p + mean(b * b) - q * q
    covariance = mean(a * b) - p * q
    values = (2 * p * q + c1) * (2 * covariance + c2) / ((p * p + q * q + c1) * (variances + c2))
    return values.mean()


@pytest.mark.parametrize("kind", RANGE)
@pytest.mark.parametrize("name", pairs())
@pytest.mark.parametrize("definition", DEFINITIONS)
def test_equals_its_reference(definition, name, kind):
    prediction, truth = pairs()[name]
    if kind != "float64":
        prediction, truth = ((image * RANGE[kind]).astype(kind) for image in (prediction, truth))
    expected = reference(prediction, truth, RANGE[kind], definition)
    value = ssim(prediction, truth, RANGE[kind], definition=definition)
    assert value == pytest.approx(expected, abs=TOLERANCE.get(definition, 1e-9))


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_floats_of_another_range_are_scaled_alike(definition):
    prediction, truth = pairs()["natural"]
    value = ssim(prediction, truth, 1.0, definition=definition)
    assert ssim(prediction * 100, truth * 100, 100.0, definition=definition) == pytest.approx(
        value, abs=1e-12
    )


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_single_precision_loses_nothing_that_matters(definition):
    prediction, truth = (image.astype(np.float32) for image in pairs()["natural"])
    expected = ssim(prediction.astype(np.float64), truth.astype(np.float64), 1.0, definition=definition)
    assert ssim(prediction, truth, 1.0, definition=definition) == expected


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("kind", RANGE)
def test_is_one_for_identical_images(definition, kind):
    truth = (photograph() * (1 if kind == "float64" else RANGE[kind])).astype(kind)
    assert ssim(truth, truth.copy(), RANGE[kind], definition=definition) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_does_not_depend_on_threads(definition):
    prediction, truth = ((image * 255).astype(np.uint8) for image in pairs()["more than a band"])
    values = {ssim(prediction, truth, definition=definition, threads=threads) for threads in (1, 2, 4, 7)}
    assert len(values) == 1


def test_does_not_depend_on_the_process():
    program = (
        "import numpy; from bench.metrics import ssim; rng = numpy.random.default_rng(5);"
        "a, b = rng.integers(0, 256, (2, 200, 90, 3), numpy.uint8); print(repr(ssim(a, b)))"
    )
    a, b = np.random.default_rng(5).integers(0, 256, (2, 200, 90, 3), np.uint8)
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert float(printed) == ssim(a, b)


def test_lies_below_zero_for_inverted_structures():
    prediction, truth = pairs()["inverted"]
    assert ssim(prediction, truth, 1.0) < 0


def test_matlab_accepts_images_smaller_than_its_window():
    a, b = np.random.default_rng(2).random((2, 4, 5, 3))
    assert ssim(a, b, 1.0, definition="matlab-rgb") == pytest.approx(matlab(a, b, 1.0), abs=1e-12)


@pytest.mark.parametrize("definition", ["uniform", "gaussian", "wang-luma"])
def test_refuses_images_smaller_than_the_window(definition):
    with pytest.raises(InputError, match="smaller than"):
        ssim(np.zeros((6, 80, 3), np.uint8), np.zeros((6, 80, 3), np.uint8), definition=definition)


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_refuses_what_is_not_finite(definition, bad):
    prediction = photograph()
    truth = prediction.copy()
    prediction[50, 50, 1] = bad
    with pytest.raises(InputError, match="NaN"):
        ssim(prediction, truth, 1.0, definition=definition)


def test_refuses_an_unknown_definition():
    with pytest.raises(InputError, match="wang-luma"):
        ssim(np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20, 3), np.uint8), definition="matlab")
