"""The interval of a paired ratio covers as often as it says, and verdicts follow from it alone."""

import math

import numpy as np
import pytest
from scipy import stats

from bench.judge.paired import by_round, faster_half, interval, round_ratios
from bench.judge.timing import Evidence, judge, verdict


@pytest.mark.parametrize("rounds", [5, 8, 16])
def test_the_interval_covers_the_truth_as_often_as_it_says(rounds):
    random = np.random.default_rng(rounds)
    trials, error = 1500, 0.05
    missed = 0
    for _ in range(trials):
        found = interval(random.normal(0.02, 0.01, rounds), error)
        missed += not found.low <= 0.02 <= found.high
    assert stats.binomtest(missed, trials, error).pvalue > 1e-3


def test_it_is_scipys_interval_of_a_trimmed_mean():
    values = np.random.default_rng(3).normal(0.02, 0.01, 48)
    found = interval(values, 0.02)
    expected = stats.mstats.trimmed_mean_ci(values, limits=(0.125, 0.125), alpha=0.02)
    assert (found.low, found.high) == pytest.approx(tuple(expected), rel=0.05)


def test_one_disturbed_round_does_not_widen_it():
    values = list(np.random.default_rng(4).normal(0, 0.01, 8))
    calm, disturbed = interval(values, 0.05), interval([*values[:7], 0.5], 0.05)
    assert disturbed.high - disturbed.low < 2.5 * (calm.high - calm.low)


def test_too_few_rounds_have_no_interval():
    assert interval([0.0, 0.01, 0.02], 0.05) is None
    assert verdict(Evidence({0: 0.2, 1: 0.2}, {}), 0.025, 0.05).verdict == "inconclusive"


def test_disturbed_turns_do_not_move_a_round():
    quiet = [1.0, 1.01, 1.0, 1.01]
    assert faster_half([*quiet, 3.0, 9.0, 4.0, 2.0]) == pytest.approx(faster_half(quiet), abs=0.01)


def test_a_ratio_is_taken_within_its_round():
    slow_day = {0: 0.0, 1: 1.0}
    head = by_round([1.1, 1.1, 1.1 * math.e, 1.1 * math.e], [0, 0, 1, 1])
    assert round_ratios(head, slow_day, slow_day) == pytest.approx(dict.fromkeys((0, 1), math.log(1.1)))


def evidence(shift, spread, *, rounds=8, attempts=1, seed=0, floor=0.005):
    random = np.random.default_rng(seed)
    count = rounds * attempts
    ratios = dict(enumerate(math.log1p(shift) + random.normal(0, spread, count)))
    twins = dict(enumerate(random.normal(0, floor, count)))
    return Evidence(ratios, twins, tuple(range(0, count, rounds)))


@pytest.mark.parametrize(
    ("shift", "spread", "word"),
    [(0.10, 0.01, "slower"), (-0.10, 0.01, "faster"), (0.0, 0.005, "equivalent"), (0.0, 0.1, "inconclusive")],
)
def test_a_verdict_needs_its_whole_interval(shift, spread, word):
    found = verdict(evidence(shift, spread), 0.025, 0.025)
    assert found.verdict == word
    assert found.interval[0] < found.change < found.interval[1]


def test_nothing_below_the_runs_own_noise_is_called_a_difference():
    noisy = evidence(0.10, 0.005, floor=0.2)
    found = verdict(noisy, 0.025, 0.025)
    assert found.verdict == "inconclusive"
    assert "differs from itself" in found.reason


def test_attempts_that_disagree_are_not_slower():
    ratios = dict(enumerate([0.3] * 8 + [0.02] * 8))
    pooled = {number: ratio + 0.001 * (number % 3) for number, ratio in ratios.items()}
    found = verdict(Evidence(pooled, dict.fromkeys(range(16), 0.0), (0, 8)), 0.025, 0.025)
    assert found.verdict == "inconclusive"
    assert "agree" in found.reason


@pytest.mark.parametrize(("third", "word"), [(0.3, "slower"), (0.02, "inconclusive")])
def test_where_two_attempts_disagree_a_third_decides(third, word):
    ratios = [0.3] * 8 + [0.02] * 8 + [third] * 8
    spread = {number: ratio + 0.001 * (number % 3) for number, ratio in enumerate(ratios)}
    found = verdict(Evidence(spread, dict.fromkeys(range(24), 0.0), (0, 8, 16)), 0.025, 0.025)
    assert found.verdict == word
    assert ("in 2 of 3 attempts" in found.reason) == (word == "slower")


def test_one_disturbed_set_does_not_make_attempts_disagree():
    # The plain mean of the second attempt lies below the bound, its trimmed centre far above.
    ratios = [0.05 + 0.001 * (number % 3) for number in range(15)] + [-0.4]
    found = verdict(Evidence(dict(enumerate(ratios)), dict.fromkeys(range(16), 0.0), (0, 8)), 0.025, 0.025)
    assert found.verdict == "slower"


def test_holms_share_passes_on_when_a_cell_is_decided():
    clear = {f"clear{number}": evidence(0.5, 0.005, seed=number) for number in range(19)}
    close = evidence(0.04, 0.012, seed=5)
    alone, crowded = verdict(close, 0.025, 0.05), verdict(close, 0.025, 0.05 / 20)
    assert (alone.verdict, crowded.verdict) == ("slower", "inconclusive"), "the case tells the two apart"
    assert judge({**clear, "close": close}, 0.025, 0.05)["close"].verdict == "slower"


def attempts(random, shift, *, process, turn, burst):
    """One gate on simulated turns: eight sets of twelve, slowed now and then; again where asked."""
    ratios, twins = {}, {}
    for attempt in range(2):
        for number in range(8 * attempt, 8 * attempt + 8):
            times = random.normal(0, turn, (3, 12)) + np.where(
                random.random((3, 12)) < burst, np.log(random.uniform(1.1, 2, (3, 12))), 0
            )
            base, head, twin = (
                faster_half(list(row + luck))
                for row, luck in zip(times, random.normal(0, process, 3), strict=True)
            )
            ratios[number] = head + math.log1p(shift) - (base + twin) / 2
            twins[number] = twin - base
        firsts = (0, 8)[: attempt + 1]
        word = verdict(Evidence(dict(ratios), dict(twins), firsts), 0.025, 0.025).verdict
        if word in {"equivalent", "faster"}:
            break
    return word


@pytest.mark.parametrize("burst", [0.1, 0.4])
def test_on_a_simulated_noisy_machine_it_neither_cries_wolf_nor_sleeps(burst):
    random = np.random.default_rng(11)
    noise = {"process": 0.008, "turn": 0.03, "burst": burst}
    same = [attempts(random, 0.0, **noise) for _ in range(120)]
    assert same.count("slower") <= 1
    slower = [attempts(random, 0.10, **noise) for _ in range(60)]
    assert slower.count("slower") >= 57
    assert "equivalent" not in slower
    assert "faster" not in slower
