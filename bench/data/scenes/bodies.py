"""Where a ray meets a body: a rectangle, an ellipsoid, an upright cylinder, an upright box.

A body is a row of numbers: kind, origin (3), axes along, up, away (9), three extents, material, middle (3)
and radius of a sphere around it. The functions are given the table and a row's number: a view of the row
would cost more than the sums.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bench.machine.compiling import kernel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Table = NDArray[np.float64]

# Distance, place along and up the surface, normal towards the ray's origin.
Six = tuple[float, float, float, float, float, float]

QUAD, BALL, POST, BOX = 0, 1, 2, 3
BODY_COLUMNS = 21
# The distance of what is not met.
FAR = 1e9


@kernel
def _turn(x: float, y: float) -> float:
    """Return a cheap angle in [0, 4) around the origin: monotonic, exact arithmetic, not quite uniform."""
    size = abs(x) + abs(y)
    if size == 0.0:
        return 0.0
    p = x / size
    return 1.0 - p if y >= 0.0 else 3.0 + p


@kernel
def _meet_quad(
    b: Table, k: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, near: float
) -> Six:
    fall = dx * b[k, 10] + dy * b[k, 11] + dz * b[k, 12]
    if abs(fall) < 1e-9:
        return FAR, 0.0, 0.0, 0.0, 0.0, 0.0
    px, py, pz = b[k, 1] - ox, b[k, 2] - oy, b[k, 3] - oz
    t = (px * b[k, 10] + py * b[k, 11] + pz * b[k, 12]) / fall
    if t <= near:
        return FAR, 0.0, 0.0, 0.0, 0.0, 0.0
    hx, hy, hz = dx * t - px, dy * t - py, dz * t - pz
    u = hx * b[k, 4] + hy * b[k, 5] + hz * b[k, 6]
    v = hx * b[k, 7] + hy * b[k, 8] + hz * b[k, 9]
    if u < 0.0 or v < 0.0 or u > b[k, 13] or v > b[k, 14]:
        return FAR, 0.0, 0.0, 0.0, 0.0, 0.0
    side = -1.0 if fall > 0.0 else 1.0
    return t, u, v, side * b[k, 10], side * b[k, 11], side * b[k, 12]


@kernel
def _meet_ball(
    b: Table, k: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, near: float
) -> Six:
    """Meet an ellipsoid with half axes 13 to 15 along x, y, z."""
    ax, ay, az = b[k, 13], b[k, 14], b[k, 15]
    px, py, pz = (ox - b[k, 1]) / ax, (oy - b[k, 2]) / ay, (oz - b[k, 3]) / az
    qx, qy, qz = dx / ax, dy / ay, dz / az
    a = qx * qx + qy * qy + qz * qz
    h = px * qx + py * qy + pz * qz
    c = px * px + py * py + pz * pz - 1.0
    root = h * h - a * c
    if root <= 0.0:
        return FAR, 0.0, 0.0, 0.0, 0.0, 0.0
    root = math.sqrt(root)
    t = (-h - root) / a
    if t <= near:
        t = (-h + root) / a
        if t <= near:
            return FAR, 0.0, 0.0, 0.0, 0.0, 0.0
    x, y, z = px + qx * t, py + qy * t, pz + qz * t
    nx, ny, nz = x / ax, y / ay, z / az
    size = math.sqrt(nx * nx + ny * ny + nz * nz)
    if nx * dx + ny * dy + nz * dz > 0.0:
        size = -size
    return t, _turn(x, z) * 1.57 * ax, y * 1.3 * ay, nx / size, ny / size, nz / size


@kernel
def _meet_post(
    b: Table, k: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, near: float
) -> Six:
    """Meet an upright cylinder of radius 13 and height 14, with a lid."""
    px, pz, radius = ox - b[k, 1], oz - b[k, 3], b[k, 13]
    a = dx * dx + dz * dz
    if a > 1e-12:
        h = px * dx + pz * dz
        root = h * h - a * (px * px + pz * pz - radius * radius)
        if root <= 0.0:
            return FAR, 0.0, 0.0, 0.0, 0.0, 0.0
        t = (-h - math.sqrt(root)) / a
        y = oy + dy * t - b[k, 2]
        if t > near and 0.0 <= y <= b[k, 14]:
            x, z = px + dx * t, pz + dz * t
            return t, _turn(x, z) * 1.57 * radius, y, x / radius, 0.0, z / radius
    if dy < -1e-9:
        t = (b[k, 2] + b[k, 14] - oy) / dy
        x, z = px + dx * t, pz + dz * t
        if t > near and x * x + z * z <= radius * radius:
            return t, x, z, 0.0, 1.0, 0.0
    return FAR, 0.0, 0.0, 0.0, 0.0, 0.0


@kernel
def _meet_box(
    b: Table, k: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, near: float
) -> Six:
    """Meet a box with a corner at the origin and edges along its own axes; patterns run along each face."""
    first, last, face_in, face_out = -FAR, FAR, -1, -1
    for axis in range(3):
        ex, ey, ez = b[k, 4 + 3 * axis], b[k, 5 + 3 * axis], b[k, 6 + 3 * axis]
        start = (ox - b[k, 1]) * ex + (oy - b[k, 2]) * ey + (oz - b[k, 3]) * ez
        speed = dx * ex + dy * ey + dz * ez
        extent = b[k, 13 + axis]
        if abs(speed) < 1e-12:
            if start < 0.0 or start > extent:
                return FAR, 0.0, 0.0, 0.0, 0.0, 0.0
            continue
        t0, t1 = -start / speed, (extent - start) / speed
        if t0 > t1:
            t0, t1 = t1, t0
        if t0 > first:
            first, face_in = t0, axis
        if t1 < last:
            last, face_out = t1, axis
    if first > last or last <= near:
        return FAR, 0.0, 0.0, 0.0, 0.0, 0.0
    t, axis = (first, face_in) if first > near else (last, face_out)
    px, py, pz = ox + dx * t - b[k, 1], oy + dy * t - b[k, 2], oz + dz * t - b[k, 3]
    along, up = (axis + 1) % 3, (axis + 2) % 3
    if up == 0:
        along, up = up, along
    if along == 1:
        along, up = up, along
    u = px * b[k, 4 + 3 * along] + py * b[k, 5 + 3 * along] + pz * b[k, 6 + 3 * along]
    v = px * b[k, 4 + 3 * up] + py * b[k, 5 + 3 * up] + pz * b[k, 6 + 3 * up]
    ex, ey, ez = b[k, 4 + 3 * axis], b[k, 5 + 3 * axis], b[k, 6 + 3 * axis]
    side = -1.0 if dx * ex + dy * ey + dz * ez > 0.0 else 1.0
    return t, u, v, side * ex, side * ey, side * ez


@kernel
def meet(
    b: Table, k: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, near: float
) -> Six:
    """Distance, place on the surface and normal towards the ray's origin; distance 1e9 for a miss."""
    px, py, pz = b[k, 17] - ox, b[k, 18] - oy, b[k, 19] - oz
    h = px * dx + py * dy + pz * dz
    if px * px + py * py + pz * pz - h * h > b[k, 20] * b[k, 20] or h < -b[k, 20]:
        return FAR, 0.0, 0.0, 0.0, 0.0, 0.0
    kind = int(b[k, 0])
    if kind == QUAD:
        return _meet_quad(b, k, ox, oy, oz, dx, dy, dz, near)
    if kind == BALL:
        return _meet_ball(b, k, ox, oy, oz, dx, dy, dz, near)
    if kind == POST:
        return _meet_post(b, k, ox, oy, oz, dx, dy, dz, near)
    return _meet_box(b, k, ox, oy, oz, dx, dy, dz, near)
