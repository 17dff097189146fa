"""The page of statements lists every statement with its claims, and every claim with a statement."""

import pytest


@pytest.fixture(scope="module")
def maker(page_maker):
    return page_maker("statements")


def test_the_page_is_what_its_maker_writes(maker):
    assert maker.PAGE.read_text(encoding="utf-8") == maker.page(), "run: python docs/statements.py"


def test_every_statement_has_claims_or_says_why_it_has_none(maker):
    for source in maker.sources():
        for statement in source["statement"]:
            assert statement["where"]
            assert ("claims" in statement) != ("why" in statement), statement["says"]


def test_every_claim_covers_a_statement(maker):
    known = maker.titles()
    listed = {
        name
        for source in maker.sources()
        for statement in source["statement"]
        for name in maker.covering(statement, known)
    }
    assert set(known) - listed == set()


def test_a_claim_that_is_not_there_is_refused(maker):
    with pytest.raises(ValueError, match="names table1-nothing, which is no claim"):
        maker.covering({"says": "x", "claims": ["table1-nothing"]}, maker.titles())
