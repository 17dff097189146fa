import numpy as np
import pytest

from bench.metrics import quantise
from llpacknet.errors import InputError

LEVELS = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)


def test_truncation_and_rounding_differ_by_the_half_level():
    image = np.full((2, 2, 3), 100.7 / 255)
    assert quantise(image, "truncate").max() == 100
    assert quantise(image, "round").min() == 101


@pytest.mark.parametrize("how", ["truncate", "round"])
def test_clips_to_the_range(how):
    image = np.array([-3.0, 0.0, 1.0, 1.7, np.inf]).reshape(1, 5, 1).repeat(3, axis=2)
    assert quantise(image, how)[0, :, 0].tolist() == [0, 0, 255, 255, 255]


@pytest.mark.parametrize("how", ["truncate", "round"])
def test_8_bits_are_taken_as_they_are_at_any_depth(how):
    assert np.array_equal(quantise(LEVELS, how), LEVELS)
    assert np.array_equal(quantise(LEVELS.astype(np.uint16) * 257, how), LEVELS)


def test_every_16_bit_value_is_reduced_exactly():
    values = np.arange(65536, dtype=np.uint16)
    exact = [value * 255 // 65535 for value in range(65536)]
    nearest = [(2 * value * 255 + 65535) // (2 * 65535) for value in range(65536)]
    column = values[:, None, None].repeat(3, axis=2)
    assert quantise(column, "truncate")[:, 0, 0].tolist() == exact
    assert quantise(column, "round")[:, 0, 0].tolist() == nearest


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float64"])
def test_none_gives_floats_from_black_0_to_white_1(kind):
    white = 1 if kind == "float64" else np.iinfo(kind).max
    image = np.array([0, white], kind).reshape(1, 2, 1).repeat(3, axis=2)
    result = quantise(image, "none")
    assert result.dtype == np.float32
    assert result[0, :, 0].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("image", "how", "message"),
    [
        (LEVELS, "floor", "truncate"),
        (LEVELS.astype(np.int64), "round", "int64"),
        (np.full((2, 2, 3), np.nan), "truncate", "NaN"),
        (np.full((2, 2, 3), np.nan), "none", "NaN"),
    ],
)
def test_refuses(image, how, message):
    with pytest.raises(InputError, match=message):
        quantise(image, how)
