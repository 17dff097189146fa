"""The field's published scores against cost: a Pareto figure per protocol, clearly not measured here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import LogLocator

import baselines
from baselines.paper import FULL_HEIGHT, FULL_WIDTH
from baselines.registry import named
from bench.judge import quantities
from bench.show.figures import style
from bench.show.figures.qualityplots import along_front, pareto_front
from bench.show.figures.style import Drawn
from bench.show.tables import published
from bench.show.tables.setting import cost_setting

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from bench.judge.results import Results

# Method, its label, cost, published PSNR in dB.
Point = tuple[str, str, float, float]
ALONE = "protocols with one score"
# Axes on which costs span more than this factor are marked at powers of ten alone.
WIDE = 4


def published_scores(results: Results) -> Drawn | None:
    """Draw published PSNR on SID against GMAC and measured time, a colour per method, a panel per protocol.

    None if no method was measured that the paper does not compare.
    """
    newer = set(named("field")) - set(named("all"))
    if not newer & set(results.models):
        return None
    costs: tuple[tuple[str, Callable[[str], float | None]], ...] = (
        (f"GMAC at {FULL_HEIGHT}x{FULL_WIDTH}", lambda model: baselines.spec(model).gmac),
        ("time here (s)", lambda model: _seconds(results, model)),
    )
    groups = [
        (label, protocol, points) for label, cost in costs for protocol, points in _panels(cost).items()
    ]
    if not groups:
        return None
    labels = list(dict.fromkeys(label for label, _, _ in groups))
    protocols = list(dict.fromkeys(protocol for _, protocol, _ in groups))
    drawn = style.figure(style.PAGE, 0.5 + 2.7 * len(labels))
    grid = drawn.subplots(len(labels), len(protocols), squeeze=False, sharey=True)
    for axes in grid.flat:
        axes.set_axis_off()
    for label, protocol, points in groups:
        axes = grid[labels.index(label), protocols.index(protocol)]
        axes.set_axis_on()
        _panel(axes, points)
        axes.set_title(f"{protocol} (published)", loc="left", fontsize=8)
        axes.set_xlabel(label)
    for row in grid:
        row[0].set_ylabel("published PSNR on SID (dB)")
    # Fronts and labels last: the panels share one scale of PSNR.
    for label, protocol, points in groups:
        axes = grid[labels.index(label), protocols.index(protocol)]
        front = _front(axes, points) if protocol != ALONE else []
        named_points = [(cost, psnr, text) for _, text, cost, psnr in points]
        along = along_front(front, axes.get_xlim()[1])
        style.place_labels(axes, named_points, radii=[3.0] * len(points), obstacles=along, size=6)
    caption = (
        "Published scores on SID's Sony half against cost; drawn as rings because none was measured "
        "here. Each panel holds the scores of one protocol, the last panel those that are alone under "
        "theirs: scores of different protocols are not comparable. Dashed: the Pareto front. "
        f"{cost_setting(results)}"
    )
    alternative = "Published PSNR against GMAC and time, one panel per protocol, with Pareto fronts."
    return Drawn("field-published", "Published scores against cost", caption, alternative, drawn)


def _seconds(results: Results, model: str) -> float | None:
    found = quantities.latency(results, model).estimate
    return None if found is None else found.value


def _panels(cost: Callable[[str], float | None]) -> dict[str, list[Point]]:
    """Points by protocol; those that are alone under theirs share a panel and bear its name."""
    found: dict[str, list[Point]] = {}
    for model in published.ordered(named("field")):
        for score in baselines.spec(model).published:
            spent = cost(model)
            if spent is not None:
                point = (model, published.label(model), spent, float(score.psnr))
                found.setdefault(score.protocol, []).append(point)
    panels = {protocol: points for protocol, points in found.items() if len(points) > 1}
    alone = [
        (model, f"{label} ({protocol})", spent, psnr)
        for protocol, points in found.items()
        for model, label, spent, psnr in points
        if protocol not in panels
    ]
    return {**panels, ALONE: alone} if alone else panels


def _panel(axes: Axes, points: list[Point]) -> None:
    axes.set_xscale("log")
    spent = [cost for _, _, cost, _ in points]
    axes.set_xlim(min(spent) / 3, max(spent) * 5)
    for model, _, cost, psnr in points:
        colour, marker = style.look(model, named("field"))
        axes.plot([cost], [psnr], marker, ms=6, color=colour, mfc="none", mew=1.2)
    style.plain_log(axes.xaxis)
    if max(spent) > WIDE * min(spent):
        axes.xaxis.set_major_locator(LogLocator())


def _front(axes: Axes, points: list[Point]) -> list[tuple[float, float]]:
    """Draw the Pareto front of a panel, and return its points."""
    front = pareto_front([(cost, psnr) for _, _, cost, psnr in points])
    x = [*(cost for cost, _ in front), axes.get_xlim()[1]]
    y = [*(psnr for _, psnr in front), front[-1][1]]
    axes.step(x, y, where="post", color="#666666", ls="--", lw=1, zorder=1)
    return front
