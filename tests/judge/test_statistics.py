"""Intervals: how often they cover the truth, what they are called, and what they stay within."""

import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.judge import statistics
from bench.judge.statistics import Kind

POSITIVE = st.floats(0.01, 1000)
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "interval_coverage.py"


@pytest.fixture(scope="module")
def coverage():
    spec = importlib.util.spec_from_file_location("interval_coverage", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_interval_covers_93_in_100_in_every_case_without_trend(coverage):
    """At reduced size; the script does it with 4000 trials for every n from 1 to 60."""
    assert coverage.shortfalls(300, (1, 4, 5, 6, 9, 24)) == []


def test_the_simulation_notices_an_interval_that_covers_too_little(coverage, monkeypatch):
    monkeypatch.setattr(statistics, "FEWEST_FOR_MEAN", 5)
    found = coverage.shortfalls(300, (6,))
    assert [line.partition(",")[0] for line in found] == ["mean over scenes"] * len(found)
    assert found


def test_a_single_repetition_has_no_interval():
    found = statistics.median([3.0])
    assert (found.value, found.low, found.high, found.kind) == (3.0, None, None, Kind.SINGLE)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_fewer_than_five_repetitions_have_a_range(count):
    found = statistics.median([float(2 * n) for n in range(count)])
    assert (found.low, found.high, found.kind) == (0.0, 2.0 * (count - 1), Kind.RANGE)
    assert not found.decides


def test_the_interval_of_a_median_is_that_of_the_sign_test():
    sample = [3.1, 2.7, 9.9, 4.4, 5.0, 1.2, 8.8, 6.1, 7.0, 2.2, 5.5, 3.9]
    found = statistics.median(sample)
    low, high = stats.quantile_test(sample, p=0.5).confidence_interval(0.95)
    assert (found.low, found.high) == (low, high)


def test_going_from_five_to_six_rounds_narrows_no_interval_past_honesty():
    rounds = dict(enumerate([2.6, 2.0, 2.1, 2.2, 2.15]))
    six = statistics.over_rounds({**rounds, 5: 2.05})
    assert statistics.over_rounds(rounds).high == 2.6
    assert (six.low, six.high, six.count) == (2.0, 2.2, 5)


def test_values_that_only_rise_have_a_trend_and_shuffled_ones_hardly_ever():
    assert statistics.has_trend([1.0, 2.0, 3.0, 4.0, 5.0])
    assert not statistics.has_trend([1.0, 2.0, 3.0, 4.0])
    random = np.random.default_rng(1)
    for count in (6, 12, 30):
        seen = np.mean([statistics.has_trend(random.normal(size=count)) for _ in range(2000)])
        assert 0.005 < seen < 0.06


@pytest.mark.parametrize("count", [5, 8, 15])
def test_a_trend_is_what_kendalls_exact_test_calls_one(count):
    random = np.random.default_rng(count)
    for slope in (0.0, 0.3, 1.0):
        for _ in range(30):
            sample = slope * np.arange(count) + random.normal(size=count)
            exact = stats.kendalltau(range(count), sample, method="exact").pvalue
            assert statistics.has_trend(sample) == (exact <= 0.05)


def test_a_mean_over_24_scenes_has_students_99_per_cent_interval():
    sample = np.random.default_rng(2).normal(10, 2, size=24)
    found = statistics.mean(list(sample))
    low, high = stats.t.interval(0.99, 23, sample.mean(), stats.sem(sample))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert statistics.mean(list(sample[1:])).kind is Kind.RANGE


def test_frames_of_one_scene_do_not_count_as_independent():
    random = np.random.default_rng(3)
    level = {f"{scene}": random.normal(0, 3) for scene in range(24)}
    values = {f"{scene}_{frame}": level[f"{scene}"] for scene in range(24) for frame in range(10)}
    clustered = statistics.clustered_mean(values, {image: image.split("_")[0] for image in values})
    independent = statistics.mean(list(values.values()))
    assert clustered.value == pytest.approx(independent.value)
    assert clustered.half_width > 2 * independent.half_width
    assert clustered.count == 24


def test_a_smaller_error_makes_a_wider_interval_until_there_is_none():
    sample = list(np.random.default_rng(4).normal(size=12))
    usual, strict, strictest = (statistics.median(sample, error) for error in (0.05, 0.005, 1e-4))
    assert strict.half_width > usual.half_width
    assert strictest.kind is Kind.RANGE


def test_few_seeds_have_the_stated_spread_or_their_own_if_that_is_larger():
    close, apart = statistics.over_seeds([1.0, 1.1, 0.9]), statistics.over_seeds([1.0, 9.0, -7.0])
    assert close.kind is apart.kind is Kind.STATED
    assert close.half_width == pytest.approx(2.054 * 0.8 * math.sqrt(2 / 3), rel=1e-3)
    low, high = stats.t.interval(0.95, 2, 1.0, stats.sem([1.0, 9.0, -7.0]))
    assert (apart.low, apart.high) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize("spread", [0.5, 1, 1.5, 2, 4])
@pytest.mark.parametrize("seeds", [3, 4])
def test_three_seeds_cover_the_truth_however_far_trainings_spread(seeds, spread):
    random = np.random.default_rng(5)
    sd = spread * statistics.SEED_SPREAD_DB * math.sqrt(2)
    found = [statistics.over_seeds(list(random.normal(0, sd, seeds))) for _ in range(1500)]
    covered = np.mean([one.low <= 0 <= one.high for one in found])
    assert covered >= statistics.LEAST_COVERAGE - 3 * math.sqrt(0.07 * 0.93 / 1500)


def test_a_mean_of_skewed_scenes_is_covered_from_the_first_count_that_has_an_interval():
    count, trials = statistics.FEWEST_FOR_MEAN, 4000
    draws = np.random.default_rng(6).lognormal(size=(trials, count))
    found = [statistics.mean(list(draw)) for draw in draws]
    covered = np.mean([one.low <= math.exp(0.5) <= one.high for one in found])
    assert covered >= statistics.LEAST_COVERAGE - 2 * math.sqrt(0.07 * 0.93 / trials)


def test_two_ways_hold_both_spreads():
    scenes = {str(index): float(index) for index in range(9)}
    alone = statistics.median(list(scenes.values()))
    found = statistics.two_way({0: scenes, 1: {name: value + 2 for name, value in scenes.items()}})
    assert found.value == pytest.approx(5.0)
    assert found.half_width > alone.half_width
    assert found.kind is Kind.STATED


def test_what_is_added_to_a_range_leaves_it_one():
    assert statistics.with_stated(statistics.median([1.0, 2.0, 3.0]), 1.0).kind is Kind.RANGE


@given(st.lists(POSITIVE, min_size=2, max_size=40))
def test_an_interval_holds_its_value_and_stays_within_the_data(sample):
    found = statistics.median(sample)
    assert min(sample) <= found.low <= found.value <= found.high <= max(sample)


@pytest.mark.parametrize("count", [3, 10])
def test_the_interval_of_two_shares_covers_their_difference_whatever_they_are(count):
    chances = [[stats.binom.pmf(k, count, p) for k in range(count + 1)] for p in np.linspace(0, 1, 21)]
    intervals = {
        (a, b): statistics.share_difference((a, count), (b, count))
        for a in range(count + 1)
        for b in range(count + 1)
    }
    for i, first in enumerate(chances):
        for j, second in enumerate(chances):
            true = (i - j) / 20
            covered = sum(
                first[a] * second[b]
                for (a, b), one in intervals.items()
                if one.low - 1e-12 <= true <= one.high + 1e-12
            )
            assert covered > 0.95 - 1e-9, (i, j)
