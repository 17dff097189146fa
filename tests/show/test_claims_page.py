"""The page of verdicts holds every claim once, under its outcome."""

import re

import pytest

from bench.judge import claims
from bench.judge.outcomes import Decision, Outcome
from bench.judge.results import Results
from bench.show.tables.claim_rows import HEADINGS, as_markdown, figure, measured, told


@pytest.fixture(scope="module")
def verdicts(made_up):
    return claims.judge(Results(made_up.records()))


def test_every_claim_has_one_row_under_its_outcome(verdicts):
    page = as_markdown(verdicts)
    found = dict(re.findall(r"## (.+) \(\d+\)\n\n((?:\|.*\n)+)", page))
    for outcome, heading in HEADINGS.items():
        titles = [" ".join(one.title.split()) for one in verdicts if one.outcome is outcome]
        rows = found.get(heading, "").splitlines()[2:]
        assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == titles
        assert all(len(re.findall(r"(?<!\\)\|", row)) == 6 for row in rows)
    assert sum(len(table.splitlines()) - 2 for table in found.values()) == len(verdicts)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("interval", "30.77 x (28.00 to 33.50; n = 5)"),
        ("range", "30.77 x (28.00 to 33.50; range, n = 5)"),
        ("stated", "30.77 x (28.00 to 33.50; stated, n = 5)"),
        ("exact", "30.77 x"),
    ],
)
def test_a_figure_has_its_unit_its_ends_and_how_many_values_are_behind_it(kind, shown):
    one = Decision("", Outcome.REPRODUCED, "", None, None, 30.77411, (28.0, 33.5), kind, 5)
    assert figure(one, "x") == shown


def test_nothing_measured_is_a_dash():
    assert figure(Decision("", Outcome.NOT_RUN, ""), "s") == "–"


def test_a_claim_on_several_methods_shows_each(verdicts):
    by_id = {one.id: one for one in verdicts}
    assert measured(by_id["readme-parameters"]) == "did 2.168 x; sgn 3.062 x; sid-unet 6.591 x"
    assert told(by_id["table1-memory-llpacknet"]).startswith("better than claimed: ")
    assert told(by_id["red-seconds-red"]).startswith("machine: ")
