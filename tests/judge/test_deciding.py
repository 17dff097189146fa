"""From an interval to an outcome, and what is said beside it."""

from dataclasses import replace

import pytest

from bench.judge import deciding, evidence, stated
from bench.judge.evidence import Member
from bench.judge.outcomes import Decision, Outcome, Why
from bench.judge.quantities import Measured
from bench.judge.results import Results
from bench.judge.statistics import Estimate, Kind

CLAIM = replace(
    stated.load()[0][0], low=2.0, high=4.0, tolerance=0.25, absolute=False, sid_only=False, untestable="",
    open_definition="", unnamed_machine=False, existence=False, favourable="",
)  # fmt: skip
INSIDE, WIDENED = "inside the claimed range", "inside the tolerated range"
BELOW, ABOVE, ACROSS = "below the tolerated range", "above the tolerated range", "extends beyond"


def interval(low, high, kind=Kind.INTERVAL, count=5, **more):
    return Estimate((low + high) / 2, low, high, count, kind, **more)


def decided(estimate, claim=CLAIM, other=None, **more):
    return deciding.decide(claim, Member("", Measured(estimate, **more), other))


@pytest.mark.parametrize(
    ("absolute", "tolerance", "low", "high", "outcome", "reason"),
    [
        (False, 0.25, 2.0, 4.0, "reproduced", INSIDE),
        (False, 0.25, 1.99, 4.0, "within-tolerance", WIDENED),
        (False, 0.25, 2.0, 4.01, "within-tolerance", WIDENED),
        (False, 0.25, 1.5, 5.0, "within-tolerance", WIDENED),
        (False, 0.25, 1.49, 5.0, "inconclusive", ACROSS),
        (False, 0.25, 1.5, 5.01, "inconclusive", ACROSS),
        (False, 0.25, 1.0, 1.49, "contradicted", BELOW),
        (False, 0.25, 1.0, 1.5, "inconclusive", ACROSS),
        (False, 0.25, 5.01, 6.0, "contradicted", ABOVE),
        (False, 0.25, 5.0, 6.0, "inconclusive", ACROSS),
        (True, 0.5, 1.5, 4.5, "within-tolerance", WIDENED),
        (True, 0.5, 1.4, 4.5, "inconclusive", ACROSS),
        (True, 0.5, 4.51, 5.0, "contradicted", ABOVE),
        (True, 0.5, 0.0, 1.49, "contradicted", BELOW),
    ],
)
def test_the_whole_interval_decides(absolute, tolerance, low, high, outcome, reason):
    found = decided(interval(low, high), replace(CLAIM, tolerance=tolerance, absolute=absolute))
    assert found.outcome == outcome
    assert reason in found.reason
    assert (WIDENED in found.reason) == (reason == WIDENED)
    assert (found.direction is not None) == (outcome == "contradicted")
    assert (found.why is Why.INTERVAL) == (outcome == "inconclusive")


@pytest.mark.parametrize("kind", [Kind.RANGE, Kind.SINGLE])
def test_a_range_decides_nothing_however_clear(kind):
    found = decided(interval(2.5, 3.5, kind))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.why in {Why.RANGE, Why.SINGLE}


def test_a_drift_is_named():
    assert decided(interval(2.5, 3.5, Kind.RANGE, drifts=True)).why is Why.DRIFT


@pytest.mark.parametrize("why", [Why.WEIGHTS, Why.ONE_TRAINING, Why.ONE_PROCESS])
def test_what_stands_in_the_way_is_named(why):
    assert decided(interval(2.5, 3.5), why=why).why is why


@pytest.mark.parametrize(
    ("value", "outcome"),
    [(3.0, "reproduced"), (4.0, "reproduced"), (4.01, "contradicted"), (1.9, "contradicted")],
)
def test_a_count_is_the_published_one_or_not(value, outcome):
    claim = replace(CLAIM, tolerance=0.0)
    assert decided(Estimate(value, value, value, 1, Kind.EXACT), claim).outcome == outcome


def test_a_count_whose_definition_is_open_contradicts_nothing_within_what_counters_differ_by():
    claim = replace(CLAIM, open_definition="nobody says what is counted")
    found = decided(Estimate(4.1, 4.1, 4.1, 1, Kind.EXACT), claim)
    assert (found.outcome, found.why) == (Outcome.INCONCLUSIVE, Why.DEFINITION)
    assert decided(Estimate(9.0, 9.0, 9.0, 1, Kind.EXACT), claim).outcome is Outcome.CONTRADICTED


