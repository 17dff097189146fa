# ruff: noqa: INP001 - a script, no package
"""Writes the README's table, the first figure and the verdicts of the pages from the committed results.

    python docs/reference.py

`tests/test_results.py` holds all three against the results.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

from bench.judge import claims, outcomes
from bench.judge.results import Results
from bench.show.figures import bubbles, style
from bench.show.tables import writers
from bench.show.tables.claim_rows import as_markdown
from bench.show.tables.table1 import table1

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results" / "epyc-2-cores-avx512" / "standard"
TRAININGS = ROOT / "results" / "unpack"
README = ROOT / "README.md"
FIGURE = Path(__file__).parent / "images" / "figure1.png"
VERDICTS = Path(__file__).parent / "verdicts.md"
# Columns that the README has no room for; `llbench report` on a copy of the folder shows them.
LEFT_OUT = ("psnr_without_gt_published", "psnr_without_gt_measured")
INTRODUCTION = """# Verdicts

What the committed reference run (`results/epyc-2-cores-avx512/standard`, for the training of UnPack
`results/unpack`) says of the {count} statements of LLPackNet's paper, its code and its README, and of RED's
paper:

{counts}.

Its machine has two cores and no GPU, its pictures are made, and its weights were trained for minutes: a
figure in dB is shown and decides nothing absolute. How a verdict is reached:
[What each number means](methodology.md#verdicts). `llbench claims DIR` gives yours, and `claims.json` beside
it the cells and the command behind each.
"""
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


def verdicts() -> str:
    """Return the page of verdicts that the committed results give."""
    judged = claims.judge(Results.load(RESULTS, TRAININGS))
    counts = ", ".join(f"{count} `{outcome}`" for outcome, count in outcomes.tally(judged).items())
    return f"{INTRODUCTION.format(count=len(judged), counts=counts)}\n{as_markdown(judged)}"


if __name__ == "__main__":
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
    FIGURE.write_bytes(figure())
    VERDICTS.write_text(verdicts(), encoding="utf-8")
