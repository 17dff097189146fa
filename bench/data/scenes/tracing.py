"""Casts one ray per sample into a scene and lights what it meets: walls, boxes, balls, posts under lamps.

The kernel works on a band of rows and holds no state: bands may run in any order and on any number of threads
with the same result. Arithmetic is double precision in a fixed order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bench.data.scenes.bodies import FAR, meet
from bench.data.scenes.columns import GLOSS, OPACITY
from bench.data.scenes.culling import cell_of
from bench.data.scenes.materials import surface
from bench.machine.compiling import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Table = NDArray[np.float64]
    Numbers = NDArray[np.int32]
    Image = NDArray[np.float32]

Six = tuple[float, float, float, float, float, float]

# Columns of a lamp: position (3), power (3), squared radius, direction (3), cosine of its
# cone (-2: all round).
LAMP_COLUMNS = 11


@kernel
def _visible(
    bodies: Table,
    materials: Table,
    starts: Numbers,
    items: Numbers,
    lamp: int,
    x: float,
    y: float,
    z: float,
    dx: float,
    dy: float,
    dz: float,
    distance: float,
) -> float:
    """Fraction of a lamp's light that reaches a point (dx, dy, dz: unit vector to the lamp)."""
    light = 1.0
    cell = cell_of(-dx, -dy, -dz)
    for place in range(starts[lamp + 1, cell], starts[lamp + 1, cell + 1]):
        k = items[place]
        t, _, _, _, _, _ = meet(bodies, k, x, y, z, dx, dy, dz, 2e-3)
        if t < distance:
            light *= 1.0 - materials[int(bodies[k, 16]), OPACITY]
            if light < 1e-3:
                return 0.0
    return light


@kernel
def _lit(
    bodies: Table,
    materials: Table,
    lamps: Table,
    starts: Numbers,
    items: Numbers,
    ambient: Table,
    gloss: float,
    x: float,
    y: float,
    z: float,
    nx: float,
    ny: float,
    nz: float,
    dx: float,
    dy: float,
    dz: float,
) -> Six:
    """Irradiance (3) and strength of the highlight (3) at a point."""
    sky = 0.55 + 0.45 * ny
    red, green, blue = ambient[0] * sky, ambient[1] * sky, ambient[2] * sky
    shine_r, shine_g, shine_b = 0.0, 0.0, 0.0
    for k in range(len(lamps)):
        lx, ly, lz = lamps[k, 0] - x, lamps[k, 1] - y, lamps[k, 2] - z
        square = lx * lx + ly * ly + lz * lz
        distance = math.sqrt(square)
        lx, ly, lz = lx / distance, ly / distance, lz / distance
        facing = nx * lx + ny * ly + nz * lz
        if facing <= 0.0:
            continue
        cone = -(lx * lamps[k, 7] + ly * lamps[k, 8] + lz * lamps[k, 9])
        edge = lamps[k, 10]
        spread = 1.0 if edge < -1.5 else min(max((cone - edge) / (0.35 * (1.0 - edge)), 0.0), 1.0)
        strength = spread / (square + lamps[k, 6])
        power = max(lamps[k, 3], lamps[k, 4], lamps[k, 5]) * strength
        if power * facing < 2e-4:
            continue
        strength *= _visible(bodies, materials, starts, items, k, x, y, z, lx, ly, lz, distance - 0.05)
        red += lamps[k, 3] * strength * facing
        green += lamps[k, 4] * strength * facing
        blue += lamps[k, 5] * strength * facing
        if gloss > 0.0:
            turn = 2.0 * facing
            mirror = (turn * nx - lx) * -dx + (turn * ny - ly) * -dy + (turn * nz - lz) * -dz
            mirror = max(mirror, 0.0)
            mirror *= mirror
            mirror *= mirror
            mirror *= mirror
            mirror = gloss * strength * (mirror * mirror + 4.0 * mirror * mirror * mirror * mirror)
            shine_r += lamps[k, 3] * mirror
            shine_g += lamps[k, 4] * mirror
            shine_b += lamps[k, 5] * mirror
    return red, green, blue, shine_r, shine_g, shine_b


