"""One look for every figure: colours safe for colour-blind eyes, markers that tell methods apart in grey."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib import patheffects
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench import store

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

DOTS = 300
"""Dots per inch of PNG files: what print asks for."""
COLUMN, PAGE = 3.5, 7.16
"""Inches: one column and the full width of a two-column page."""

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#999933", "#332288")
"""Okabe and Ito's colours, yellow and black replaced by Tol's olive and indigo, which print on white."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
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


def look(model: str, among: Sequence[str] = ()) -> tuple[str, str]:
    """Colour and marker of a method; a user's own model gets the next free ones of those shown beside it."""
    if model in METHODS:
        return METHODS[model]
    strangers = sorted(set(among) - set(METHODS))
    index = strangers.index(model) if model in strangers else 0
    return PALETTE[index % len(PALETTE)], MARKERS[(index + 3) % len(MARKERS)]


def figure(width: float, height: float, **settings: Any) -> Figure:
    """A figure of a size in inches, drawn without any display."""
    made = Figure(figsize=(width, height), layout="constrained", **settings)
    FigureCanvasAgg(made)
    return made


def styled() -> Any:
    """Context in which figures are drawn and saved."""
    return mpl.rc_context(RULES)


def save(drawn: Figure, folder: Path, name: str) -> list[Path]:
    """Write `<folder>/<name>.png` and `.svg`; the same figure gives the same bytes."""
    paths = []
    for suffix, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        stream = io.BytesIO()
        drawn.savefig(stream, format=suffix, dpi=DOTS, metadata=metadata)
        path = folder / f"{name}.{suffix}"
        _replace(path, stream.getvalue())
        paths.append(path)
    return paths


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise store.unwritable(path.parent, error) from error


def halo(text: Text) -> Text:
    """A label that stays readable on top of lines and bubbles."""
    text.set_path_effects([patheffects.withStroke(linewidth=2, foreground="white")])
    return text


def place_labels(
    axes: Axes, labels: Sequence[tuple[float, float, str, str]], *, radii: Sequence[float], size: float = 7
) -> None:
    """Write a label beside each point so that labels keep off one another and off the points.

    Args:
        axes: where; its limits must be final.
        labels: x, y, text and colour of each.
        radii: radius of each point's bubble in typographic points.
        size: font size.
    """
    canvas = axes.figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    renderer = canvas.get_renderer()
    taken: list[Bbox] = []
    frame = axes.get_window_extent(renderer)
    scale = axes.figure.get_dpi() / 72
    centres = [axes.transData.transform((x, y)) for x, y, _, _ in labels]
    for (x, y, text, colour), radius in zip(labels, radii, strict=True):
        best: tuple[float, Text] | None = None
        for direction, sideways, upwards in _around(radius):
            note = axes.annotate(
                text, (x, y), (sideways, upwards), textcoords="offset points", color=colour, fontsize=size,
                ha=("right", "center", "left")[1 + direction], va="center", annotation_clip=False,
            )  # fmt: skip
            box = note.get_window_extent(renderer).expanded(1.02, 1.05)
            cost = _clashes(box, taken, frame) + 0.6 * sum(box.contains(*centre) for centre in centres)
            cost += abs(upwards) * 1e-3 * scale
            if best is None or cost < best[0]:
                if best is not None:
                    best[1].remove()
                best = (cost, note)
            else:
                note.remove()
        assert best is not None
        taken.append(halo(best[1]).get_window_extent(renderer))


def _around(radius: float) -> Iterable[tuple[int, float, float]]:
    near = radius + 3
    for far in (0, 7, 14, 22):
        yield from ((1, near, far), (-1, -near, far), (1, near, -far), (-1, -near, -far))
        yield from ((0, 0, near + 4 + far), (0, 0, -near - 4 - far))


def _clashes(box: Bbox, taken: Sequence[Bbox], frame: Bbox) -> float:
    overlaps = sum(box.overlaps(other) for other in taken)
    outside = box.x0 < frame.x0 or box.x1 > frame.x1 + 10 or box.y0 < frame.y0 or box.y1 > frame.y1 + 6
    return overlaps + 2 * outside
