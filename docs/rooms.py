# ruff: noqa: INP001 - a script, no package
"""Draws the rooms of the project into docs/images/rooms.svg, from the contracts in pyproject.toml.

    python docs/rooms.py

A row of the drawing is a layer of the contracts that `lint-imports` checks: imports run down only, and rooms
of one row do not know each other. What a room is for is the first line of its package's docstring.
"""

from __future__ import annotations

import ast
import textwrap
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "images" / "rooms.svg"
WIDTH, MARGIN, GAP, HEIGHT = 1180, 40, 22, 92
INK, LINE = "#1c2733", "#5b6b7a"
FILLS = {"bench": "#e8eef6", "baselines": "#f6eedd", "llpacknet": "#e3f1e5"}
FONT = "font-family='Helvetica, Arial, sans-serif'"
CHARACTER = 6.1  # mean width in pixels of a letter at 12 px, from which lines are broken


def layers() -> list[list[str]]:
    """Return the rows from top to bottom, each with the dotted names of its packages."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    inside, outside = (one for one in contracts if one["type"] == "layers")
    rows = [[f"bench.{room.strip()}" for room in row.split("|")] for row in inside["layers"]]
    return rows + [[package] for package in outside["layers"] if package != "bench"]


def purpose(package: str) -> str:
    """Return the first paragraph of a package's docstring."""
    file = ROOT.joinpath(*package.split("."), "__init__.py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.split("\n\n")[0].replace("\n", " ").rstrip(".")


def draw() -> str:
    """Return the drawing as SVG, the same bytes on every machine."""
    rows = layers()
    height = MARGIN * 2 + len(rows) * HEIGHT + (len(rows) - 1) * GAP
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' role='img' {FONT}>",
        "<title>The rooms of the project, from top to bottom; imports run down only</title>",
        "<defs><marker id='end' viewBox='0 0 10 10' refX='9' refY='5' markerWidth='9' orient='auto'>",
        f"<path d='M0 0L10 5L0 10z' fill='{LINE}'/></marker></defs>",
        f"<rect width='{WIDTH}' height='{height}' fill='#ffffff'/>",
        f"<path d='M20 {MARGIN}V{height - MARGIN}' stroke='{LINE}' fill='none' marker-end='url(#end)'/>",
    ]
    for number, row in enumerate(rows):
        width = (WIDTH - 2 * MARGIN - GAP * (len(row) - 1)) / len(row)
        for place, package in enumerate(row):
            parts += _room(package, MARGIN + place * (width + GAP), MARGIN + number * (HEIGHT + GAP), width)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _room(package: str, left: float, top: int, width: float) -> list[str]:
    fill = FILLS[package.partition(".")[0]]
    box = f"x='{left:.0f}' y='{top}' width='{width:.0f}' height='{HEIGHT}' rx='8'"
    lines = textwrap.wrap(purpose(package), int((width - 24) / CHARACTER))
    style = f"font-size='12' fill='{INK}' text-anchor='middle'"
    return [
        f"<rect {box} fill='{fill}' stroke='{LINE}'/>",
        _text(package, left + width / 2, top + 24, f"font-weight='bold' {style.replace('12', '16')}"),
        *(_text(line, left + width / 2, top + 46 + 16 * number, style) for number, line in enumerate(lines)),
    ]


def _text(text: str, x: float, y: int, style: str) -> str:
    return f"<text x='{x:.0f}' y='{y}' {style}>{escape(text)}</text>"


if __name__ == "__main__":
    FILE.write_text(draw(), encoding="utf-8")
