"""From an interval to a verdict, and what is said beside it."""

from dataclasses import replace

import pytest

from bench.judge import claims, evidence
from bench.judge.quantities import Measured
from bench.judge.results import Results
from bench.judge.statistics import Estimate

INSIDE, WIDENED = "inside the claimed range", "inside the claimed range widened"
BELOW, ABOVE, ACROSS = "below the widened range", "above the widened range", "reaches out"
CLAIM = claims.load()[0][0]


@pytest.mark.parametrize(
    ("absolute", "tolerance", "low", "high", "verdict", "reason"),
    [
        (False, 0.25, 2.0, 4.0, "reproduced", INSIDE),
        (False, 0.25, 1.99, 4.0, "within-tolerance", WIDENED),
        (False, 0.25, 2.0, 4.01, "within-tolerance", WIDENED),
        (False, 0.25, 1.5, 5.0, "within-tolerance", WIDENED),
        (False, 0.25, 1.49, 5.0, "not-reproduced", ACROSS),
        (False, 0.25, 1.5, 5.01, "not-reproduced", ACROSS),
        (False, 0.25, 1.0, 1.49, "not-reproduced", BELOW),
        (False, 0.25, 1.0, 1.5, "not-reproduced", ACROSS),
        (False, 0.25, 5.01, 6.0, "not-reproduced", ABOVE),
        (False, 0.25, 5.0, 6.0, "not-reproduced", ACROSS),
        (True, 0.5, 1.5, 4.5, "within-tolerance", WIDENED),
        (True, 0.5, 1.4, 4.5, "not-reproduced", ACROSS),
        (True, 0.5, 4.51, 5.0, "not-reproduced", ABOVE),
        (True, 0.5, 0.0, 1.49, "not-reproduced", BELOW),
    ],
)
def test_the_whole_interval_decides(absolute, tolerance, low, high, verdict, reason):
    claim = replace(CLAIM, low=2.0, high=4.0, tolerance=tolerance, absolute=absolute)
    decided, why = claims._decide(claim, low, high)
    assert decided == verdict
    assert reason in why
    assert (WIDENED in why) == (reason == WIDENED)


def test_a_tolerance_widens_a_range_of_negative_figures_outwards():
    claim = replace(CLAIM, low=-4.0, high=-2.0, tolerance=0.25, absolute=False)
    assert claim.widened() == (-5.0, -1.5)


def test_a_claim_without_a_range_is_open_at_both_ends():
    (entry,) = [one for one in claims.judge(Results([])) if one["id"] == "red-niqe-ma"]
    assert entry["range"] == [None, None]


@pytest.mark.parametrize(
    ("count", "coverage", "said"),
    [
        (1, 0.9, []),
        (2, 0.5, ["2 repetitions cover the truth with probability 0.50"]),
        (5, 0.94, ["5 repetitions cover the truth with probability 0.94"]),
        (6, 0.95, []),
    ],
)
def test_few_repetitions_are_told_with_their_coverage(count, coverage, said):
    measured = Measured(Estimate(1.0, 0.9, 1.1, count, coverage))
    assert claims._caveats(replace(CLAIM, quantity="latency"), measured) == said


@pytest.mark.parametrize(("count", "told"), [(1, True), (2, False), (3, False)])
def test_a_peak_that_was_seen_once_has_its_repeatability_as_interval(count, told):
    measured = Measured(Estimate(1.0, 0.97, 1.03, count, 0.95))
    said = claims._caveats(replace(CLAIM, quantity="memory-ratio"), measured)
    assert any("repeats to 3 %" in one for one in said) == told


def measured(value, low, high, count=5, coverage=0.95, marks=(), cells=()):
    return Measured(Estimate(value, low, high, count, coverage), marks=marks, rests_on=cells)


def test_several_figures_become_one_from_the_least_to_the_greatest_end():
    found = evidence._hull(
        [
            measured(5.0, 4.0, 6.0, count=3, marks=("single-pass",), cells=("a", "b")),
            measured(9.0, 8.5, 9.5, coverage=0.9, cells=("b", "c")),
            measured(2.0, 1.0, 7.0),
        ]
    )
    assert found.estimate == Estimate(5.0, 1.0, 9.5, 3, 0.9)
    assert found.marks == ("single-pass",)
    assert found.rests_on == ("a", "b", "c")


def test_one_figure_stays_as_it_is_and_one_without_interval_leaves_none_to_all():
    alone = measured(5.0, 4.0, 6.0)
    assert evidence._hull([alone]) is alone
    found = evidence._hull([alone, measured(9.0, None, None)])
    assert (found.estimate.low, found.estimate.high) == (None, None)


def test_what_is_missing_of_several_is_told_once():
    lacking = [Measured(None, "not measured"), measured(5.0, 4.0, 6.0), Measured(None, "not measured")]
    assert evidence._hull(lacking) == Measured(None, "not measured")


@pytest.mark.parametrize("pictures", [1, 2])
def test_with_gt_exposure_is_what_was_judged_however_little(made_up, pictures):
    records = made_up.records(("llpacknet",), pictures=pictures, protocols=("release2022",))
    assert evidence.with_protocol(Results(records)) == "release2022"


@pytest.mark.parametrize(
    ("claim", "protocol"),
    [("table1-psnr-without-sid-unet", "paper2020,"), ("table1-psnr-with-sid-unet", "paper2020-gt,")],
)
def test_a_claim_rests_on_the_protocol_of_its_exposure(made_up, claim, protocol):
    (entry,) = [one for one in claims.judge(Results(made_up.records())) if one["id"] == claim]
    assert entry["protocol"].startswith(protocol)
    assert all(protocol in one for one in entry["rests_on"])
