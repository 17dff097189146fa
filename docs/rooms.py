# ruff: noqa: INP001 - a script, no package
"""Draws the rooms of the project and the data's way through them into docs/images/rooms.svg.

    python docs/rooms.py

`tests/test_rooms.py` holds the drawing against the code: every module has its room; no room imports one that
stands on a higher level; a solid arrow joins rooms of which one imports the other; rooms that speak to each
other in files alone do not import each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal

FILE = Path(__file__).parent / "images" / "rooms.svg"
WIDTH, HEIGHT = 1180, 660
INK, LINE = "#1c2733", "#5b6b7a"
FILLS = {"bench": "#e8eef6", "baselines": "#f6eedd", "llpacknet": "#e3f1e5"}
FONT = "font-family='Helvetica, Arial, sans-serif'"

ARROWHEAD = (
    "<marker id='end' viewBox='0 0 10 10' refX='9' refY='5' markerWidth='7' markerHeight='7' "
    f"orient='auto-start-reverse'><path d='M0 0L10 5L0 10z' fill='{LINE}'/></marker>"
)


@dataclass(frozen=True)
class Box:
    """A place in the drawing, in pixels."""

    left: int
    top: int
    width: int = 180
    height: int = 64


@dataclass(frozen=True)
class Room:
    """Some modules with one task.

    Attributes:
        name: how the drawing calls it.
        does: its task in a few words.
        level: it imports rooms of lower levels only.
        box: its place.
        modules: its modules and packages, by name; the longest prefix decides.
        family: the package that it belongs to.
    """

    name: str
    does: str
    level: int
    box: Box
    modules: tuple[str, ...]
    family: str = "bench"


@dataclass(frozen=True)
class Way:
    """What goes from one room to another.

    Attributes:
        source: the room it comes from.
        target: the room it goes to.
        what: what goes there.
        by: "call" inside one process, "files" on disk or JSON on a pipe.
        points: corners of its line, the last one where the arrow ends.
        label: where `what` is written.
        apart: whether the two rooms must not import each other: they speak in files alone.
    """

    source: str
    target: str
    what: str
    by: Literal["call", "files"]
    points: tuple[tuple[int, int], ...]
    label: tuple[int, int]
    apart: bool = False


ROOMS = (
    Room("cli", "llbench, one module per verb", 8, Box(40, 24, 1100, 48),
         ("bench", "bench.cli", "bench.__main__", "bench.licences", "bench.gating", "bench.pytest_plugin")),
    Room("cluster", "tasks for Dask", 6, Box(236, 130, 108), ("bench.cluster",)),
    Room("train", "patches, losses, the loop", 4, Box(40, 130), ("bench.train",)),
    Room("experiment", "UnPack, trained", 7, Box(252, 208, 98, 56), ("bench.train.unpack",)),
    Room("restore", "own photographs", 1, Box(838, 130, 104), ("bench.restore",)),
    Room("manager", "plans, starts, waits; no torch", 5, Box(360, 130, 220),
         ("bench.manager", "bench.attempt", "bench.process", "bench.rounds", "bench.plan", "bench.span",
          "bench.reproduce", "bench.progress", "bench.outcome", "bench.preflight", "bench.sampling",
          "bench.turns")),
    Room("gate", "two revisions take turns", 6, Box(500, 368, 150, 56), ("bench.gate",)),
    Room("score", "pictures made elsewhere", 7, Box(640, 130, 190),
         ("bench.score", "bench.score_files", "bench.pictures")),
    Room("conformance", "is it called as agreed?", 6, Box(950, 130, 190), ("bench.conformance",)),
    Room("data", "dark raws, pairs, the camera", 3, Box(40, 280, 200), ("bench.data",)),
    Room("measure", "one job per fresh process", 4, Box(360, 280, 220),
         ("bench.measure", "bench.worker", "bench.subjects")),
    Room("judge", "intervals, verdicts", 5, Box(720, 280, 160), ("bench.judge", "bench.waterfall")),
    Room("show", "tables, figures, report", 6, Box(960, 280), ("bench.show",)),
    Room("baselines", "the methods, a folder each", 1, Box(40, 430, 200), ("baselines",), "baselines"),
    Room("metrics", "PSNR, SSIM, LPIPS", 3, Box(360, 430, 220), ("bench.metrics",)),
    Room("records", "cells, jobs, protocols, store: what all speak in", 2, Box(720, 430, 420),
         ("bench.cells", "bench.jobs", "bench.schema", "bench.store", "bench.provenance", "bench.environment",
          "bench.protocols", "bench.places", "bench.address", "bench.runtimes", "bench.predictions",
          "bench.tiers", "bench.trace", "bench.affinity", "bench.strays", "bench.upgrades")),
    Room("llpacknet", "the network, its gain, raw files in and out", 0, Box(40, 570, 1100, 56),
         ("llpacknet",), "llpacknet"),
)  # fmt: skip

WAYS = (
    Way("cli", "manager", "a request", "call", ((470, 72), (470, 130)), (478, 106)),
    Way("cli", "cluster", "many hosts", "call", ((290, 72), (290, 130)), (298, 106)),
    Way("cluster", "manager", "", "call", ((344, 162), (360, 162)), (344, 154)),
    Way("gate", "measure", "turns: JSON on a socket", "call", ((520, 368), (520, 344)), (528, 360)),
    Way("cli", "score", "two folders", "call", ((735, 72), (735, 130)), (743, 106)),
    Way("cli", "restore", "raw files", "call", ((890, 72), (890, 130)), (898, 106)),
    Way("cli", "train", "a recipe", "call", ((130, 72), (130, 130)), (138, 106)),
    Way("cli", "conformance", "a name", "call", ((1045, 72), (1045, 130)), (1053, 106)),
    Way("data", "train", "the camera model", "call", ((130, 280), (130, 194)), (138, 242)),
    Way("data", "measure", "raw files", "files", ((240, 312), (360, 312)), (268, 304)),
    Way("manager", "measure", "orders: JSON on a pipe", "files", ((470, 194), (470, 280)), (478, 242),
        apart=True),
    Way("measure", "judge", "cells/*.json", "files", ((580, 312), (720, 312)), (590, 304), apart=True),
    Way("judge", "show", "verdicts", "call", ((880, 312), (960, 312)), (892, 304)),
    Way("baselines", "measure", "methods", "call", ((240, 450), (300, 450), (300, 332), (360, 332)),
        (308, 396)),
    Way("metrics", "measure", "scores", "call", ((420, 430), (420, 344)), (428, 392)),
    Way("metrics", "score", "scores", "call", ((580, 450), (670, 450), (670, 194)),
        (678, 262)),
    Way("judge", "score", "the way between means", "call", ((800, 280), (800, 194)), (808, 242)),
    Way("llpacknet", "baselines", "networks, raw frames", "call", ((140, 570), (140, 494)), (148, 538)),
)  # fmt: skip

OUTPUTS = ((1050, 344, 1050, 392, "tables/, figures/, report.html"),)
"""What leaves the last room: from, to, and what it is."""


def draw() -> str:
    """Return the drawing as SVG, the same bytes on every machine."""
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' role='img' {FONT}>",
        "<title>The rooms of the project and the data's way through them</title>",
        f"<defs>{ARROWHEAD}</defs>",
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='#ffffff'/>",
        *(_way(way) for way in WAYS),
        *(_arrow(((x, y), (end_x, end_y)), files=True) for x, y, end_x, end_y, _ in OUTPUTS),
        *(_text(end_x, end_y + 16, what, 13, anchor="middle") for _, _, end_x, end_y, what in OUTPUTS),
        *(_room(room) for room in ROOMS),
        _arrow(((40, 648), (90, 648)), files=False),
        _text(98, 652, "a call: one room imports the other", 12),
        _arrow(((360, 648), (410, 648)), files=True),
        _text(418, 652, "files, or JSON on a pipe", 12),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _room(room: Room) -> str:
    box = room.box
    middle, centre = box.left + box.width // 2, box.top + box.height // 2
    place = f"x='{box.left}' y='{box.top}' width='{box.width}' height='{box.height}'"
    frame = f"<rect {place} rx='8' fill='{FILLS[room.family]}' stroke='{LINE}'/>"
    name = _text(middle, centre - 4, room.name, 16, anchor="middle", weight="bold")
    return frame + name + _text(middle, centre + 15, room.does, 12, anchor="middle")


def _way(way: Way) -> str:
    return _arrow(way.points, files=way.by == "files") + _text(*way.label, way.what, 13)


def _arrow(points: tuple[tuple[int, int], ...], *, files: bool) -> str:
    path = "L".join(f"{x} {y}" for x, y in points)
    dashes = " stroke-dasharray='6 4'" if files else ""
    return (
        f"<path d='M{path}' fill='none' stroke='{LINE}' stroke-width='1.6' marker-end='url(#end)'{dashes}/>"
    )


def _text(x: int, y: int, text: str, size: int, *, anchor: str = "start", weight: str = "normal") -> str:
    look = f"font-size='{size}' text-anchor='{anchor}' font-weight='{weight}' fill='{INK}'"
    return f"<text x='{x}' y='{y}' {look}>{escape(text)}</text>"


if __name__ == "__main__":
    FILE.write_text(draw(), encoding="utf-8")
