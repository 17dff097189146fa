"""What a ray finds on a surface: colour, light of its own, or a hole through which it goes on.

Every kind of material is a function of position alone, so that an image can be computed in any order and at
any size. Reflectances and radiances are linear sRGB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.data.scenes.columns import (
    ASPHALT,
    BOOKS,
    BRICK,
    CARTON,
    CLUTTER,
    CONTRAST,
    GLOW,
    LAMP,
    LEAVES,
    PLANKS,
    POSTER,
    SCALE,
    SEED,
    SIGN,
    STRIPES,
    TILES,
    WINDOWS,
    WIRE,
    P,
    Q,
    R,
    S,
)
from bench.data.scenes.noise import dead_leaves, fractal, fraction, letters, smooth
from bench.data.scenes.patterns import asphalt, bond, joint, planks, stain, window
from bench.data.scenes.prints import books, leaf_colour, poster, text_ink
from bench.machine.compiling import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Row = NDArray[np.float64]
    Colours = NDArray[np.float64]

# Whether it is a hole, reflectance (3), own radiance (3).
Found = tuple[bool, float, float, float, float, float, float]


@kernel
def surface(m: Row, u: float, v: float, fp: float, slant: float, palette: Colours) -> Found:
    """Material `m` at (u, v) metres, with pixels of `fp` metres, seen at a slant (1 face on, 0 along)."""
    kind = int(m[0])
    if kind == LAMP:
        return False, 0.5, 0.5, 0.5, m[1] * m[GLOW], m[2] * m[GLOW], m[3] * m[GLOW]
    if kind == LEAVES:
        return _leaves(m, u, v, fp, slant)
    if kind == WINDOWS:
        wall, red, green, blue, glow_r, glow_g, glow_b = window(m, u, v, fp)
        if wall == 0.0:
            return False, red, green, blue, glow_r, glow_g, glow_b
    elif kind == WIRE:
        width = max(m[P], 0.6 * fp)
        a, b = (u + v) / m[SCALE], (u - v) / m[SCALE]
        if min(abs(a - round(a)), abs(b - round(b))) * m[SCALE] > 0.5 * width:
            return True, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if kind in (SIGN, POSTER, BOOKS, CLUTTER):
        red, green, blue = _printed(m, kind, u, v, fp, palette)
    else:
        mix, shade, paint = _built(m, kind, u, v, fp)
        shade *= 1.0 + 0.22 * fractal(160.0 * u, 160.0 * v, 3, 160.0 * fp, 77)
        rest = (1.0 - paint) * shade
        white = 0.45 * paint * (0.8 + 0.2 * shade)
        red = (m[1] + (m[4] - m[1]) * mix) * rest + white
        green = (m[2] + (m[5] - m[2]) * mix) * rest + white
        blue = (m[3] + (m[6] - m[3]) * mix) * rest + white
    glow = m[GLOW] if kind in (SIGN, POSTER) else 0.0
    return False, red, green, blue, glow * red, glow * green, glow * blue


@kernel
def _leaves(m: Row, u: float, v: float, fp: float, slant: float) -> Found:
    """Leaves or blades: p their slimness, r octaves of size; holes where q > 0, s their pattern's length.

    q 1 leaves no hole but at the rim of a crown, q near 0 leaves few leaves.
    """
    seed = int(m[SEED])
    bits, along, across = dead_leaves(u, v, m[SCALE], int(m[R]), m[P], fp, seed)
    slow = stain(u, v, fp, seed + 2)
    if m[Q] > 0.0:
        gap = fractal(u / m[S], v / m[S], 5, fp / m[S], seed + 3)
        keep = m[Q] + 1.6 * gap - 1.3 * (1.0 - smooth(0.1, 0.75, slant))
        if bits == 0 or fraction(bits * np.uint64(11), 3) > keep:
            return True, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    elif bits == 0:
        mid = 0.35 * slow
        return False, (m[1] + m[4]) * mid, (m[2] + m[5]) * mid, (m[3] + m[6]) * mid, 0.0, 0.0, 0.0
    red, green, blue = leaf_colour(m, bits, along, across)
    return False, red * slow, green * slow, blue * slow, 0.0, 0.0, 0.0


@kernel
def _built(m: Row, kind: int, u: float, v: float, fp: float) -> tuple[float, float, float]:
    """How much of the second colour, brightness about 1, and how much white paint lies over both."""
    seed = int(m[SEED])
    if kind in (BRICK, TILES, WINDOWS):
        high = m[SCALE]
        long, shift = (high, 0.0) if kind == TILES else (3.1 * high, 0.5)
        mortar, bits = bond(u, v, long, high, shift, fp, seed)
        rough = fractal(4.0 * u / high, 4.0 * v / high, 4, 4.0 * fp / high, seed + 1)
        tint = 1.0 + m[CONTRAST] * (1.6 * fraction(bits, 0) - 0.8)
        return mortar, tint * (1.0 + 0.3 * rough) * stain(u, v, fp, seed + 2), 0.0
    if kind == PLANKS:
        return 0.0, planks(u, v, m[SCALE], m[CONTRAST], fp, seed) * stain(u, v, fp, seed + 2), 0.0
    if kind == ASPHALT:
        return 0.0, asphalt(u, v, m[CONTRAST], fp, seed), 0.0
    if kind == STRIPES:
        return _stripes(m, u, v, fp, seed)
    if kind == CARTON:
        fibre = 0.08 * fractal(90.0 * u, 4.0 * v, 2, 60.0 * fp, seed)
        shade = 1.0 + 0.25 * fractal(2.0 * u, 2.0 * v, 6, 2.0 * fp, seed) + fibre
        shade *= 1.0 + 0.45 * joint((u / m[P] + 0.5) % 1.0, 0.05 / m[P], fp / m[P])
        printed = 0.1 * m[P] < u < 0.45 * m[P] and 0.25 * m[Q] < v < 0.75 * m[Q]
        return letters(u, m[Q] - v, m[SCALE], fp, seed) if printed else 0.0, shade, 0.0
    shade = 1.0 + m[CONTRAST] * fractal(u / m[SCALE], v / m[SCALE], 8, fp / m[SCALE], seed)
    return 0.5 * smooth(0.15, 0.4, fractal(0.7 * u, 0.7 * v, 6, 0.7 * fp, seed + 7)), shade, 0.0


@kernel
def _stripes(m: Row, u: float, v: float, fp: float, seed: int) -> tuple[float, float, float]:
    """Worn lines of width q every p metres across u, and one along v = r, where the second colour begins."""
    place = u / m[P] - np.floor(u / m[P])
    line = joint(place, m[Q] / m[P], fp / m[P])
    along = 1.0 - smooth(0.5 * m[Q] - 0.5 * fp, 0.5 * m[Q] + 0.5 * fp + 0.004, abs(v - m[R]))
    worn = min(max(0.85 + 0.5 * fractal(3.0 * u, 3.0 * v, 5, 3.0 * fp, seed + 13), 0.0), 1.0)
    return (0.0 if v < m[R] else 1.0), asphalt(u, v, m[CONTRAST], fp, seed), max(line, along) * worn


@kernel
def _printed(
    m: Row, kind: int, u: float, v: float, fp: float, palette: Colours
) -> tuple[float, float, float]:
    """Colour of things whose colours vary within."""
    seed = int(m[SEED])
    if kind == BOOKS:
        return books(m, u, v, fp, palette)
    if kind == POSTER:
        return poster(m, u, v, fp, palette)
    if kind == SIGN:
        ink = text_ink(m, u, v, fp)
        shade = 1.0 + 0.12 * fractal(3.0 * u, 3.0 * v, 6, 3.0 * fp, seed)
        return (
            (m[1] + (m[4] - m[1]) * ink) * shade,
            (m[2] + (m[5] - m[2]) * ink) * shade,
            (m[3] + (m[6] - m[3]) * ink) * shade,
        )
    bits, along, across = dead_leaves(u, v, m[SCALE], int(m[R]), m[P], fp, seed)
    if bits == 0:
        return m[1], m[2], m[3]
    k = int(fraction(bits * np.uint64(5), 3) * len(palette))
    shade = (0.35 + fraction(bits * np.uint64(7), 3)) * (1.0 + 0.25 * along - 0.2 * abs(across))
    shade *= 1.0 + 0.2 * fractal(30.0 * u, 30.0 * v, 5, 30.0 * fp, seed)
    return palette[k, 0] * shade, palette[k, 1] * shade, palette[k, 2] * shade
