"""Patterns without state: hashes, value noise, dead leaves and lettering, evaluated at a point of a surface.

Compiled with numba. Only integer arithmetic, + - * / and floor are used: no function of a mathematics
library, so that the same seed gives the same bits on every processor. `fp` is the footprint of a pixel in
the surface's unit: structure finer than that is left out, which is the level of detail of a distant or a
small image.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bench.machine.compiling import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray


@kernel
def scramble(a: int, b: int, seed: int) -> np.uint64:
    """64 well-mixed bits of two lattice coordinates and a seed."""
    h = np.uint64(a) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(b) * np.uint64(0xC2B2AE3D27D4EB4F)
    h ^= np.uint64(seed) * np.uint64(0x165667B19E3779F9)
    h ^= h >> np.uint64(30)
    h *= np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(27)
    h *= np.uint64(0x94D049BB133111EB)
    h ^= h >> np.uint64(31)
    return h


@kernel
def fraction(bits: np.uint64, field: int) -> float:
    """One of four independent uniform numbers in [0, 1) in 64 bits: field 0 to 3."""
    return float((bits >> np.uint64(16 * field)) & np.uint64(0xFFFF)) / 65536.0


@kernel
def smooth(low: float, high: float, x: float) -> float:
    """0 below `low`, 1 above `high`, a cubic between."""
    t = (x - low) / (high - low)
    t = min(max(t, 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@kernel
def value_noise(u: float, v: float, seed: int) -> float:
    """Smooth noise in [0, 1] with a period of one unit between its lattice points."""
    i, j = math.floor(u), math.floor(v)
    x, y = u - i, v - j
    x = x * x * (3.0 - 2.0 * x)
    y = y * y * (3.0 - 2.0 * y)
    a = fraction(scramble(i, j, seed), 0)
    b = fraction(scramble(i + 1, j, seed), 0)
    c = fraction(scramble(i, j + 1, seed), 0)
    d = fraction(scramble(i + 1, j + 1, seed), 0)
    return (a + (b - a) * x) * (1.0 - y) + (c + (d - c) * x) * y


@kernel
def fractal(u: float, v: float, octaves: int, fp: float, seed: int) -> float:
    """Octaves of value noise of amplitude 1/frequency, summed about 0 (-1 to 1); fp in periods."""
    total, amplitude, frequency = 0.0, 0.5, 1.0
    for octave in range(octaves):
        if frequency * fp > 0.6:
            break
        total += amplitude * (2.0 * value_noise(u * frequency, v * frequency, seed + 31 * octave) - 1.0)
        amplitude *= 0.55
        frequency *= 2.03
    return total


@kernel
def dead_leaves(
    u: float, v: float, largest: float, octaves: int, aspect: float, fp: float, seed: int
) -> tuple[np.uint64, float, float]:
    """Topmost leaf at a point of an endless pile of opaque leaves.

    Radii span `octaves` halvings from `largest` down, as many per octave as cover the same area: a power law
    with density r^-3. Every leaf has its own place in the pile, so that small ones lie on large ones and
    below.

    Returns:
        the leaf's bits (0: none, where leaves are too fine for the footprint or leave a gap) and the
        position in the leaf along and across, both from -1 to 1.
    """
    top, bits, along, across = -1.0, np.uint64(0), 0.0, 0.0
    radius = largest
    for octave in range(octaves):
        if radius < 0.7 * fp:
            break
        cell = 1.6 * radius
        i, j = math.floor(u / cell), math.floor(v / cell)
        for di in range(-1, 2):
            for dj in range(-1, 2):
                h = scramble(i + di, j + dj, seed + 101 * octave)
                order = fraction(h, 0)
                if order <= top:
                    continue
                x = u / cell - (i + di) - fraction(h, 1)
                y = v / cell - (j + dj) - fraction(h, 2)
                # A direction from rational arithmetic: ((1 - t^2), 2t) / (1 + t^2), t in [-1, 1).
                t = 2.0 * fraction(h, 3) - 1.0
                c, s = (1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t)
                size = 0.45 + 0.4 * fraction(h * np.uint64(3), 3)
                p = (c * x + s * y) / size
                q = (c * y - s * x) * aspect / size
                if p * p + q * q < 1.0:
                    top, bits, along, across = order, h | np.uint64(1), p, q
        radius *= 0.5
    return bits, along, across


def _font() -> NDArray[np.int64]:
    """Thirty-six capitals and digits in a 5 x 7 raster, drawn for this project; (36, 7) rows of five bits."""
    drawn = (
        "01110 10001 10001 11111 10001 10001 10001", "11110 10001 10001 11110 10001 10001 11110",
        "01111 10000 10000 10000 10000 10000 01111", "11110 10001 10001 10001 10001 10001 11110",
        "11111 10000 10000 11110 10000 10000 11111", "11111 10000 10000 11110 10000 10000 10000",
        "01111 10000 10000 10011 10001 10001 01111", "10001 10001 10001 11111 10001 10001 10001",
        "01110 00100 00100 00100 00100 00100 01110", "00111 00010 00010 00010 00010 10010 01100",
        "10001 10010 10100 11000 10100 10010 10001", "10000 10000 10000 10000 10000 10000 11111",
        "10001 11011 10101 10101 10001 10001 10001", "10001 11001 10101 10101 10011 10001 10001",
        "01110 10001 10001 10001 10001 10001 01110", "11110 10001 10001 11110 10000 10000 10000",
        "01110 10001 10001 10001 10101 10010 01101", "11110 10001 10001 11110 10100 10010 10001",
        "01111 10000 10000 01110 00001 00001 11110", "11111 00100 00100 00100 00100 00100 00100",
        "10001 10001 10001 10001 10001 10001 01110", "10001 10001 10001 10001 10001 01010 00100",
        "10001 10001 10001 10101 10101 11011 10001", "10001 10001 01010 00100 01010 10001 10001",
        "10001 10001 01010 00100 00100 00100 00100", "11111 00001 00010 00100 01000 10000 11111",
        "01110 10011 10101 10101 10101 11001 01110", "00100 01100 00100 00100 00100 00100 01110",
        "01110 10001 00001 00110 01000 10000 11111", "11110 00001 00001 01110 00001 00001 11110",
        "00010 00110 01010 10010 11111 00010 00010", "11111 10000 11110 00001 00001 10001 01110",
        "01110 10000 11110 10001 10001 10001 01110", "11111 00001 00010 00100 00100 01000 01000",
        "01110 10001 10001 01110 10001 10001 01110", "01110 10001 10001 01111 00001 00001 01110",
    )  # fmt: skip
    return np.array([[int(row, 2) for row in glyph.split()] for glyph in drawn], np.int64)


_FONT = _font()


@kernel
def _dot(glyph: int, column: int, row: int) -> float:
    if column < 0 or column > 4 or row < 0 or row > 6:
        return 0.0
    return float((_FONT[glyph, row] >> (4 - column)) & 1)


@kernel
def letters(u: float, v: float, height: float, fp: float, seed: int) -> float:
    """Ink (0 to 1) of lines of random words; v downwards; a line takes 1.6 heights, a letter 0.8 of one."""
    line = math.floor(v / (1.6 * height))
    place = math.floor(u / (0.8 * height))
    bits = scramble(place, line, seed)
    word = fraction(scramble(place // 3, line, seed + 7), 1)
    if fraction(bits, 1) < 0.16 or word < 0.12:
        return 0.0
    y = (v / (1.6 * height) - line) * 1.6 * 7.0 - 1.0
    x = (u / (0.8 * height) - place) * 6.6 - 0.8
    if fp * 7.0 > 1.6 * height:
        return 0.3 if -0.5 < y < 7.5 else 0.0
    glyph = int(fraction(bits, 2) * 36.0)
    i, j = math.floor(x - 0.5), math.floor(y - 0.5)
    a, b = x - 0.5 - i, y - 0.5 - j
    ink = (_dot(glyph, i, j) * (1 - a) + _dot(glyph, i + 1, j) * a) * (1 - b)
    ink += (_dot(glyph, i, j + 1) * (1 - a) + _dot(glyph, i + 1, j + 1) * a) * b
    soft = min(max(fp * 7.0 / height, 0.12), 0.5)
    return smooth(0.5 - soft, 0.5 + soft, ink)
