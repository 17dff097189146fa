"""The page of verdicts holds every claim once, under its verdict."""

import re

from bench.judge import claims
from bench.judge.results import Results
from bench.show.tables.claim_rows import HEADINGS, as_markdown, measured


def test_every_claim_has_one_row_under_its_verdict(made_up):
    verdicts = claims.judge(Results(made_up.records()))
    page = as_markdown(verdicts)
    found = dict(re.findall(r"## (.+) \(\d+\)\n\n((?:\|.*\n)+)", page))
    for verdict, heading in HEADINGS.items():
        titles = [" ".join(one["title"].split()) for one in verdicts if one["verdict"] == verdict]
        rows = found.get(heading, "").splitlines()[2:]
        assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == titles
        assert all(len(re.findall(r"(?<!\\)\|", row)) == 6 for row in rows)
    assert sum(len(table.splitlines()) - 2 for table in found.values()) == len(verdicts)


def test_a_figure_has_its_unit_and_its_interval():
    entry = {"measured": 30.77411, "unit": "x", "interval": [28.0, 33.5]}
    assert measured(entry) == "30.77 x (28.00 to 33.50)"
    assert measured({**entry, "interval": None, "unit": ""}) == "30.77"
    assert measured({**entry, "measured": 1169088, "interval": [1169088, 1169088]}) == "1,169,088 x"
    assert measured({**entry, "measured": None}) == "–"
