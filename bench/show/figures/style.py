"""One look for every figure: colours safe for colour-blind eyes, markers that tell methods apart in grey."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib import patheffects
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.style import context
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from bench.records import store

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.text import Annotation

# Dots per inch of PNG files: what print asks for.
DOTS = 300
# How each kind of file is written, by its suffix.
DRAWINGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("png", {"metadata": {"Software": None}}),
    ("svg", {"metadata": {"Date": None, "Creator": None}}),
)
PHOTOGRAPHS: tuple[tuple[str, dict[str, Any]], ...] = (("jpg", {"pil_kwargs": {"quality": 85}}),)
# Inches: one column and the full width of a two-column page.
COLUMN, PAGE = 3.5, 7.16

# Tol's muted colours that no method of the paper has, then those that its methods have: Okabe and Ito's, with
# yellow and black replaced by Tol's olive and indigo, which print on white. Marks in the same order; crosses
# come last, because figures also mark with a cross what is missing.
PALETTE = (
    *("#117733", "#882255", "#44AA99", "#AA4499"),
    *("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#999933", "#332288"),
)
MARKERS = ("d", "H", "8", "*", "h", "<", ">", "p", "v", "D", "^", "s", "o", "P", "X")
METHODS = {
    "llpacknet": ("#D55E00", "o"),
    "llpacknet-2020": ("#D55E00", "P"),
    "llpacknet-2020-conv": ("#D55E00", "X"),
    "llpacknet-pixelshuffle": ("#D55E00", "*"),
    "sid-unet": ("#0072B2", "s"),
    "sid-unet+amplifier": ("#56B4E9", "D"),
    "sgn": ("#009E73", "^"),
    "did": ("#E69F00", "v"),
    "red": ("#CC79A7", "<"),
    "lime": ("#999933", ">"),
    "robust-retinex": ("#332288", "p"),
    "gain-only": ("#666666", "h"),
    "adu-net": ("#117733", "d"),
    "dnf": ("#882255", "P"),
    "rawformer-s": ("#AA4499", ">"),
    "rawformer-b": ("#AA4499", "<"),
    "rawformer-l": ("#AA4499", "^"),
    "mcr": ("#44AA99", "p"),
    "sid-unet-raw": ("#56B4E9", "X"),
}
# Line styles of variants that share a colour with their original.
LINES = {
    "llpacknet-2020": "--",
    "llpacknet-2020-conv": "-.",
    "llpacknet-pixelshuffle": ":",
    "sid-unet+amplifier": "--",
}
RULES: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#444444",
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "svg.hashsalt": "llbench",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@dataclass(frozen=True)
class Drawn:
    """A figure with what stands beside it.

    Attributes:
        name: file name without its suffix.
        title: heading.
        caption: what it shows and what it rests on.
        alternative: the same for those who do not see it, in one sentence.
        figure: the drawing.
        photographs: whether it consists of photographs, which vectors do not help.
    """

    name: str
    title: str
    caption: str
    alternative: str
    figure: Figure
    photographs: bool = False


def look(model: str, among: Sequence[str] = ()) -> tuple[str, str]:
    """Colour and marker of a method; a user's own gets those that no method shown beside it has."""
    if model in METHODS:
        return METHODS[model]
    strangers = sorted(set(among) - set(METHODS))
    index = strangers.index(model) if model in strangers else 0
    taken = {part for name in among if name in METHODS for part in METHODS[name]}
    colours = [colour for colour in PALETTE if colour not in taken] or PALETTE
    markers = [marker for marker in MARKERS if marker not in taken] or MARKERS
    return colours[index % len(colours)], markers[index % len(markers)]


def figure(width: float, height: float, **settings: Any) -> Figure:
    """Return a figure of a size in inches, drawn without any display."""
    made = Figure(figsize=(width, height), layout="constrained", **settings)
    FigureCanvasAgg(made)
    return made


def styled() -> Any:
    """Context in which figures are drawn and saved: this style alone, whatever a user's matplotlibrc says."""
    return context(RULES, after_reset=True)


