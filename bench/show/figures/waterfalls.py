"""Waterfalls: how a mean moves between two protocols, one changed setting after the other."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from bench.judge.between import Judged
from bench.judge.waterfall import AXES, change
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
    heights = [2.2 + max(_bars(fall) for fall in moving if fall.end == end) for end in rows]
    made = style.figure(style.PAGE, 0.3 * sum(heights) + 0.3 * len(rows))
    panels = made.subplots(len(rows), len(columns), squeeze=False, height_ratios=heights)
    for panel in panels.ravel():
        panel.set_visible(False)
    for fall in moving:
        panel = panels[rows.index(fall.end), columns.index(fall.quantity)]
        panel.set_visible(True)
        _panel(panel, fall)
    return made


def _bars(fall: Waterfall) -> int:
    """Count the bars between the first and the last mean, and that of a published figure."""
    return len(_moving(fall)) + (fall.published is not None)


def _moving(fall: Waterfall) -> list[Step]:
    return [step for step in fall.steps if step.part]


def _panel(axes: Axes, fall: Waterfall) -> None:
    steps, digits = _moving(fall), DIGITS[fall.quantity]
    ends = [fall.before, *(step.mean for step in steps), fall.after]
    begins = [fall.before, *(step.mean - (step.part or 0.0) for step in steps), fall.after]
    told = [] if fall.published is None else [fall.published]
    lowest, highest = min(ends + begins + told), max(ends + begins + told)
    room = max(highest - lowest, 10.0**-digits)
    floor = lowest - 0.35 * room
    axes.set_xlim(floor, highest + 0.45 * room)
    for place, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        total = place in {0, len(ends) - 1}
        left, right = (floor, end) if total else sorted((begin, end))
        colour = TOTAL if total else (MORE if end >= begin else LESS)
        axes.barh(place, right - left, left=left, height=0.62, color=colour, lw=0)
        if not total:
            axes.plot([begin, begin], [place - 1, place], color="#444444", lw=0.6, ls=":")
        text = f"{end:.{digits}f}" if total else f"{end - begin:+.{digits}f}".replace("-", "−")
        axes.annotate(text, (right, place), (2.5, 0), textcoords="offset points", va="center", fontsize=6.5)
    for value in told:  # hollow: nothing here was measured of it
        axes.barh(len(ends), value - floor, left=floor, height=0.62, fill=False, edgecolor=TOTAL, hatch="//")
        axes.annotate(
            f"{value:.{digits}f}", (value, len(ends)), (2.5, 0), textcoords="offset points", va="center",
            fontsize=6.5,
        )  # fmt: skip
    names = [fall.start, *map(_label, steps), fall.end, *("published:\n" + _folded(fall) for _ in told)]
    axes.set_yticks(range(len(names)), names, fontsize=6.5)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel(HEADINGS[fall.quantity], fontsize=7)


def _folded(fall: Waterfall) -> str:
    return "\n".join(textwrap.wrap(fall.published_by, 34))


def _label(step: Step) -> str:
    names = " and ".join(AXES[axis] for axis in step.axis.split("+"))
    return f"{names}:\n{change(step)}"
