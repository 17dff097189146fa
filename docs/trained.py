# ruff: noqa: INP001 - a script, no package
"""Writes the table of trainings on the training page, from the cards of the shipped weights.

    python docs/trained.py

`tests/train/test_card.py` compares the page with the cards.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from baselines.registry import names, weights_path

PAGE = Path(__file__).parent / "training.md"
BEGIN, END = "<!-- begin: made by docs/trained.py -->\n", "<!-- end: made by docs/trained.py -->"
HEADS = (
    *("network", "terms", "patches", "side", "rate", "how it was chosen", "seed", "minutes"),
    *("validation PSNR, dB", "gained in the last third, dB", "slope of the gain"),
)


def cards() -> list[dict[str, Any]]:
    """Cards of the shipped weights, in the order of the registry."""
    paths = [path.with_suffix(".json") for name in names() if (path := weights_path(name)) is not None]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def row(card: dict[str, Any]) -> list[str]:
    """Return the cells of one card; a dash for what it does not say."""
    training = card["training"]
    late, slope = training.get("late_gain_db"), training.get("gain_slope")
    return [
        f"`{card['model']}`" + (", cut short" if training.get("unfinished") else ""),
        card.get("terms", "its own"),
        f"{training['steps'] * training['batch']:,}",
        f"{training['patch']}²",
        f"{training['lr']:g}",
        training.get("rate_choice", "–"),
        str(training["seed"]),
        f"{training['seconds'] / 60:.0f}",
        f"{training['validation_psnr']:.2f}",
        "–" if late is None else f"{late:.2f}",
        "–" if slope is None else f"{slope:.2f}",
    ]


def table() -> str:
    """Return the table as Markdown."""
    lines = [
        HEADS,
        ["---", "---", "---:", "---:", "---:", "---", *["---:"] * 5],
        *(row(card) for card in cards()),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def page(text: str) -> str:
    """Return the training page with the table in its place."""
    place = re.compile(f"(?<={re.escape(BEGIN)}).*(?={re.escape(END)})", re.DOTALL)
    assert len(place.findall(text)) == 1, f"{PAGE.name} has no place for the table"
    return place.sub(lambda _: table(), text)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
