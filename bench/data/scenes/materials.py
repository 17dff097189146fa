"""What surfaces look like: colour, light of their own and holes, at a point given in metres along the surface.

A material is one row of numbers (`COLUMNS`); the kernels read it, `scene.py` writes it. Reflectances are linear
sRGB. Every kind is a function of position alone, so that a picture can be computed in any order and at any size.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from bench.data.scenes.noise import dead_leaves, fraction, fractal, letters, scramble, smooth

KINDS = (
    "plain", "brick", "planks", "asphalt", "tiles", "leaves", "clutter", "sign", "windows", "stripes",
    "books", "carton", "lamp", "wire", "poster",
)  # fmt: skip
"""Names of the kinds; a material's first number is its place here."""

COLUMNS = (
    "kind", "a_red", "a_green", "a_blue", "b_red", "b_green", "b_blue", "scale", "contrast", "seed", "glow",
    "gloss", "p", "q", "r", "opacity",
)  # fmt: skip
"""Columns of a material: kind, two colours, size of its pattern in metres, contrast of its variation, seed,
radiance of its own light, strength of highlights, three numbers with a meaning per kind, and how much of a lamp's
light it keeps from what lies behind."""

(PLAIN, BRICK, PLANKS, ASPHALT, TILES, LEAVES, CLUTTER, SIGN, WINDOWS, STRIPES, BOOKS, CARTON, LAMP, WIRE,
 POSTER) = range(len(KINDS))  # fmt: skip


@njit(cache=True, error_model="numpy")
def _joint(x: float, width: float, fp: float) -> float:
    """How much of a joint of `width` shows at x in [0, 1) of a period (0 to 1), softened by the footprint."""
    d = min(x, 1.0 - x)
    soft = max(fp, 0.15 * width)
    shown = min(1.0, width / soft)
    return shown * (1.0 - smooth(0.5 * width - 0.5 * soft, 0.5 * width + 0.5 * soft, d))


@njit(cache=True, error_model="numpy")
def _stain(u: float, v: float, fp: float, seed: int) -> float:
    """Slow unevenness of any real surface, about 1."""
    return 1.0 + 0.35 * fractal(0.8 * u, 0.8 * v, 5, 0.8 * fp, seed)


@njit(cache=True, error_model="numpy")
def _mortar_pattern(
    u: float, v: float, long: float, high: float, shift: float, fp: float, seed: int
) -> tuple[float, int]:
    """Joint strength and the stone's bits in a running bond of stones `long` x `high`."""
    row = math.floor(v / high)
    x = u / long + shift * (row % 2)
    column = math.floor(x)
    width = 0.09 * high
    joint = max(_joint(x - column, width / long, fp / long), _joint(v / high - row, width / high, fp / high))
    return joint, scramble(column, row, seed)


@njit(cache=True, error_model="numpy")
def _asphalt(u: float, v: float, contrast: float, fp: float, seed: int) -> float:
    grain = fractal(70.0 * u, 70.0 * v, 3, 70.0 * fp, seed)
    patches = fractal(0.6 * u, 0.6 * v, 7, 0.6 * fp, seed + 5)
    crack = abs(fractal(0.5 * u, 0.5 * v, 6, 0.5 * fp, seed + 9))
    line = 1.0 - 0.55 * (1.0 - smooth(0.0, 0.012 + fp, crack)) * min(1.0, 0.012 / (0.012 + fp))
    return max(0.05, (1.0 + contrast * (0.7 * grain + 0.9 * patches)) * line)


@njit(cache=True, error_model="numpy")
def _planks(u: float, v: float, width: float, contrast: float, fp: float, seed: int) -> float:
    column = math.floor(u / width)
    board = scramble(column, 0, seed)
    shift = 50.0 * fraction(board, 1)
    grain = fractal(60.0 * u + shift, 1.7 * v + shift, 4, 40.0 * fp, seed)
    fleck = fractal(9.0 * u + shift, 0.9 * v + shift, 4, 6.0 * fp, seed + 3)
    gap = _joint(u / width - column, 0.05, fp / width)
    tint = 1.0 + contrast * (1.6 * fraction(board, 0) - 0.8)
    return max(0.04, tint * (1.0 + 0.35 * grain + 0.4 * fleck)) * (1.0 - 0.92 * gap)


