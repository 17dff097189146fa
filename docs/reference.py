# ruff: noqa: INP001 - a script, no package
"""Writes the README's table and what the pages show of the committed results: first figure, floors, verdicts.

    python docs/reference.py

`tests/test_results.py` compares all of it with the results.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.judge import claims, outcomes
from bench.judge.results import Results
from bench.records import store
from bench.show.figures import bubbles, floor_bars, gain_sources, style
from bench.show.tables import standings, writers
from bench.show.tables.claim_rows import as_markdown
from bench.show.tables.costs import cost_table
from bench.show.tables.form_rows import deployment_table, speedup_table
from bench.show.tables.table1 import table1

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.show.figures.style import Drawn
    from bench.show.tables.layout import Table

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results" / "epyc-2-cores-avx512" / "standard"
# A run of every form of LLPackNet, with kernels, complexity and profiles.
FORMS = RESULTS.with_name("forms")
# Other methods in the forms that they have; SGN, which is slow, in a run of its own.
OTHERS = (RESULTS.with_name("others"), RESULTS.with_name("sgn"))
FIELD = RESULTS.with_name("field")
TRAININGS = ROOT / "results" / "unpack"
README = ROOT / "README.md"
FIGURE = Path(__file__).parent / "images" / "figure1.png"
FLOORS = Path(__file__).parent / "images" / "floors.png"
GAINS = Path(__file__).parent / "images" / "gain_worth.png"
ROOFLINE = Path(__file__).parent / "roofline.md"
FIELD_PAGE = Path(__file__).parent / "field.md"
RUNTIMES = Path(__file__).parent / "runtimes.md"
VERDICTS = Path(__file__).parent / "verdicts.md"
# Columns that the README has no room for; `llbench report` on a copy of the folder shows them.
LEFT_OUT = (
    "psnr_without_gt_published",
    "psnr_without_gt_measured",
    "psnr_without_gt_part",
    "psnr_with_gt_measured",
)
# What the caption says of the column of whole images.
OF_WHOLE_IMAGES = "; whole: on whole images, where a method restored them"
# Columns of the table of costs that differ between methods of one setting.
COSTS = ("method", "time_s", "kept_pages_s", "peak_gb", "process_gb", "ratio_llpacknet")
INTRODUCTION = """# Verdicts

These are the verdicts of the committed reference run (`results/epyc-2-cores-avx512/standard`; for the
speed of UnPack, `forms` beside it; for its training, `results/unpack`) on {count} claims of LLPackNet's
paper, its code and README, and of RED's paper:

{counts}.

Its machine has two cores and no GPU, its images are synthetic (9 scenes under each protocol, 6 for slow
methods), so figures in dB are shown, but decide nothing absolute. LLPackNet's four forms and RED were trained
on equal terms; claims about the quality of other networks stay open.

