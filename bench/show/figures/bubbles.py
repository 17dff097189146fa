"""The paper's Figure 1: time against PSNR without GT exposure, bubbles for memory and for parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from baselines.paper import FULL_SIZE
from bench.judge import image_scores, quantities
from bench.judge.evidence import WITHOUT
from bench.judge.quantities import GB
from bench.show.figures import style
from bench.show.figures.style import Drawn
from bench.show.tables import published
from bench.show.tables.setting import data_setting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.judge.results import Results

# Area of the largest bubble, in square points.
LARGEST = 800.0
# Area below which a disc would vanish behind its mark, which then has the disc's colour and this area.
SMALLEST = 26.0
ALTERNATIVE = "Two bubble plots of time against PSNR without ground-truth exposure, published and measured."


@dataclass(frozen=True)
class Bubble:
    """One method as published or as measured; None if a figure is missing."""

    name: str
    model: str
    time: float
    psnr: float | None
    memory: float | None
    parameters: float | None
    measured: bool
    untrained: bool = False


def figure1(results: Results) -> Drawn | None:
    """Draw both panels of Figure 1, published rings beside measured discs; None without any measured time."""
    bubbles = _published() + _measured(results)
    if not any(bubble.measured for bubble in bubbles):
        return None
    drawn = style.figure(style.PAGE, 4.1)
    left, right = drawn.subplots(1, 2, sharey=True)
    _panel(left, bubbles, "memory", "Bubble area: peak memory", "GB")
    _panel(right, bubbles, "parameters", "Bubble area: parameters", "M")
    left.set_ylabel("PSNR without GT exposure (dB)")
    handles = [
        Line2D([], [], marker="o", ls="", mfc="none", mec="#444444", mew=1.0, ms=8, label="published"),
        Line2D([], [], marker="o", ls="", mfc="#999999", mec="#444444", ms=8, label=_ours(results)),
        Line2D([], [], marker="x", ls="", color="#444444", ms=5, label="not available"),
    ]
    drawn.legend(handles=handles, loc="outside lower center", ncols=3)
    return Drawn("figure1", "Figure 1 of the paper", _caption(results, bubbles), ALTERNATIVE, drawn)


def _caption(results: Results, bubbles: list[Bubble]) -> str:
    """Say what the figure shows and what it rests on."""
    text = (
        "Time for one frame against PSNR without GT exposure. Rings: published (LIME and Robust Retinex read "
        "off the paper's plot, without bubble sizes); discs: measured here; a dotted line connects the two. "
        "Bubble area: peak memory on the left, parameters on the right; a cross marks methods without this "
        "figure, and a disc too small to be seen is drawn as its mark."
    )
    untrained = [bubble.name for bubble in bubbles if bubble.untrained]
    if untrained:
        text += f" The weights of {', '.join(untrained)} are random: its PSNR says nothing of the network."
    return f"{text} {data_setting(results, WITHOUT)}".strip()


def _ours(results: Results) -> str:
    frame = results.frame()
    size = f" at {frame[0]}x{frame[1]}" if frame not in {None, FULL_SIZE} else ""
    return f"measured here{size}" + (" (synthetic images: dB not comparable)" if results.synthetic else "")


def _published() -> list[Bubble]:
    rows = published.load()
    bubbles = []
    for row in [row for row in rows["table1"] if "time" in row.get("published", {})]:
        numbers = {key: float(text) for key, text in row["published"].items()}
        bubbles.append(
            Bubble(row["short"], row["cost"][0], numbers["time"], numbers["psnr_without"], numbers["memory"],
                   numbers["parameters"], measured=False)
        )  # fmt: skip
    models = {row["short"]: row["cost"][0] for row in rows["table1"]}
    bubbles.extend(
        Bubble(
            row["short"],
            models[row["short"]],
            float(row["time"]),
            float(row["psnr_without"]),
            None,
            None,
            measured=False,
        )
        for row in rows["figure1"]
    )
    return bubbles


def _measured(results: Results) -> list[Bubble]:
    bubbles = []
    for row in published.rows(results):
        model = next((name for name in row["cost"] if results.of("latency", name)), row["cost"][0])
        time = quantities.latency(results, model).estimate
        if time is None or row.get("control"):
            continue
        judged = image_scores.quality(results, row["without"], WITHOUT[0], "psnr")
        psnr = judged.estimate
        memory = quantities.memory(results, model).estimate
        parameters = quantities.count(results, model, "parameters").estimate
        bubbles.append(
            Bubble(
                row["short"],
                model,
                time.value,
                None if psnr is None or math.isinf(psnr.value) else psnr.value,
                None if memory is None else memory.value / GB,
                None if parameters is None else parameters.value / 1e6,
                measured=True,
                untrained="random" in judged.marks,
            )
        )
    return bubbles


def _panel(axes: Axes, bubbles: list[Bubble], size: str, title: str, unit: str) -> None:
    largest = max((getattr(bubble, size) or 0 for bubble in bubbles), default=1) or 1
    floor = _floor(bubbles)
    axes.set_xscale("log")
    axes.set_title(title, loc="left")
    axes.set_xlabel("time for one frame (s)")
    models = [bubble.model for bubble in bubbles]
    areas = [LARGEST * (getattr(bubble, size) or 0) / largest for bubble in bubbles]
    for area, bubble in sorted(zip(areas, bubbles, strict=True), key=lambda drawn: -drawn[0]):
        _draw(axes, bubble, area, _height(bubble, floor), style.look(bubble.model, models))
    _links(axes, bubbles, floor)
    _limits(axes, bubbles, floor)
    radii = [math.sqrt(max(area, SMALLEST) / math.pi) for area in areas]
    shown = [index for index, bubble in enumerate(bubbles) if _labelled(bubble, bubbles)]
    rest = [index for index in range(len(bubbles)) if index not in shown]
    style.place_labels(
        axes,
        [(bubbles[i].time, _height(bubbles[i], floor), bubbles[i].name) for i in shown],
        radii=[radii[i] for i in shown],
        obstacles=[(bubbles[i].time, _height(bubbles[i], floor), radii[i]) for i in rest],
    )
    _scale(axes, largest, unit)


def _draw(axes: Axes, bubble: Bubble, area: float, height: float, look: tuple[str, str]) -> None:
    colour, marker = look
    if area <= 0:
        # A method without that figure (no parameters, or memory that was not published): a cross, not a disc.
        axes.scatter(
            [bubble.time],
            [height],
            s=26,
            marker="x",
            color=colour,
            linewidths=1.1 if bubble.measured else 0.7,
        )
        return
    if bubble.measured:
        axes.scatter(
            [bubble.time], [height], s=area, color=colour, alpha=0.55, edgecolors=colour, linewidths=0.8
        )
        mark: dict[str, Any] = {"s": 9, "color": "#222222", "linewidths": 0}
        if area < SMALLEST:
            mark = {"s": SMALLEST, "color": colour, "edgecolors": "#222222", "linewidths": 0.5}
        axes.scatter([bubble.time], [height], marker=marker, **mark)
    else:
        axes.scatter([bubble.time], [height], s=area, facecolors="none", edgecolors=colour, linewidths=1.0)


def _links(axes: Axes, bubbles: list[Bubble], floor: float) -> None:
    """Draw a thin line from each published ring to the disc measured here."""
    models = [bubble.model for bubble in bubbles]
    rings = {bubble.name: bubble for bubble in bubbles if not bubble.measured}
    for bubble in bubbles:
        ring = rings.get(bubble.name)
        if bubble.measured and ring is not None and bubble.psnr is not None:
            heights = [_height(ring, floor), _height(bubble, floor)]
            colour, _ = style.look(bubble.model, models)
            axes.plot([ring.time, bubble.time], heights, color=colour, lw=0.6, ls=":", zorder=1)


def _labelled(bubble: Bubble, bubbles: list[Bubble]) -> bool:
    """Each method is named at its measured disc, and at its ring where no disc stands near."""
    return bubble.measured or not any(
        other.measured and other.psnr is not None and other.name == bubble.name for other in bubbles
    )


def _floor(bubbles: list[Bubble]) -> float:
    """Height of the strip for methods that were timed but not scored."""
    return min((bubble.psnr for bubble in bubbles if bubble.psnr is not None), default=10.0) - 3.5


def _height(bubble: Bubble, floor: float) -> float:
    return floor if bubble.psnr is None else bubble.psnr


def _limits(axes: Axes, bubbles: list[Bubble], floor: float) -> None:
    times = [bubble.time for bubble in bubbles]
    heights = [_height(bubble, floor) for bubble in bubbles]
    axes.set_xlim(min(times) / 2.2, max(times) * 2.2)
    axes.set_ylim(min(heights) - 1.8, max(heights) + 2.6)
    style.plain_log(axes.xaxis)
    if any(bubble.psnr is None for bubble in bubbles):
        axes.set_yticks([tick for tick in axes.get_yticks() if floor + 1.6 < tick < max(heights) + 2.6])
        axes.axhspan(min(heights) - 1.8, floor + 1.6, color="#f2f2f2", zorder=0, lw=0)
        axes.text(
            0.985, floor + 1.5, "timed, but no PSNR here", transform=axes.get_yaxis_transform(), fontsize=6.5,
            color="#555555", ha="right", va="top", style="italic",
        )  # fmt: skip


def _scale(axes: Axes, largest: float, unit: str) -> None:
    """Draw a key of three bubble areas."""
    steps = [_round(largest * share) for share in (0.1, 0.4, 1.0)]
    handles = [
        Line2D(
            [], [], marker="o", ls="", mfc="none", mec="#888888", mew=0.7,
            ms=math.sqrt(LARGEST * step / largest), label=f"{step:g} {unit}",
        )
        for step in steps
    ]  # fmt: skip
    axes.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, handletextpad=1.4,
        columnspacing=2.6, labelcolor="#555555", borderpad=1.0,
    )  # fmt: skip


def _round(value: float) -> float:
    return float(f"{value:.1g}")
