"""Model cards: what the shipped ones say, and the page that is made of them."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from baselines.registry import names, weights_path
from bench.train.card import _markdown

ROOT = Path(__file__).parents[2]
CARDS = [path.with_suffix(".json") for name in names() if (path := weights_path(name)) is not None]


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_a_shipped_card_says_the_same_in_both_forms(path: Path) -> None:
    card = json.loads(path.read_text(encoding="utf-8"))
    assert path.with_suffix(".md").read_text(encoding="utf-8") == _markdown(card)


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_weights_that_were_not_trained_on_equal_terms_say_so(path: Path) -> None:
    card = json.loads(path.read_text(encoding="utf-8"))
    said = "Not trained on equal terms" in path.with_suffix(".md").read_text(encoding="utf-8")
    assert said == (card.get("terms") != "equal")


def test_the_page_shows_the_cards() -> None:
    page = SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "trained.py")))
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.page(text) == text, "run: python docs/trained.py"
