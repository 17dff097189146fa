"""Figures of quality: against time, by exposure ratio, image by image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D

from bench.judge import image_scores, quantities
from bench.judge.evidence import shown_protocols
from bench.show.figures import style
from bench.show.figures.style import Drawn
from bench.show.tables import published
from bench.show.tables.setting import data_setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from bench.judge.results import Results
    from bench.records.cells import Record

CONTROL = "gain-only"
# From so many images on, single images are drawn as pixels rather than as vector marks.
MANY = 60


def quality_against_time(results: Results) -> Drawn | None:
    """Draw PSNR against time and the front of ranked methods, one panel per protocol; None without points."""
    panels = [(protocol, _points(results, protocol)) for protocol in _two_protocols(results)]
    panels = [(protocol, points) for protocol, points in panels if len(points) > 1]
    if not panels:
        return None
    drawn = style.figure(style.PAGE if len(panels) > 1 else 4.6, 3.3)
    grid = drawn.subplots(1, len(panels), squeeze=False, sharex=True)[0]
    fronts = [
        _pareto_panel(axes, protocol, points, results)
        for axes, (protocol, points) in zip(grid, panels, strict=True)
    ]
    handles = [
        Line2D(
            [],
            [],
            marker="o",
            ls="",
            mfc="white",
            mec="#666666",
            ms=5,
            label="not ranked (footnotes of Table 1)",
        ),
    ]
    dashed = ""
    if any(fronts):
        handles.insert(0, Line2D([], [], color="#666666", ls="--", lw=1, label="Pareto front"))
        dashed = "Dashed: the Pareto front; no other method is both faster and better than one on it. "
    drawn.legend(handles=handles, loc="outside lower center", ncols=2)
    setting = data_setting(results, [protocol for protocol, _ in panels])
    caption = f"PSNR against time for one frame. {dashed}{setting}"
    return Drawn(
        "quality-time",
        "Quality against time",
        caption,
        f"Scatter of PSNR against time{' with its Pareto front' if dashed else ''}.",
        drawn,
    )


def by_ratio(results: Results) -> Drawn | None:
    """Draw mean PSNR by exposure ratio, one panel per protocol; None with fewer than two ratios."""
    panels = []
    for protocol in _two_protocols(results):
        lines = {model: _ratio_means(results, model, protocol) for model in published.ordered(results.models)}
        lines = {model: means for model, means in lines.items() if len(means) > 1}
        if lines:
            panels.append((protocol, lines))
    if not panels:
        return None
    drawn = style.figure(style.PAGE, 3.1)
    grid = drawn.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axes, (protocol, lines) in zip(grid, panels, strict=True):
        for model, means in lines.items():
            colour, marker = style.look(model, results.models)
            axes.plot(
                list(means),
                list(means.values()),
                marker=marker,
                color=colour,
                ls=style.LINES.get(model, "-"),
                lw=1.1,
                ms=4.5,
                label=published.label(model),
            )
        axes.set_title(protocol, loc="left")
        axes.set_xlabel("exposure ratio")
        ratios = sorted({ratio for means in lines.values() for ratio in means})
        axes.set_xticks(ratios, [f"×{ratio}" for ratio in ratios])
    grid[0].set_ylabel("mean PSNR (dB)")
    handles, labels = grid[0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside right center")
    caption = f"Mean PSNR by exposure ratio. {data_setting(results, [protocol for protocol, _ in panels])}"
    return Drawn(
        "psnr-ratio",
        "PSNR by exposure ratio",
        caption,
        "Mean PSNR against exposure ratio, one line per method.",
        drawn,
    )


def by_image(results: Results) -> Drawn | None:
    """Draw the PSNR of every image of every method, with the mean; None if nothing was scored."""
    panels = [(protocol, _judged(results, protocol)) for protocol in _two_protocols(results)]
    panels = [(protocol, judged) for protocol, judged in panels if judged]
    if not panels:
        return None
    shown = published.ordered({model for _, judged in panels for model, _ in judged})[::-1]
    drawn = style.figure(style.PAGE, 0.9 + 0.26 * len(shown))
    grid = drawn.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)[0]
    for axes, (protocol, judged) in zip(grid, panels, strict=True):
        for model, values in judged:
            _strip(axes, shown.index(model), values, style.look(model, results.models))
        axes.set_yticks(range(len(shown)), [published.label(model) for model in shown])
        axes.tick_params(axis="y", length=0)
        axes.set_title(protocol, loc="left")
        axes.set_xlabel("PSNR (dB)")
    caption = (
        "PSNR of every image (marks) and its mean (bar). "
        f"{data_setting(results, [protocol for protocol, _ in panels])}"
    )
    return Drawn(
        "psnr-image",
        "PSNR image by image",
        caption,
        "PSNR of every image, one strip of marks per method.",
        drawn,
    )


def _two_protocols(results: Results) -> tuple[str, ...]:
    """Without and with GT exposure, as in Table 1."""
    return shown_protocols(results)


def _points(results: Results, protocol: str) -> list[tuple[str, float, float, bool]]:
    """Model, seconds, PSNR, and whether the figure may be ranked."""
    points = []
    for model in published.ordered(results.models):
        time = quantities.latency(results, model).estimate
        found = image_scores.quality(results, model, protocol, "psnr")
        if time is not None and found.estimate is not None and math.isfinite(found.estimate.value):
            points.append((model, time.value, found.estimate.value, not found.marks and model != CONTROL))
    return points


def _pareto_panel(
    axes: Axes, protocol: str, points: list[tuple[str, float, float, bool]], results: Results
) -> list[tuple[float, float]]:
    """Draw a panel, and return its Pareto front: empty where no figure may be ranked."""
    axes.set_xscale("log")
    axes.set_title(protocol, loc="left")
    axes.set_xlabel("time for one frame (s)")
    axes.set_ylabel("PSNR (dB)")
    front = pareto_front([(time, psnr) for _, time, psnr, is_ranked in points if is_ranked])
    times = [time for _, time, _, _ in points]
    heights = [psnr for _, _, psnr, _ in points]
    span = max(max(heights) - min(heights), 1.0)
    axes.set_xlim(min(times) / 2.5, max(times) * 2.5)
    axes.set_ylim(min(heights) - 0.12 * span, max(heights) + 0.16 * span)
    if front:
        x = [*(time for time, _ in front), max(times) * 2.5]
        y = [*(psnr for _, psnr in front), front[-1][1]]
        axes.step(x, y, where="post", color="#666666", ls="--", lw=1, zorder=1)
    for model, time, psnr, is_ranked in points:
        colour, marker = style.look(model, results.models)
        axes.plot([time], [psnr], marker, ms=6, color=colour, mfc=colour if is_ranked else "white", mew=1.1)
    style.plain_log(axes.xaxis)
    labels = [(time, psnr, published.label(model)) for model, time, psnr, _ in points]
    along = along_front(front, max(times) * 2.5)
    style.place_labels(axes, labels, radii=[3.0] * len(points), obstacles=along, size=6.5)
    return front


def along_front(front: list[tuple[float, float]], end: float) -> list[tuple[float, float, float]]:
    """Spots along the front's level stretches, which labels keep clear of."""
    ends = [*(time for time, _ in front[1:]), end]
    return [
        (float(time), psnr, 1.5)
        for (start, psnr), stop in zip(front, ends, strict=bool(front))
        for time in np.geomspace(start, stop, 24)[1:]
    ]