def save(drawn: Figure, folder: Path, name: str, *, photographs: bool = False) -> list[Path]:
    """Write `<folder>/<name>.png` and `.svg`, of photographs `.jpg`; the same figure gives the same bytes.

    Photographs as PNG, or in an SVG, are ten times as large: noise repeats nothing.
    """
    paths = []
    for suffix, settings in PHOTOGRAPHS if photographs else DRAWINGS:
        stream = io.BytesIO()
        drawn.savefig(stream, format=suffix, dpi=DOTS, **settings)
        drawn.set_layout_engine("none")  # laid out once: both files show the same
        path = folder / f"{name}.{suffix}"
        store.replace(path, stream.getvalue(), durable=False)
        paths.append(path)
    return paths


def plain_log(*which: Axis) -> None:
    """Write logarithmic axes in plain numbers, with 2 and 5 between the tens."""
    for axis in which:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def place_labels(
    axes: Axes,
    labels: Sequence[tuple[float, float, str]],
    *,
    radii: Sequence[float],
    obstacles: Sequence[tuple[float, float, float]] = (),
    size: float = 7,
) -> None:
    """Write a label beside each point so that labels keep off one another and off the bubbles.

    Args:
        axes: where; its limits must be final.
        labels: x, y and text of each.
        radii: radius of each point's bubble in typographic points.
        obstacles: x, y and radius of whatever else is drawn.
        size: font size.
    """
    canvas = axes.figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()  # type: ignore[no-untyped-call]
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    points = axes.figure.get_dpi() / 72
    around = [(x, y, radius) for (x, y, _), radius in zip(labels, radii, strict=True)]
    bubbles = [_square(axes, x, y, 0.8 * radius * points) for x, y, radius in (*around, *obstacles)]
    frame = axes.get_window_extent(renderer)
    taken: list[Bbox] = []
    for index, ((x, y, text), radius) in enumerate(zip(labels, radii, strict=True)):
        others = bubbles[:index] + bubbles[index + 1 :]
        best: tuple[float, float, float, str] | None = None
        probe = _annotate(axes, text, (x, y), (0.0, 0.0), "center", size)
        extent = probe.get_window_extent(renderer)
        probe.remove()
        for align, sideways, upwards in _around(radius):
            aside = {"left": 0.5, "center": 0.0, "right": -0.5}[align] * extent.width
            box = extent.translated(sideways * points + aside, upwards * points).padded(4 * points, points)
            among = 6.0 * sum(box.overlaps(other) for other in taken)
            among += sum(box.overlaps(disc) for disc in others)
            cost = among + 4 * _outside(box, frame) + 0.02 * (abs(upwards) + abs(sideways) - radius)
            if best is None or cost < best[0]:
                best = (cost, sideways, upwards, align)
        assert best is not None
        note = _annotate(
            axes, text, (x, y), best[1:3], best[3], size, leader=math.hypot(*best[1:3]) > radius + 9
        )
        taken.append(note.get_window_extent(renderer))


def _annotate(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    offset: tuple[float, float],
    align: str,
    size: float,
    *,
    leader: bool = False,
) -> Annotation:
    arrow = {"arrowstyle": "-", "color": "#777777", "lw": 0.5, "shrinkA": 0, "shrinkB": 2} if leader else None
    note = axes.annotate(
        text, at, offset, textcoords="offset points", color="#222222", fontsize=size, ha=align, va="center",
        annotation_clip=False, arrowprops=arrow,
    )  # fmt: skip
    note.set_path_effects([patheffects.withStroke(linewidth=2, foreground="white")])
    return note


def _square(axes: Axes, x: float, y: float, half: float) -> Bbox:
    column, row = axes.transData.transform((x, y))
    return Bbox.from_extents(column - half, row - half, column + half, row + half)


def _around(radius: float) -> Iterable[tuple[str, float, float]]:
    near = radius + 3
    for far in (0.0, 6.0, 11.0, 17.0, 24.0, 32.0, 42.0):
        for up in dict.fromkeys((far, -far)):
            yield "left", near + far / 3, up
            yield "right", -near - far / 3, up
        yield "center", 0.0, near + 3 + far
        yield "center", 0.0, -near - 3 - far


def _outside(box: Bbox, frame: Bbox) -> bool:
    return bool(box.x0 < frame.x0 or box.x1 > frame.x1 + 12 or box.y0 < frame.y0 or box.y1 > frame.y1 + 4)
