import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.judge import statistics

POSITIVE = st.floats(0.01, 1000)


def test_a_single_repetition_has_no_interval():
    found = statistics.estimate([3.0], "median")
    assert (found.value, found.low, found.high) == (3.0, None, None)


def test_few_repetitions_span_their_range_and_say_how_often_that_covers_the_median():
    found = statistics.estimate([2.0, 1.0, 4.0], "median")
    assert (found.value, found.low, found.high) == (2.0, 1.0, 4.0)
    assert found.coverage == pytest.approx(0.75)


@pytest.mark.parametrize("count", [3, 5])
def test_stated_coverage_of_the_range_is_what_simulation_gives(count):
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(4000):
        sample = random.lognormal(size=count)
        found = statistics.estimate(list(sample), "median")
        covered += found.low <= 1.0 <= found.high
    assert covered / 4000 == pytest.approx(found.coverage, abs=0.02)


def test_bootstrap_interval_of_a_mean_agrees_with_its_standard_error():
    sample = np.random.default_rng(2).normal(10, 2, size=200)
    found = statistics.estimate(list(sample), "mean")
    error = sample.std(ddof=1) / np.sqrt(200)
    assert found.half_width == pytest.approx(1.96 * error, rel=0.12)


def test_frames_of_one_scene_do_not_count_as_independent():
    random = np.random.default_rng(3)
    level = {f"{scene}": random.normal(0, 3) for scene in range(20)}
    values = {f"{scene}_{frame}": level[f"{scene}"] for scene in range(20) for frame in range(10)}
    clustered = statistics.clustered_mean(values, {image: image.split("_")[0] for image in values})
    independent = statistics.estimate(list(values.values()), "mean")
    assert clustered.value == pytest.approx(independent.value)
    assert clustered.half_width > 2 * independent.half_width
    assert clustered.count == 20


def test_round_medians_keep_processes_apart():
    assert statistics.round_medians([1.0, 9.0, 2.0, 5.0], [0, 1, 0, 1]) == {0: 1.5, 1: 7.0}


def test_ratio_by_round_cancels_drift_that_hits_both():
    drift = {number: 1.0 + 0.4 * number for number in range(5)}
    above = {number: 6.0 * factor for number, factor in drift.items()}
    found = statistics.ratio_by_round(above, drift)
    assert found.low == pytest.approx(6.0)
    assert found.high == pytest.approx(6.0)


def test_a_method_timed_once_is_compared_with_every_round_of_the_other():
    found = statistics.ratio_by_round({0: 100.0}, {0: 2.0, 1: 2.5, 2: 2.0})
    assert (found.value, found.count) == (50.0, 1)


def test_rounds_that_never_meet_have_no_ratio():
    assert statistics.ratio_by_round({0: 1.0, 1: 1.0}, {2: 1.0, 3: 1.0}) is None


@settings(deadline=None)
@given(st.lists(POSITIVE, min_size=2, max_size=40))
def test_an_interval_holds_its_value_and_stays_within_the_data(sample):
    found = statistics.estimate(sample, "median")
    assert min(sample) <= found.low <= found.value <= found.high <= max(sample)


def test_ratio_by_turn_cancels_drift_within_a_round():
    drift = {0: {0: 1.0, 4: 1.7}, 1: {0: 2.0, 2: 5.0, 4: 1.0}}
    above = {number: {turn: 6 * time for turn, time in turns.items()} for number, turns in drift.items()}
    above[1] |= {6: 1000.0, 7: 1000.0}
    found = statistics.ratios_by_turn(above, {**drift, 2: {0: 1.0}})
    assert found == {0: pytest.approx(6.0), 1: pytest.approx(6.0)}


def test_rounds_without_a_common_turn_are_compared_by_their_medians():
    assert statistics.ratios_by_turn({0: {0: 8.0, 1: 6.0, 2: 1.0}}, {0: {5: 2.0}}) == {0: 3.0}


def test_samples_of_one_turn_count_once():
    found = statistics.turn_medians([1.0, 2.0, 9.0, 5.0, 7.0], [0, 0, 0, 1, 1], [0, 0, 0, 0, 4])
    assert found == {0: {0: 2.0}, 1: {0: 5.0, 4: 7.0}}


@pytest.mark.parametrize("rounds", [2, 5])
def test_between_equals_a_difference_above_the_floor_is_claimed_less_than_once_in_twenty(rounds):
    random = np.random.default_rng(4)
    claimed = 0
    for _ in range(3000):
        twin, other = (np.exp(random.normal(0, 0.03, rounds)) for _ in range(2))
        found = statistics.estimate(list(other), "median").at_least(statistics.noise_floor(list(twin)))
        claimed += not found.low <= 1 <= found.high
    assert claimed / 3000 < 0.05


def test_five_rounds_find_five_per_cent_in_two_per_cent_of_noise():
    random = np.random.default_rng(5)
    found = []
    for _ in range(1000):
        twin, other = (np.exp(random.normal(0, 0.02, 5)) for _ in range(2))
        ratio = statistics.estimate(list(1.05 * other), "median").at_least(statistics.noise_floor(list(twin)))
        found.append(ratio.low > 1)
    assert np.mean(found) > 0.9


@settings(deadline=None)
@given(st.lists(POSITIVE, min_size=2, max_size=12), st.floats(0.001, 0.5))
def test_the_noise_floor_only_widens(sample, floor):
    found = statistics.estimate(sample, "median")
    widened = found.at_least(floor)
    assert widened.low <= found.low
    assert widened.high >= found.high
    assert widened.high >= found.value * (1 + floor) * (1 - 1e-12)