@kernel
def _radiance(
    bodies: Table,
    materials: Table,
    lamps: Table,
    starts: Numbers,
    items: Numbers,
    palette: Table,
    ambient: Table,
    sky: Table,
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
    spread: float,
) -> tuple[float, float, float]:
    near = 0.0
    cell = cell_of(dx, dy, dz)
    for _ in range(12):
        best, u, v, nx, ny, nz = FAR, 0.0, 0.0, 0.0, 0.0, 0.0
        which = -1
        for place in range(starts[0, cell], starts[0, cell + 1]):
            k = items[place]
            t, pu, pv, px, py, pz = meet(bodies, k, ox, oy, oz, dx, dy, dz, near)
            if t < best:
                best, u, v, nx, ny, nz, which = t, pu, pv, px, py, pz, k
        if which < 0:
            rise = min(max(1.6 * dy, 0.0), 1.0)
            fade = (1.0 - rise) * (1.0 - rise)
            return (
                sky[0] + (sky[3] - sky[0]) * fade,
                sky[1] + (sky[4] - sky[1]) * fade,
                sky[2] + (sky[5] - sky[2]) * fade,
            )
        slant = max(-(nx * dx + ny * dy + nz * dz), 0.08)
        fp = best * spread / math.sqrt(slant)
        m = materials[int(bodies[which, 16])]
        hole, red, green, blue, own_r, own_g, own_b = surface(m, u, v, fp, slant, palette)
        if hole:
            near = best + 1e-3
            continue
        x, y, z = ox + dx * best, oy + dy * best, oz + dz * best
        lit_r, lit_g, lit_b, shine_r, shine_g, shine_b = _lit(
            bodies, materials, lamps, starts, items, ambient, m[GLOSS], x, y, z, nx, ny, nz, dx, dy, dz
        )
        return (
            red * lit_r + shine_r + own_r,
            green * lit_g + shine_g + own_g,
            blue * lit_b + shine_b + own_b,
        )
    return 0.0, 0.0, 0.0


@kernel
def trace_band(
    out: Image,
    first_row: int,
    view: Table,
    samples: int,
    bodies: Table,
    materials: Table,
    lamps: Table,
    starts: Numbers,
    items: Numbers,
    palette: Table,
    ambient: Table,
    sky: Table,
    ceiling: float,
) -> None:
    """Fill rows of an image, from `first_row` of the frame on.

    Args:
        out: (rows, W, 3) float32, receives linear sRGB radiance.
        first_row: which row of the frame out[0] is.
        view: eye (3), directions right, up, forward (9), height of the frame at distance 1, frame height in
            pixels, frame width.
        samples: rays per pixel and direction (samples^2 in all).
        bodies: (N, 21) bodies, see this module's constants.
        materials: (M, 16) materials, see materials.py.
        lamps: (K, 11) lamps.
        starts: (1 + K, cells + 1) lists of bodies by direction, from the eye and from every lamp
            (culling.py).
        items: the numbers in those lists.
        palette: (P, 3) colours that some materials choose from.
        ambient: (3,) light from everywhere.
        sky: (6,) radiance overhead and at the horizon.
        ceiling: radiance of a ray is limited to it, so that a lamp that covers part of a pixel counts as
            part.
    """
    height, width = view[13], view[14]
    spread = view[12] / height / samples
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            red, green, blue = 0.0, 0.0, 0.0
            for part in range(samples * samples):
                sub_y, sub_x = (part // samples + 0.5) / samples, (part % samples + 0.5) / samples
                across = (column + sub_x - 0.5 * width) / height * view[12]
                down = (first_row + row + sub_y - 0.5 * height) / height * view[12]
                dx = view[9] + across * view[3] - down * view[6]
                dy = view[10] + across * view[4] - down * view[7]
                dz = view[11] + across * view[5] - down * view[8]
                size = math.sqrt(dx * dx + dy * dy + dz * dz)
                r, g, b = _radiance(
                    bodies, materials, lamps, starts, items, palette, ambient, sky,
                    view[0], view[1], view[2], dx / size, dy / size, dz / size, spread,
                )  # fmt: skip
                red += min(r, ceiling)
                green += min(g, ceiling)
                blue += min(b, ceiling)
            share = 1.0 / (samples * samples)
            out[row, column, 0] = red * share
            out[row, column, 1] = green * share
            out[row, column, 2] = blue * share
