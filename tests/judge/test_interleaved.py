"""Ratios within the rounds and turns of one interleaved run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.judge import interleaved, statistics
from bench.judge.statistics import Kind

POSITIVE = st.floats(0.01, 1000)


def test_round_medians_keep_processes_apart():
    assert interleaved.round_medians([1.0, 9.0, 2.0, 5.0], [0, 1, 0, 1]) == {0: 1.5, 1: 7.0}


def test_ratio_by_round_cancels_drift_that_hits_both():
    drift = {number: 1.0 + 0.4 * number for number in range(5)}
    above = {number: 6.0 * factor for number, factor in drift.items()}
    found = interleaved.ratio_by_round(above, drift)
    assert found.low == pytest.approx(6.0)
    assert found.high == pytest.approx(6.0)


def test_rounds_that_never_meet_have_no_ratio():
    assert interleaved.ratio_by_round({0: 1.0, 1: 1.0}, {2: 1.0, 3: 1.0}) is None


def test_ratio_by_turn_cancels_drift_within_a_round():
    drift = {0: {0: 1.0, 4: 1.7}, 1: {0: 2.0, 2: 5.0, 4: 1.0}}
    above = {number: {turn: 6 * time for turn, time in turns.items()} for number, turns in drift.items()}
    above[1] |= {6: 1000.0, 7: 1000.0}
    found = interleaved.ratios_by_turn(above, {**drift, 2: {0: 1.0}})
    assert found == {0: pytest.approx(6.0), 1: pytest.approx(6.0)}


def test_rounds_without_a_common_turn_are_compared_by_their_medians():
    assert interleaved.ratios_by_turn({0: {0: 8.0, 1: 6.0, 2: 1.0}}, {0: {5: 2.0}}) == {0: 3.0}


def test_samples_of_one_turn_count_once():
    found = interleaved.turn_medians([1.0, 2.0, 9.0, 5.0, 7.0], [0, 0, 0, 1, 1], [0, 0, 0, 0, 4])
    assert found == {0: {0: 2.0}, 1: {0: 5.0, 4: 7.0}}


@pytest.mark.parametrize("rounds", [2, 5])
def test_between_equals_a_difference_above_the_floor_is_claimed_less_than_once_in_twenty(rounds):
    random = np.random.default_rng(4)
    claimed = 0
    for _ in range(3000):
        twin, other = (np.exp(random.normal(0, 0.03, rounds)) for _ in range(2))
        found = statistics.median(list(other)).at_least(interleaved.noise_floor(list(twin)))
        claimed += not found.low <= 1 <= found.high
    assert claimed / 3000 < 0.05


def test_five_rounds_find_five_per_cent_in_two_per_cent_of_noise():
    random = np.random.default_rng(5)
    found = []
    for _ in range(1000):
        twin, other = (np.exp(random.normal(0, 0.02, 5)) for _ in range(2))
        ratio = statistics.median(list(1.05 * other)).at_least(interleaved.noise_floor(list(twin)))
        found.append(ratio.low > 1)
    assert np.mean(found) > 0.9


@given(st.lists(POSITIVE, min_size=2, max_size=12), st.floats(0.001, 0.5))
def test_the_noise_floor_only_widens(sample, floor):
    found = statistics.median(sample)
    widened = found.at_least(floor)
    assert widened.low <= found.low
    assert widened.high >= found.high
    assert widened.high >= found.value * (1 + floor) * (1 - 1e-12)


def test_a_method_timed_once_is_compared_with_the_median_of_the_other():
    found = interleaved.ratio_by_round({0: 100.0}, {0: 2.0, 1: 2.5, 2: 2.0})
    assert (found.value, found.kind) == (50.0, Kind.SINGLE)