@njit(cache=True, error_model="numpy")
def _window(
    m: np.ndarray, u: float, v: float, fp: float, palette: np.ndarray
) -> tuple[float, float, float, float, float, float, float]:
    """A wall with windows: part of the wall (0: window), reflectance and glow of the window."""
    pitch, storey, seed = m[12], m[13], int(m[9])
    i, j = math.floor(u / pitch), math.floor(v / storey)
    x, y = u / pitch - i, v / storey - j
    bits = scramble(i, j, seed)
    half_width, low, high = 0.24 + 0.06 * fraction(scramble(0, 0, seed), 1), 0.28, 0.8
    if abs(x - 0.5) > half_width + 0.025 or y < low - 0.03 or y > high + 0.025:
        return 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    inside = (x - 0.5 + half_width) / (2.0 * half_width)
    rise = (y - low) / (high - low)
    frame = max(
        _joint(min(max(inside, 0.0), 0.999), 0.05, fp / pitch),
        _joint(min(max(rise, 0.0), 0.999), 0.05, fp / storey),
    )
    if fraction(bits, 3) > 0.3:
        frame = max(frame, 0.9 * _joint((inside + 0.5) % 1.0, 0.05, fp / pitch))
    if frame > 0.5 or inside < 0.0 or inside > 1.0 or rise < 0.0 or rise > 1.0:
        return 0.0, 0.3, 0.29, 0.27, 0.0, 0.0, 0.0
    if fraction(bits, 0) > m[14]:
        sheen = 0.02 + 0.02 * rise
        return 0.0, sheen, sheen, 1.2 * sheen, 0.0, 0.0, 0.0
    light = m[10] * (0.15 + 1.2 * fraction(bits, 1) ** 3) * (0.45 + 0.55 * rise)
    curtain = 1.0
    if fraction(bits, 2) > 0.45:
        fold = fractal(14.0 * inside + 9.0 * fraction(bits, 1), 0.4 * rise, 3, 10.0 * fp, seed + 17)
        curtain = (0.55 + 0.5 * fold) if abs(inside - 0.5) > 0.18 else 1.0
    else:
        leaf, along, _ = dead_leaves(u, v, 0.25, 4, 1.4, fp, seed + 23)
        if leaf != 0 and rise < 0.55:
            curtain = 0.2 + 0.9 * fraction(leaf, 1) + 0.1 * along
    warm = fraction(scramble(i // 2, j, seed + 3), 2)
    red, blue = 1.0, 0.38 + 0.5 * warm * warm
    green = 0.72 + 0.2 * warm
    light *= max(curtain, 0.05)
    return 0.0, 0.05, 0.05, 0.05, red * light, green * light, blue * light


@njit(cache=True, error_model="numpy")
def _books(m: np.ndarray, u: float, v: float, fp: float, palette: np.ndarray) -> tuple[float, float, float]:
    """Rows of backs of books or files on shelves."""
    pitch, seed = m[7], int(m[9])
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
        dark = 0.25 * m[8]
        return m[1] * dark, m[2] * dark, m[3] * dark
    k = int(fraction(book, 1) * len(palette))
    shade = (0.5 + 0.9 * fraction(book, 2)) * smooth(0.0, 0.004 + fp, edge + 0.3 * fp)
    band = abs(rise - 0.25 - 0.3 * fraction(book, 3))
    if band < 0.05:
        shade *= 1.7
    elif rise > 0.3 and rise < height - 0.1:
        shade *= 1.0 + 0.8 * letters(v, u, 0.02, fp, seed + 11)
    return palette[k, 0] * shade, palette[k, 1] * shade, palette[k, 2] * shade


@njit(cache=True, error_model="numpy")
def _leaf_colour(m: np.ndarray, bits: int, along: float, across: float) -> tuple[float, float, float]:
    mix = fraction(bits * np.uint64(5), 3)
    shade = 1.0 + m[8] * (1.8 * fraction(bits * np.uint64(7), 3) - 0.9) + 0.25 * along - 0.15 * abs(across)
    shade = max(shade, 0.08)
    return (
        (m[1] + (m[4] - m[1]) * mix) * shade,
        (m[2] + (m[5] - m[2]) * mix) * shade,
        (m[3] + (m[6] - m[3]) * mix) * shade,
    )


@njit(cache=True, error_model="numpy")
def _poster(m: np.ndarray, u: float, v: float, fp: float, palette: np.ndarray) -> tuple[float, float, float]:
    """A printed picture with a border, a heading and text; p and q are its width and height in metres."""
    x, y, seed = u / m[12], v / m[13], int(m[9])
    border = 0.05
    if min(x, 1.0 - x) < border or min(y, 1.0 - y) < border:
        return m[1], m[2], m[3]
    if y < 0.3:
        ink = letters(u, (0.3 - y) * m[13], 0.035 * m[13], fp, seed)
        return m[1] + (m[4] - m[1]) * ink, m[2] + (m[5] - m[2]) * ink, m[3] + (m[6] - m[3]) * ink
    bits, along, _ = dead_leaves(u, v, 0.35 * m[12], 6, 1.3, fp, seed)
    if bits == 0:
        return m[4], m[5], m[6]
    k = int(fraction(bits * np.uint64(5), 3) * len(palette))
    shade = 0.8 + 0.5 * fraction(bits * np.uint64(7), 3) + 0.2 * along
    return palette[k, 0] * shade, palette[k, 1] * shade, palette[k, 2] * shade


@njit(cache=True, error_model="numpy")
def _text_ink(m: np.ndarray, u: float, v: float, fp: float) -> float:
    """Ink on a sign of p x q metres: a border line, a heading and lines of smaller text."""
    width, height, seed = m[12], m[13], int(m[9])
    margin = 0.07 * min(width, height)
    inner = min(min(u, width - u), min(v, height - v))
    if inner < margin:
        return 1.0 if 0.45 * margin < inner < 0.7 * margin else 0.0
    down = height - v - 1.4 * margin
    heading = 0.16 * height
    if down < 0.0 or u < 1.6 * margin or u > width - 1.6 * margin:
        return 0.0
    if down < 1.6 * heading:
        return letters(u, down, heading, fp, seed)
    return letters(u, down - 1.6 * heading, m[7], fp, seed + 1) if v > 1.5 * margin else 0.0


@njit(cache=True, error_model="numpy")
def is_hole(m: np.ndarray, u: float, v: float, fp: float) -> bool:
    """Whether a ray passes through this point: between leaves of a bush, through the mesh of a fence."""
    kind = int(m[0])
    if kind == WIRE:
        width = max(m[12], 0.6 * fp)
        a, b = (u + v) / m[7], (u - v) / m[7]
        return min(abs(a - round(a)), abs(b - round(b))) * m[7] > 0.5 * width
    if kind == LEAVES and m[13] > 0.0:
        bits, _, _ = dead_leaves(u, v, m[7], int(m[14]), m[12], fp, int(m[9]))
        gap = fractal(0.8 * u / m[7], 0.8 * v / m[7], 4, 0.8 * fp / m[7], int(m[9]) + 3)
        return bits == 0 or gap > m[13]
    return False


@njit(cache=True, error_model="numpy")
def surface(
    m: np.ndarray, u: float, v: float, fp: float, palette: np.ndarray
) -> tuple[float, float, float, float, float, float]:
    """Reflectance and own radiance, linear sRGB, of material `m` at (u, v) metres with pixels of `fp` metres."""
    kind, seed = int(m[0]), int(m[9])
    if kind == LAMP:
        return 0.5, 0.5, 0.5, m[1] * m[10], m[2] * m[10], m[3] * m[10]
    mix, shade = 0.0, 1.0
    if kind == PLAIN or kind == WIRE:
        shade = 1.0 + m[8] * fractal(u / m[7], v / m[7], 7, fp / m[7], seed)
        mix = 0.5 * smooth(0.15, 0.4, fractal(0.7 * u, 0.7 * v, 6, 0.7 * fp, seed + 7))
    elif kind == BRICK or kind == TILES:
        high = m[7]
        long, shift = (3.1 * high, 0.5) if kind == BRICK else (high, 0.0)
        joint, bits = _mortar_pattern(u, v, long, high, shift, fp, seed)
        rough = fractal(4.0 * u / high, 4.0 * v / high, 4, 4.0 * fp / high, seed + 1)
        shade = (
            (1.0 + m[8] * (1.6 * fraction(bits, 0) - 0.8)) * (1.0 + 0.3 * rough) * _stain(u, v, fp, seed + 2)
        )
        mix = joint
    elif kind == PLANKS:
        shade = _planks(u, v, m[7], m[8], fp, seed) * _stain(u, v, fp, seed + 2)
    elif kind == ASPHALT:
        shade = _asphalt(u, v, m[8], fp, seed)
    elif kind == LEAVES:
        bits, along, across = dead_leaves(u, v, m[7], int(m[14]), m[12], fp, seed)
        if bits != 0:
            red, green, blue = _leaf_colour(m, bits, along, across)
            slow = _stain(u, v, fp, seed + 2)
            return red * slow, green * slow, blue * slow, 0.0, 0.0, 0.0
        mix, shade = 0.5, 0.7 * _stain(u, v, fp, seed + 2)
    elif kind == CLUTTER:
        bits, along, across = dead_leaves(u, v, m[7], int(m[14]), m[12], fp, seed)
        if bits != 0:
            k = int(fraction(bits * np.uint64(5), 3) * len(palette))
            tone = (0.35 + fraction(bits * np.uint64(7), 3)) * (1.0 + 0.25 * along - 0.2 * abs(across))
            weave = 1.0 + 0.2 * fractal(30.0 * u, 30.0 * v, 3, 30.0 * fp, seed)
            tone *= weave
            return palette[k, 0] * tone, palette[k, 1] * tone, palette[k, 2] * tone, 0.0, 0.0, 0.0
    elif kind == SIGN:
        mix = _text_ink(m, u, v, fp)
        shade = 1.0 + 0.12 * fractal(3.0 * u, 3.0 * v, 4, 3.0 * fp, seed)
        light = m[10] * shade
        red, green, blue = m[1] + (m[4] - m[1]) * mix, m[2] + (m[5] - m[2]) * mix, m[3] + (m[6] - m[3]) * mix
        return red * shade, green * shade, blue * shade, red * light, green * light, blue * light
    elif kind == WINDOWS:
        wall, red, green, blue, glow_r, glow_g, glow_b = _window(m, u, v, fp, palette)
        if wall == 0.0:
            return red, green, blue, glow_r, glow_g, glow_b
        joint, bits = _mortar_pattern(u, v, 3.1 * m[7], m[7], 0.5, fp, seed)
        shade = (1.0 + m[8] * (1.6 * fraction(bits, 0) - 0.8)) * _stain(u, v, fp, seed + 2)
        mix = joint
    elif kind == STRIPES:
        # Painted lines of width q every p metres across u, and a second colour field beyond v = r.
        shade = _asphalt(u, v, m[8], fp, seed)
        place = u / m[12] - math.floor(u / m[12])
        worn = 0.85 + 0.5 * fractal(3.0 * u, 3.0 * v, 5, 3.0 * fp, seed + 13)
        line = _joint(place, m[13] / m[12], fp / m[12])
        across = 1.0 - smooth(0.5 * m[13] - 0.5 * fp, 0.5 * m[13] + 0.5 * fp + 0.004, abs(v - m[14]))
        paint = max(line, across) * min(max(worn, 0.0), 1.0)
        if paint > 0.0:
            white = 0.55 * (0.8 + 0.2 * shade)
            base_r, base_g, base_b = (m[1], m[2], m[3]) if v < m[14] else (m[4], m[5], m[6])
            return (
                base_r * shade * (1 - paint) + white * paint,
                base_g * shade * (1 - paint) + white * paint,
                base_b * shade * (1 - paint) + white * paint,
                0.0, 0.0, 0.0,
            )  # fmt: skip
        mix = 0.0 if v < m[14] else 1.0
    elif kind == BOOKS:
        red, green, blue = _books(m, u, v, fp, palette)
        return red, green, blue, 0.0, 0.0, 0.0
    elif kind == CARTON:
        shade = (
            1.0
            + 0.25 * fractal(2.0 * u, 2.0 * v, 6, 2.0 * fp, seed)
            + 0.08 * fractal(90.0 * u, 4.0 * v, 2, 60.0 * fp, seed)
        )
        tape = _joint((u / m[12] + 0.5) % 1.0, 0.05 / m[12], fp / m[12])
        shade *= 1.0 + 0.45 * tape
        if 0.1 * m[12] < u < 0.45 * m[12] and 0.25 * m[13] < v < 0.75 * m[13]:
            mix = letters(u, m[13] - v, m[7], fp, seed)
    elif kind == POSTER:
        red, green, blue = _poster(m, u, v, fp, palette)
        return red, green, blue, m[10] * red, m[10] * green, m[10] * blue
    return (
        (m[1] + (m[4] - m[1]) * mix) * shade,
        (m[2] + (m[5] - m[2]) * mix) * shade,
        (m[3] + (m[6] - m[3]) * mix) * shade,
        0.0, 0.0, 0.0,
    )  # fmt: skip
