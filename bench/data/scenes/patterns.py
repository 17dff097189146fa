"""What is built: bricks, tiles, boards, asphalt, fronts with windows.

Functions of a place on the surface, in metres, and of the pixel's footprint `fp` there; compiled with numba.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bench.data.scenes.columns import GLOW, SEED, P, Q, R
from bench.data.scenes.noise import dead_leaves, fractal, fraction, scramble, smooth
from bench.machine.compiling import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Row = NDArray[np.float64]


@kernel
def joint(x: float, width: float, fp: float) -> float:
    """How much of a joint of `width` shows at x in [0, 1) of a period (0 to 1), softened by the footprint."""
    d = min(x, 1.0 - x)
    soft = max(fp, 0.15 * width)
    shown = min(1.0, width / soft)
    return shown * (1.0 - smooth(0.5 * width - 0.5 * soft, 0.5 * width + 0.5 * soft, d))


@kernel
def stain(u: float, v: float, fp: float, seed: int) -> float:
    """Slow unevenness of any real surface, about 1."""
    return 1.0 + 0.35 * fractal(0.8 * u, 0.8 * v, 5, 0.8 * fp, seed)


@kernel
def bond(
    u: float, v: float, long: float, high: float, shift: float, fp: float, seed: int
) -> tuple[float, np.uint64]:
    """Joint strength and the stone's bits in a running bond of stones `long` x `high`."""
    row = math.floor(v / high)
    x = u / long + shift * (row % 2)
    column = math.floor(x)
    width = 0.09 * high
    mortar = max(joint(x - column, width / long, fp / long), joint(v / high - row, width / high, fp / high))
    return mortar, scramble(column, row, seed)


@kernel
def asphalt(u: float, v: float, contrast: float, fp: float, seed: int) -> float:
    """Brightness of asphalt about 1: grain, patches, cracks."""
    grain = fractal(70.0 * u, 70.0 * v, 3, 70.0 * fp, seed)
    patches = fractal(0.6 * u, 0.6 * v, 7, 0.6 * fp, seed + 5)
    crack = abs(fractal(0.5 * u, 0.5 * v, 6, 0.5 * fp, seed + 9))
    line = 1.0 - 0.55 * (1.0 - smooth(0.0, 0.012 + fp, crack)) * min(1.0, 0.012 / (0.012 + fp))
    return max(0.05, (1.0 + contrast * (0.7 * grain + 0.9 * patches)) * line)


@kernel
def planks(u: float, v: float, width: float, contrast: float, fp: float, seed: int) -> float:
    """Brightness of boards about 1: their tints, grain and gaps."""
    column = math.floor(u / width)
    board = scramble(column, 0, seed)
    shift = 50.0 * fraction(board, 1)
    grain = fractal(60.0 * u + shift, 1.7 * v + shift, 4, 40.0 * fp, seed)
    fleck = fractal(9.0 * u + shift, 0.9 * v + shift, 4, 6.0 * fp, seed + 3)
    gap = joint(u / width - column, 0.05, fp / width)
    tint = 1.0 + contrast * (1.6 * fraction(board, 0) - 0.8)
    return max(0.04, tint * (1.0 + 0.35 * grain + 0.4 * fleck)) * (1.0 - 0.92 * gap)


@kernel
def window(m: Row, u: float, v: float, fp: float) -> tuple[float, float, float, float, float, float, float]:
    """Find a wall with windows: part of the wall (0: window), reflectance and glow of the window."""
    pitch, storey, seed = m[P], m[Q], int(m[SEED])
    i, j = math.floor(u / pitch), math.floor(v / storey)
    x, y = u / pitch - i, v / storey - j
    bits = scramble(i, j, seed)
    half_width, low, high = 0.24 + 0.06 * fraction(scramble(0, 0, seed), 1), 0.28, 0.8
    if abs(x - 0.5) > half_width + 0.025 or y < low - 0.03 or y > high + 0.025:
        return 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    inside = (x - 0.5 + half_width) / (2.0 * half_width)
    rise = (y - low) / (high - low)
    frame = max(
        joint(min(max(inside, 0.0), 0.999), 0.05, fp / pitch),
        joint(min(max(rise, 0.0), 0.999), 0.05, fp / storey),
    )
    if fraction(bits, 3) > 0.3:
        frame = max(frame, 0.9 * joint((inside + 0.5) % 1.0, 0.05, fp / pitch))
    if frame > 0.5 or inside < 0.0 or inside > 1.0 or rise < 0.0 or rise > 1.0:
        return 0.0, 0.3, 0.29, 0.27, 0.0, 0.0, 0.0
    if fraction(bits, 0) > m[R]:
        sheen = 0.02 + 0.02 * rise
        return 0.0, sheen, sheen, 1.2 * sheen, 0.0, 0.0, 0.0
    light = m[GLOW] * (0.15 + 1.2 * fraction(bits, 1) ** 3) * (0.45 + 0.55 * rise)
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
