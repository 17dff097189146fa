"""What is printed, stacked or grown: books, posters, lettering, leaves.

Functions of a place on the surface, in metres, and of the pixel's footprint `fp` there; compiled with numba.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bench.data.scenes.columns import CONTRAST, SCALE, SEED, P, Q
from bench.data.scenes.noise import dead_leaves, fractal, fraction, letters, scramble, smooth
from bench.machine.compiling import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Row = NDArray[np.float64]
    Colours = NDArray[np.float64]


@kernel
def books(m: Row, u: float, v: float, fp: float, palette: Colours) -> tuple[float, float, float]:
    """Rows of backs of books or files on shelves."""
    pitch, seed = m[SCALE], int(m[SEED])
    row = math.floor(v / pitch)
    rise = v / pitch - row
    if rise < 0.08:
        shade = 1.0 + 0.3 * fractal(3.0 * u, 40.0 * v, 3, 30.0 * fp, seed)
        return m[1] * shade, m[2] * shade, m[3] * shade
    cell = 0.14 * pitch
    slot = math.floor(u / cell)
    x = u / cell - slot
    bits = scramble(slot, row, seed)
    split = 0.25 + 0.5 * fraction(bits, 0)
    book = scramble(slot, row, seed + (1 if x < split else 2))
    edge = min(abs(x - split), x, 1.0 - x) * cell
    height = 0.55 + 0.38 * fraction(book, 0)
    if rise > height or fraction(scramble(slot // 5, row, seed + 5), 1) < 0.2:
        dark = 0.25 * m[CONTRAST]
        return m[1] * dark, m[2] * dark, m[3] * dark
    k = int(fraction(book, 1) * len(palette))
    shade = (0.5 + 0.9 * fraction(book, 2)) * smooth(0.0, 0.004 + fp, edge + 0.3 * fp)
    band = abs(rise - 0.25 - 0.3 * fraction(book, 3))
    if band < 0.05:
        shade *= 1.7
    elif rise > 0.3 and rise < height - 0.1:
        shade *= 1.0 + 0.8 * letters(v, u, 0.02, fp, seed + 11)
    return palette[k, 0] * shade, palette[k, 1] * shade, palette[k, 2] * shade


@kernel
def leaf_colour(m: Row, bits: np.uint64, along: float, across: float) -> tuple[float, float, float]:
    """Colour of one leaf between the material's two, its own tint and curl."""
    mix = fraction(bits * np.uint64(5), 3)
    shade = (
        1.0 + m[CONTRAST] * (1.8 * fraction(bits * np.uint64(7), 3) - 0.9) + 0.25 * along - 0.15 * abs(across)
    )
    shade = max(shade, 0.08)
    return (
        (m[1] + (m[4] - m[1]) * mix) * shade,
        (m[2] + (m[5] - m[2]) * mix) * shade,
        (m[3] + (m[6] - m[3]) * mix) * shade,
    )


@kernel
def poster(m: Row, u: float, v: float, fp: float, palette: Colours) -> tuple[float, float, float]:
    """Print a picture with a border, a heading and text; p and q are its width and height in metres."""
    x, y, seed = u / m[P], v / m[Q], int(m[SEED])
    border = 0.05
    if min(x, 1.0 - x) < border or min(y, 1.0 - y) < border:
        return m[1], m[2], m[3]
    if y < 0.3:
        ink = letters(u, (0.3 - y) * m[Q], 0.035 * m[Q], fp, seed)
        return m[1] + (m[4] - m[1]) * ink, m[2] + (m[5] - m[2]) * ink, m[3] + (m[6] - m[3]) * ink
    bits, along, _ = dead_leaves(u, v, 0.35 * m[P], 6, 1.3, fp, seed)
    if bits == 0:
        return m[4], m[5], m[6]
    k = int(fraction(bits * np.uint64(5), 3) * len(palette))
    shade = 0.8 + 0.5 * fraction(bits * np.uint64(7), 3) + 0.2 * along
    return palette[k, 0] * shade, palette[k, 1] * shade, palette[k, 2] * shade


@kernel
def text_ink(m: Row, u: float, v: float, fp: float) -> float:
    """Ink on a sign of p x q metres: a border line, a heading and lines of smaller text."""
    width, height, seed = m[P], m[Q], int(m[SEED])
    margin = 0.07 * min(width, height)
    inner = min(u, width - u, v, height - v)
    if inner < margin:
        return 1.0 if 0.45 * margin < inner < 0.7 * margin else 0.0
    down = height - v - 1.4 * margin
    heading = 0.16 * height
    if down < 0.0 or u < 1.6 * margin or u > width - 1.6 * margin:
        return 0.0
    if down < 1.6 * heading:
        return letters(u, down, heading, fp, seed)
    return letters(u, down - 1.6 * heading, m[SCALE], fp, seed + 1) if v > 1.5 * margin else 0.0