def pareto_front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points that no other beats in both time and PSNR, fastest first."""
    front: list[tuple[float, float]] = []
    for time, psnr in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or psnr > front[-1][1]:
            front.append((time, psnr))
    return front


def _ratio_means(results: Results, model: str, protocol: str) -> dict[int, float]:
    by: dict[int, list[float]] = {}
    for record in results.scored(model, protocol).ok.values():
        by.setdefault(round(float(record.values["ratio"])), []).append(float(record.values["psnr"]))
    return {ratio: float(np.mean(by[ratio])) for ratio in sorted(by) if np.isfinite(by[ratio]).all()}


def _judged(results: Results, protocol: str) -> list[tuple[str, list[float]]]:
    found = []
    for model in published.ordered(results.models):
        values = [_finite(record) for record in results.scored(model, protocol).ok.values()]
        kept = [value for value in values if value is not None]
        if kept:
            found.append((model, kept))
    return found


def _finite(record: Record) -> float | None:
    value = float(record.values["psnr"])
    return value if math.isfinite(value) else None


def _strip(axes: Axes, height: int, values: list[float], look: tuple[str, str]) -> None:
    """One method's images, spread a little up and down so that equal ones stay apart."""
    spread = (np.random.default_rng(0).random(len(values)) - 0.5) * (0.5 if len(values) > 1 else 0)
    many = len(values) >= MANY
    size = 3 if many else 9
    colour, marker = look
    axes.scatter(
        values, height + spread, s=size, marker=marker, color=colour, alpha=0.55, lw=0, rasterized=many
    )
    mean = float(np.mean(values))
    axes.plot([mean, mean], [height - 0.36, height + 0.36], color="#222222", lw=1.4)
