"""Why two protocols give different means: one setting changed at a time, each with its part."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.protocols import Protocol

Quantity = Literal["psnr", "ssim", "lpips"]
AXES: dict[str, str] = {
    "subset": "pairs scored",
    "gain": "gain of the input",
    "input_clip": "clip of the input",
    "quantise": "step to 8 bits",
    "ssim": "definition of SSIM",
    "lpips": "network of LPIPS",
}
"""Settings in the order in which they are changed."""


@dataclass(frozen=True)
class Step:
    """One changed setting.

    Attributes:
        axis: which setting, a key of AXES.
        before: its value until here.
        after: its value from here on.
        mean: the mean with this and all earlier changes.
        part: what this change adds to the mean.
        note: why a part is zero by construction, else empty.
    """

    axis: str
    before: str
    after: str
    mean: float
    part: float
    note: str = ""


@dataclass(frozen=True)
class Waterfall:
    """How the mean of one quantity moves between two protocols; the parts add up to `after - before`."""

    quantity: Quantity
    start: str
    end: str
    before: float
    after: float
    steps: tuple[Step, ...]


def waterfall(
    start: Protocol,
    end: Protocol,
    quantity: Quantity,
    mean: Callable[[Protocol], float],
    fixed: Sequence[str] = (),
) -> Waterfall:
    """Change one setting after the other from `start`'s value to `end`'s, in the order of AXES.

    The parts depend on that order (a rounding weighs differently on other pairs); their sum does not.

    Args:
        start: protocol to begin with.
        end: protocol to arrive at.
        quantity: which mean.
        mean: the quantity's mean under a protocol, also under one between the two.
        fixed: settings that cannot be changed any more, such as the gain where pictures are given.
    """
    before = reached = mean(start)
    between, steps = start, []
    for axis in AXES:
        old, new = getattr(between, axis), getattr(end, axis)
        if old == new or (axis in {"ssim", "lpips"} and axis != quantity):
            continue
        between = replace(between, **{axis: new})
        if axis in fixed:
            note = "the pictures are given: their input cannot change"
            steps.append(Step(axis, str(old), str(new), reached, 0.0, note))
            continue
        value = mean(between)
        steps.append(Step(axis, str(old), str(new), value, _difference(value, reached)))
        reached = value
    return Waterfall(quantity, start.name, end.name, before, reached, tuple(steps))


def _difference(after: float, before: float) -> float:
    """Subtract means; two infinite ones (identical pictures) do not differ."""
    return 0.0 if math.isinf(after) and after == before else after - before


def plot(falls: Sequence[Waterfall], out: Path) -> list[Path]:
    """Draw `<out>/waterfall.png` and `.svg`: a panel for each waterfall, with the changes that move its mean.

    The same numbers give the same bytes.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    finite = [fall for fall in falls if math.isfinite(fall.before) and math.isfinite(fall.after)]
    # A panel in which nothing moves says nothing; the first stands for all where nothing moves anywhere.
    drawable = [fall for fall in finite if any(step.part for step in fall.steps)] or finite[:1]
    if not drawable:
        return []
    columns = list(dict.fromkeys(fall.quantity for fall in drawable))
    rows = list(dict.fromkeys(fall.end for fall in drawable))
    figure = Figure(figsize=(5.4 * len(columns), 0.5 + 2.2 * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), len(columns), squeeze=False)
    for panel in panels.ravel():
        panel.set_visible(False)
    for fall in drawable:
        panel = panels[rows.index(fall.end), columns.index(fall.quantity)]
        panel.set_visible(True)
        _draw(panel, fall)
    paths = [out / "waterfall.png", out / "waterfall.svg"]
    with mpl.rc_context({"svg.hashsalt": "waterfall", "svg.fonttype": "none"}):
        figure.savefig(paths[0], dpi=120, metadata={"Software": None})
        figure.savefig(paths[1], metadata={"Date": None, "Creator": None})
    return paths


def _draw(panel: object, fall: Waterfall) -> None:
    from matplotlib.axes import Axes

    assert isinstance(panel, Axes)
    digits = 2 if fall.quantity == "psnr" else 4
    moving = [step for step in fall.steps if step.part]
    changes = (f"{AXES[step.axis]}:\n{step.before}\n→ {step.after}" for step in moving)
    names = [fall.start, *changes, fall.end]
    ends = [fall.before, *(step.mean for step in moving), fall.after]
    starts = [fall.before, *(step.mean - step.part for step in moving), fall.after]
    lowest, highest = min(ends + starts), max(ends + starts)
    room = max(highest - lowest, 10.0**-digits)
    floor = lowest - 0.6 * room
    for place, (begin, end) in enumerate(zip(starts, ends, strict=True)):
        total = place in {0, len(ends) - 1}
        bottom = floor if total else min(begin, end)
        colour = "#4c6a92" if total else ("#5b9a68" if end >= begin else "#b8564b")
        panel.bar(place, max(begin, end) - bottom, bottom=bottom, color=colour, width=0.62)
        label = f"{end:.{digits}f}" if total else f"{end - begin:+.{digits}f}"
        panel.annotate(
            label, (place, max(begin, end)), (0, 2), textcoords="offset points", ha="center", fontsize=8
        )
    panel.set_xticks(range(len(names)), names, fontsize=7)
    panel.set_ylim(floor, highest + 0.35 * room)
    panel.tick_params(axis="y", labelsize=7)
    panel.set_ylabel("PSNR, dB" if fall.quantity == "psnr" else fall.quantity.upper(), fontsize=8)
    panel.spines[["top", "right"]].set_visible(False)