def test_an_ordering_has_no_tolerance():
    for claim in stated.load()[0]:
        if claim.is_ordering or (claim.low, claim.high) == (1, float("inf")):
            assert claim.tolerance == 0, claim.id


def test_what_only_the_spread_of_training_leaves_open_says_so():
    wide, narrow = interval(1.0, 6.0, Kind.STATED), interval(2.5, 3.5)
    assert decided(wide, one_training=narrow).why is Why.ONE_TRAINING
    assert decided(wide, one_training=wide).why is Why.INTERVAL


def test_one_training_that_does_not_contradicts_no_claim_that_it_can_be_done():
    claim = replace(CLAIM, existence=True)
    found = decided(interval(0.1, 0.2), claim)
    assert (found.outcome, found.why) == (Outcome.INCONCLUSIVE, Why.ONE_TRAINING)
    assert decided(interval(2.5, 3.5), claim).outcome is Outcome.REPRODUCED


@pytest.mark.parametrize(
    ("low", "high", "other", "outcome", "why"),
    [
        (2.5, 3.5, 3.0, "reproduced", None),
        (2.5, 3.5, 4.0, "within-tolerance", None),
        (2.5, 3.5, 9.0, "inconclusive", Why.DEFINITION),
        (8.0, 9.0, 3.0, "inconclusive", Why.DEFINITION),
        (8.0, 9.0, 7.0, "contradicted", None),
        (8.0, 9.0, 0.5, "inconclusive", Why.DEFINITION),
    ],
)
def test_two_definitions_must_lead_to_the_same(low, high, other, outcome, why):
    second = Measured(Estimate(other, None, None, 1, Kind.SINGLE))
    found = decided(interval(low, high), other=second)
    assert (found.outcome, found.why) == (outcome, why)


def test_a_range_that_is_narrower_than_the_interval_can_at_best_be_within_tolerance():
    found = decided(interval(1.9, 2.6), replace(CLAIM, low=2.2, high=2.21))
    assert found.outcome is Outcome.WITHIN_TOLERANCE
    assert "no better verdict" in found.reason


def test_a_tolerance_widens_a_range_of_negative_figures_outwards():
    assert replace(CLAIM, low=-4.0, high=-2.0).widened() == (-5.0, -1.5)


def one(name, outcome, direction=None, value=5.0):
    return Decision(name, Outcome(outcome), "", None, direction, value, (value - 1, value + 1), "interval", 5)


@pytest.mark.parametrize(
    ("outcomes", "whole", "said"),
    [
        (("reproduced", "reproduced"), "reproduced", "2 of 2"),
        (("reproduced", "within-tolerance"), "within-tolerance", "2 of 2"),
        (("reproduced", "contradicted"), "contradicted", "1 of 2"),
        (("inconclusive", "contradicted"), "contradicted", "0 of 2"),
        (("reproduced", "inconclusive"), "inconclusive", "1 of 2"),
        (("not-run", "reproduced"), "not-run", "1 of 2"),
    ],
)
def test_several_methods_make_one_outcome(outcomes, whole, said):
    found = deciding.combine([one(name, outcome) for name, outcome in zip("ab", outcomes, strict=True)])
    assert found.outcome == whole
    assert f"holds for {said}" in found.reason


def test_the_figure_of_several_methods_spans_them():
    found = deciding.combine([one("a", "reproduced", value=5.0), one("b", "reproduced", value=9.0)])
    assert (found.measured, found.interval, found.kind) == (9.0, (4.0, 10.0), "several")


def test_contradictions_on_either_side_have_no_direction():
    found = deciding.combine([one("a", "contradicted", "below"), one("b", "contradicted", "above")])
    assert found.direction is None


@pytest.mark.parametrize("images", [1, 2])
def test_with_gt_exposure_is_what_was_judged_however_little(made_up, images):
    records = made_up.records(("llpacknet",), images=images, protocols=("release2022",))
    assert evidence.with_protocol(Results(records)) == "release2022"


@pytest.mark.parametrize(
    ("claim", "protocol"),
    [("table1-psnr-without-sid-unet", "paper2020,"), ("table1-psnr-with-sid-unet", "paper2020-gt,")],
)
def test_a_claim_rests_on_the_protocol_of_its_exposure(made_up, claim, protocol):
    subject = next(one for one in stated.load()[0] if one.id == claim).subject
    found = evidence.measure("psnr", subject, Results(made_up.records()))
    assert found.protocol.startswith(protocol)
    assert all(protocol in cell for cell in found.rests_on)
