"""Floors: the time of each form as a bar, in parts where its pass was profiled, and its floor as a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bench.judge import floors
from bench.show.figures import style
from bench.show.figures.style import Drawn
from bench.show.tables import published, standings
from bench.show.tables.setting import cost_setting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.judge.floors import Standing
    from bench.judge.results import Results

UNKNOWN = "#bbbbbb"
# Kinds of operators that are drawn as one part, by what their names hold; the last takes what is left.
GROUPS = {
    "convolutions": "#0072B2",
    "concatenation": "#D55E00",
    "moving and filling": "#E69F00",
    "activations and sums": "#009E73",
    "everything else": "#999999",
}


def figure(results: Results) -> Drawn | None:
    """Draw every form that was timed under a measured roof; None without any."""
    found = standings.ordered(results)
    if not found:
        return None
    drawn = style.figure(style.PAGE, 1.1 + 0.22 * len(found))
    axes = drawn.subplots()
    shown: set[str] = set()
    for height, one in enumerate(reversed(found)):
        shown |= _bar(axes, height, one, results)
        if one.floor_s is not None and one.share is not None:
            axes.plot([one.floor_s] * 2, [height - 0.42, height + 0.42], color="black", lw=1.6)
            text = f" {100 * one.share:.0f} %"
            axes.text(one.time.value, height, text, va="center", fontsize=6.5, color="#222222")
    labels = [f"{published.label(one.model)}: {' '.join(one.form)}" for one in reversed(found)]
    axes.set_yticks(range(len(found)), labels)
    axes.set_ylim(-0.6, len(found) - 0.4)
    axes.margins(x=0.08)
    axes.set_xlim(left=0)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("time for one frame (s)")
    handles = [Patch(color=colour, label=name) for name, colour in GROUPS.items() if name in shown]
    if "" in shown:
        handles.append(Patch(color=UNKNOWN, label="not profiled"))
    line = Line2D([], [], color="black", lw=1.6, label="floor")
    drawn.legend(handles=[line, *handles], loc="outside lower center", ncols=4)
    caption = (
        "Time of each form, with the share of the floor's speed that it reaches; the parts come from a "
        f"profiled pass. {standings.roof_sentences(results)} {cost_setting(results, one_form=False)}"
    )
    alternative = "Bars of time for each form of each network, with a line at the shortest possible time."
    return Drawn("floors", "Times compared with their floors", caption, alternative, drawn)


def _bar(axes: Axes, height: int, one: Standing, results: Results) -> set[str]:
    """Draw a form's time; returns the groups drawn, the empty name where it was not profiled."""
    found = floors.profile(results, one.model, one.form)
    if found is None:
        axes.barh(height, one.time.value, height=0.66, color=UNKNOWN, lw=0)
        return {""}
    shares = dict.fromkeys(GROUPS, 0.0)
    for place in found[1]:
        shares[group(place.kind)] += place.share
    left = 0.0
    for name, share in shares.items():
        width = share * one.time.value
        axes.barh(height, width, left=left, height=0.66, color=GROUPS[name], lw=0)
        left += width
    return {name for name, share in shares.items() if share > 0}


def group(kind: str) -> str:
    """Return the part of a bar to which a kind of operator belongs."""
    if "convolutions" in kind:
        return "convolutions"
    if kind in {"activations", "sums"}:
        return "activations and sums"
    return kind if kind in GROUPS else "everything else"