- How a verdict is reached: [What each number means](methodology.md#verdicts).
- What `n` counts: [Intervals](intervals.md).
- Which statement each claim covers: [Statements](statements.md).
- For your own run: `llbench claims DIR`. `claims.json` in that folder holds the cells and the command behind
  each verdict.
"""
BEGIN, END = "<!-- begin: made by docs/reference.py -->\n", "<!-- end: made by docs/reference.py -->\n"


def table() -> str:
    """Return Table 1 of the committed results, as the README shows it, footnotes in one line."""
    whole = table1(Results.load(RESULTS))
    part = _columns(whole, [one.keys[0] for one in whole.columns if one.keys[0] not in LEFT_OUT])
    _, setting, figures, notes, marks = writers.as_markdown(part).strip().split("\n\n")
    setting = setting.replace(OF_WHOLE_IMAGES, "")
    lines = notes.removeprefix("- ").replace("\n- ", "<br>")
    folded = f"<details><summary>Footnotes</summary>\n\n{lines}\n\n</details>"
    return "\n" + "\n\n".join((figures, f"{marks}. {setting}", folded)) + "\n\n"


def readme(text: str) -> str:
    """Return the README with the table of the committed results in its place."""
    return _in_place(text, table())


def roofline(text: str) -> str:
    """Return the page of the fastest form with floors and profiles of the committed results."""
    results = Results.load(FORMS)
    made = (standings.floor_table(results), standings.profile_table(results))
    parts = [writers.as_markdown(one).partition("\n")[2].strip() for one in made if one is not None]
    return _in_place(text, "\n" + "\n\n".join(parts) + "\n\n")


def field(text: str) -> str:
    """Return the page of the field with the costs of every learned method in its place."""
    costs = cost_table(Results.load(FIELD))
    assert costs is not None
    return _in_place(text, _figures_and_setting(_columns(costs, COSTS)))


def runtimes(text: str) -> str:
    """Return the page of runtimes with what every form costs and loses, and how much other methods gain."""
    others = [Results.load(folder) for folder in OTHERS]
    forms, *costs = map(deployment_table, (Results.load(FORMS), *others))
    shown = (forms, *map(speedup_table, others), *costs)
    return _in_place(text, *(_figures_and_setting(table) for table in shown if table is not None))


def _figures_and_setting(table: Table) -> str:
    """Put a table's rows before what they are, without its heading."""
    _, setting, figures, *rest = writers.as_markdown(table).strip().split("\n\n")
    return "\n" + "\n\n".join((figures, *rest, setting)) + "\n\n"


def _columns(table: Table, keys: Sequence[str]) -> Table:
    kept = [index for index, column in enumerate(table.columns) if column.keys[0] in keys]
    return replace(
        table,
        columns=tuple(table.columns[index] for index in kept),
        rows=tuple(tuple(row[index] for index in kept) for row in table.rows),
    )


def _in_place(text: str, *made: str) -> str:
    """Put each part into its place, in the page's order."""
    place = re.compile(f"(?<={re.escape(BEGIN)}).*?(?={re.escape(END)})", re.DOTALL)
    assert len(place.findall(text)) == len(made), "the page has other places than what is made here"
    parts = iter(made)
    return place.sub(lambda _: next(parts), text)


def figure() -> bytes:
    """Return Fig. 1 of the committed results as PNG."""
    with style.styled():
        return _png(bubbles.figure1(Results.load(RESULTS)))


def floors() -> bytes:
    """Return the figure of floors of the committed results as PNG."""
    with style.styled():
        return _png(floor_bars.figure(Results.load(FORMS)))


def gains() -> bytes:
    """Return the figure of what knowing the ratio is worth, of the committed results, as PNG."""
    with style.styled():
        return _png(gain_sources.figure(Results.load(RESULTS)))


def _png(drawn: Drawn | None) -> bytes:
    assert drawn is not None
    with tempfile.TemporaryDirectory() as folder:
        style.save(drawn.figure, Path(folder), drawn.name)
        return (Path(folder) / f"{drawn.name}.png").read_bytes()


def verdicts() -> str:
    """Return the page of verdicts that the committed results give."""
    run = Results.load(RESULTS, TRAININGS)
    # `standard` timed the forms of UnPack in one process, `forms` in five and with more forms.
    kernels = [one for one in store.load(FORMS) if one.cell.measurement == "kernels"]
    others = [one for one in run.records if one.cell.measurement != "kernels"]
    judged = claims.judge(Results([*others, *kernels], run.trainings))
    counts = ", ".join(f"{count} `{outcome}`" for outcome, count in outcomes.tally(judged).items())
    return f"{INTRODUCTION.format(count=len(judged), counts=counts)}\n{as_markdown(judged)}"


if __name__ == "__main__":
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
    FIGURE.write_bytes(figure())
    GAINS.write_bytes(gains())
    ROOFLINE.write_text(roofline(ROOFLINE.read_text(encoding="utf-8")), encoding="utf-8")
    FLOORS.write_bytes(floors())
    FIELD_PAGE.write_text(field(FIELD_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    RUNTIMES.write_text(runtimes(RUNTIMES.read_text(encoding="utf-8")), encoding="utf-8")
    VERDICTS.write_text(verdicts(), encoding="utf-8")
