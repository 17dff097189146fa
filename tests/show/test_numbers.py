import math

import pytest

from bench.judge.statistics import Estimate
from bench.show.tables import numbers


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (14.3217, 14.19, 14.42, "14.32 ± 0.13"),
        (2.30511, 2.2893, 2.3179, "2.305 ± 0.016"),
        (150.2, 140.0, 163.0, "150 ± 13"),
        (1512.0, 1290.0, 1700.0, "1510 ± 220"),
        (28.1, 23.9, 32.3, "28.1 ± 4.2"),
    ],
)
def test_two_digits_of_the_uncertainty_are_kept(value, low, high, text):
    assert numbers.with_interval(Estimate(value, low, high, 5, 0.95), 3) == text


def test_without_uncertainty_three_digits_are_kept():
    assert numbers.with_interval(Estimate(150.24, None, None, 1, 0.0), 3) == "150"
    assert numbers.with_interval(Estimate(2.3051, None, None, 1, 0.0), 3) == "2.31"


def test_an_uncertainty_too_small_to_print_is_not_printed_as_zero():
    assert numbers.with_interval(Estimate(0.14400, 0.14399, 0.14401, 5, 0.95), 3) == "0.144"


def test_infinite_psnr_is_a_sign():
    assert numbers.plain(Estimate(math.inf, None, None, 3, 0.0), 2) == "∞"


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (1169088, "1,169,088"), (2, "2"), (-0.8869, "−0.8869"), (0.0, "0")]
)
def test_numbers_of_unknown_magnitude(value, text):
    assert numbers.compact(value) == text
