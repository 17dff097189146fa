import math

import pytest

from bench.judge.statistics import Estimate, Kind
from bench.show.tables import numbers


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (14.3217, 14.19, 14.45, "14.32 ± 0.13"),
        (2.30511, 2.2893, 2.3209, "2.305 ± 0.016"),
        (150.2, 140.0, 163.0, "150 (140–163)"),
        (1512.0, 1290.0, 1700.0, "1510 (1290–1700)"),
        (28.1, 23.9, 32.3, "28.1 ± 4.2"),
    ],
)
def test_two_digits_of_the_uncertainty_are_kept(value, low, high, text):
    assert numbers.with_interval(Estimate(value, low, high, 5, Kind.INTERVAL), 3) == text


def test_without_uncertainty_three_digits_are_kept():
    assert numbers.with_interval(Estimate(150.24, None, None, 1, Kind.SINGLE), 3) == "150"
    assert numbers.with_interval(Estimate(2.3051, None, None, 1, Kind.SINGLE), 3) == "2.31"


def test_an_uncertainty_too_small_to_print_is_not_printed_as_zero():
    assert numbers.with_interval(Estimate(0.14400, 0.14399, 0.14401, 5, Kind.INTERVAL), 3) == "0.144"


def test_infinite_psnr_is_a_sign():
    assert numbers.plain(Estimate(math.inf, None, None, 3, Kind.SINGLE), 2) == "∞"


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (1169088, "1,169,088"), (2, "2"), (-0.8869, "−0.8869"), (0.0, "0")]
)
def test_numbers_of_unknown_magnitude(value, text):
    assert numbers.compact(value) == text


def test_a_range_of_too_few_values_stands_in_brackets():
    assert numbers.with_interval(Estimate(2.15, 2.06, 2.24, 2, Kind.RANGE), 3) == "2.150 [2.060–2.240]"
