# ruff: noqa: INP001 - a script, no package
"""Writes the README's table and the first figure of the pages from the committed results.

    python docs/reference.py

`tests/test_results.py` holds the README and the figure against the results.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

from bench.judge.results import Results
from bench.show import bubbles, style, writers
from bench.show.tables import table1

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results" / "epyc-2-cores-avx2" / "quick"
README = ROOT / "README.md"
FIGURE = Path(__file__).parent / "images" / "figure1.png"
LEFT_OUT = ("psnr_without_gt_published", "psnr_without_gt_measured")
"""Columns that the README has no room for; `llbench report` on a copy of the folder shows them."""
BEGIN, END = "<!-- begin: made by docs/reference.py -->\n", "<!-- end: made by docs/reference.py -->\n"


def table() -> str:
    """Return Table 1 of the committed results, as the README shows it: setting, figures, footnotes."""
    whole = table1(Results.load(RESULTS))
    kept = [index for index, column in enumerate(whole.columns) if column.keys[0] not in LEFT_OUT]
    part = replace(
        whole,
        columns=tuple(whole.columns[index] for index in kept),
        rows=tuple(tuple(row[index] for index in kept) for row in whole.rows),
    )
    _, setting, figures, notes, marks = writers.as_markdown(part).strip().split("\n\n")
    folded = f"<details><summary>Footnotes</summary>\n\n{notes}\n\n</details>"
    return "\n" + "\n\n".join((figures, f"{marks}. {setting}", folded)) + "\n\n"


def readme(text: str) -> str:
    """Return the README with the table of the committed results in its place."""
    place = re.compile(f"(?<={re.escape(BEGIN)}).*(?={re.escape(END)})", re.DOTALL)
    assert len(place.findall(text)) == 1, f"{README.name} has no place for the table"
    return place.sub(lambda _: table(), text)


def figure() -> bytes:
    """Return Fig. 1 of the committed results as PNG."""
    with style.styled(), tempfile.TemporaryDirectory() as folder:
        drawn = bubbles.figure1(Results.load(RESULTS))
        assert drawn is not None
        style.save(drawn.figure, Path(folder), drawn.name)
        return (Path(folder) / f"{drawn.name}.png").read_bytes()


if __name__ == "__main__":
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
    FIGURE.write_bytes(figure())
