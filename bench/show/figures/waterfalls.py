"""Waterfalls: how a mean moves between two protocols, one changed setting after the other."""

from __future__ import annotations

import math
import textwrap
from itertools import accumulate
from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from bench.judge.between import Judged
from bench.judge.waterfall import AXES, changes
from bench.show.figures import style
from bench.show.figures.style import Drawn
from bench.show.tables import published
from bench.show.tables.setting import data_setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bench.judge.results import Results
    from bench.judge.waterfall import Quantity, Step, Waterfall

TOTAL, MORE, LESS = "#8a8a8a", "#0072B2", "#D55E00"
DIGITS = {"psnr": 2, "ssim": 4, "lpips": 4}
HEADINGS = {"psnr": "PSNR (dB)", "ssim": "SSIM", "lpips": "LPIPS"}
# Inches: what a line of a label takes, a bar and its distance from the next, and what stands below a panel.
LINE, BAR, BELOW = 0.108, 0.3, 0.4
# Letters in a line of a label, and in such lines of all panels beside each other.
LONGEST, BESIDE = 36, 72
QUANTITIES: tuple[Quantity, ...] = ("psnr", "ssim")
# Of the methods that were scored, the one whose waterfall is shown where it is among them.
METHOD = "llpacknet"
# What the figure of a run lacks: its cells hold scores of whole images, as bright as they are.
NOT_HERE = (
    "Alignment of brightness and crops, as other fields score, are not among these results: llbench score "
    "shows their steps for images."
)


def figure(results: Results) -> Drawn | None:
    """Draw how one method's means move between the protocols of a run; None with fewer than two of them."""
    for model in sorted(published.ordered(results.models), key=lambda name: name != METHOD):
        judged = Judged(results, model)
        if len(judged.names) < 2:
            continue
        start, *ends = judged.names
        falls = [judged.fall(start, end, quantity) for end in ends for quantity in QUANTITIES]
        known = [fall for fall in falls if fall is not None]
        drawn = draw(known)
        if drawn is not None:
            caption = (
                f"Why the mean of {published.label(model)} differs between protocols: one setting "
                "changed after another. What these results cannot separate is a single step, and the "
                f"sizes of the steps depend on the order. {NOT_HERE} {data_setting(results, judged.names)}"
            )
            alternative = f"Bars from the mean under {start} to that under {', '.join(ends)}, step by step."
            return Drawn("waterfall", "From protocol to protocol", caption, alternative, drawn)
    return None


def draw(falls: Sequence[Waterfall]) -> Figure | None:
    """Draw a panel for each waterfall whose mean moves; call it inside `style.styled()`.

    Where no mean moves, the first panel stands for all; None if nothing can be drawn.
    """
    finite = [fall for fall in falls if math.isfinite(fall.before) and math.isfinite(fall.after)]
    moving = [fall for fall in finite if any(step.part for step in fall.steps)] or finite[:1]
    if not moving:
        return None
    columns = list(dict.fromkeys(fall.quantity for fall in moving))
    rows = list(dict.fromkeys(fall.end for fall in moving))
    letters = min(LONGEST, BESIDE // len(columns))
    heights = [max(sum(_rooms(_labels(fall, letters))) for fall in moving if fall.end == end) for end in rows]
    made = style.figure(style.PAGE, sum(heights) + BELOW * len(rows))
    panels = made.subplots(len(rows), len(columns), squeeze=False, height_ratios=heights)
    for panel in panels.ravel():
        panel.set_visible(False)
    for fall in moving:
        panel = panels[rows.index(fall.end), columns.index(fall.quantity)]
        panel.set_visible(True)
        _panel(panel, fall, _labels(fall, letters))
    return made


def _moving(fall: Waterfall) -> list[Step]:
    return [step for step in fall.steps if step.part]


def _labels(fall: Waterfall, letters: int) -> list[str]:
    """Name every bar, in lines of so many letters; a published figure's comes last."""
    told = [] if fall.published is None else [_folded("published:", fall.published_by, letters=letters)]
    return [fall.start, *(_label(step, letters) for step in _moving(fall)), fall.end, *told]


def _label(step: Step, letters: int) -> str:
    settings = [(f"{AXES[axis]}:", words) for axis, words in changes(step).items()]
    return "\nand ".join(_folded(name, words, letters=letters) for name, words in settings)


def _folded(*paragraphs: str, letters: int) -> str:
    return "\n".join(line for paragraph in paragraphs for line in textwrap.wrap(paragraph, letters))


def _rooms(labels: Sequence[str]) -> list[float]:
    """Inches that each bar takes with its label."""
    return [max(BAR, LINE * (label.count("\n") + 1) + 0.085) for label in labels]


def _panel(axes: Axes, fall: Waterfall, labels: Sequence[str]) -> None:
    steps, digits = _moving(fall), DIGITS[fall.quantity]
    ends = [fall.before, *(step.mean for step in steps), fall.after]
    begins = [fall.before, *(step.mean - (step.part or 0.0) for step in steps), fall.after]
    told = [] if fall.published is None else [fall.published]
    lowest, highest = min(ends + begins + told), max(ends + begins + told)
    room = max(highest - lowest, 10.0**-digits)
    floor = lowest - 0.35 * room
    axes.set_xlim(floor, highest + 0.45 * room)
    rooms = _rooms(labels)
    places = [below - taken / 2 for below, taken in zip(accumulate(rooms), rooms, strict=True)]
    height = 0.62 * BAR
    for index, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        place, total = places[index], index in {0, len(ends) - 1}
        left, right = (floor, end) if total else sorted((begin, end))
        colour = TOTAL if total else (MORE if end >= begin else LESS)
        axes.barh(place, right - left, left=left, height=height, color=colour, lw=0)
        if not total:
            axes.plot([begin, begin], [places[index - 1], place], color="#444444", lw=0.6, ls=":")
        text = f"{end:.{digits}f}" if total else f"{end - begin:+.{digits}f}"
        _write(axes, text, right, place)
    for value in told:  # hollow: nothing here was measured of it
        axes.barh(
            places[-1], value - floor, left=floor, height=height, fill=False, edgecolor=TOTAL, hatch="//"
        )
        _write(axes, f"{value:.{digits}f}", value, places[-1])
    axes.set_yticks(places, labels, fontsize=6.5)
    axes.set_ylim(sum(rooms), 0)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel(HEADINGS[fall.quantity], fontsize=7)


def _write(axes: Axes, text: str, right: float, place: float) -> None:
    """Write a figure beside the end of its bar."""
    axes.annotate(
        text.replace("-", "−"), (right, place), (2.5, 0), textcoords="offset points", va="center",
        fontsize=6.5,
    )  # fmt: skip
