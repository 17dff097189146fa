"""Which bodies can lie in which direction from a point, so that a ray asks few bodies instead of all.

Directions from a point fall into the cells of a cube around it. A body is listed in every cell that its cone
of directions may touch; leaving out the others changes no result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.data.scenes.bodies import BALL, POST
from bench.machine.compiling import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Cells along an edge of the cube.
CELLS = 32

_MARGIN = 1e-4


@kernel
def cell_of(dx: float, dy: float, dz: float) -> int:
    """Return the number of the cell that a direction falls into."""
    ax, ay, az = abs(dx), abs(dy), abs(dz)
    if ax >= ay and ax >= az:
        face, size, p, q = (0 if dx > 0 else 1), ax, dy, dz
    elif ay >= az:
        face, size, p, q = (2 if dy > 0 else 3), ay, dz, dx
    else:
        face, size, p, q = (4 if dz > 0 else 5), az, dx, dy
    i = min(int((p / size + 1.0) * (0.5 * CELLS)), CELLS - 1)
    j = min(int((q / size + 1.0) * (0.5 * CELLS)), CELLS - 1)
    return (face * CELLS + i) * CELLS + j


def direction_lists(
    points: NDArray[np.float64], bodies: NDArray[np.float64], wanted: list[NDArray[np.bool_]]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """List the bodies by direction, from several points.

    Args:
        points: (P, 3) points to look from.
        bodies: (N, 21), see bodies.py.
        wanted: per point, (N,) which bodies matter.

    Returns:
        starts (P, cells + 1) and the concatenated body numbers, ascending in each list.
    """
    axes, widths = _cell_cones()
    starts = np.zeros((len(points), len(axes) + 1), np.int32)
    items: list[NDArray[np.int32]] = []
    offset = 0
    for row, (point, chosen) in enumerate(zip(points, wanted, strict=True)):
        numbers = np.flatnonzero(chosen)
        table = np.zeros((len(axes), len(numbers)), bool)
        for column, number in enumerate(numbers):
            axis, half = _body_cone(point, bodies[number])
            reach = np.minimum(half + widths + _MARGIN, np.pi)
            table[:, column] = (axes * axis).sum(axis=1) >= np.cos(reach) - 1e-12
        counts = np.concatenate([[0], np.cumsum(table.sum(axis=1))])
        starts[row] = offset + counts
        items.append(numbers[np.nonzero(table)[1]].astype(np.int32))
        offset += int(counts[-1])
    return starts, np.concatenate(items) if items else np.zeros(0, np.int32)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    unit: NDArray[np.float64] = vectors / np.maximum(np.sqrt((vectors**2).sum(axis=-1, keepdims=True)), 1e-30)
    return unit


def _cell_cones() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Axis and half angle of the cone around each cell, in the order of `cell_of`."""
    edge = np.linspace(-1.0, 1.0, CELLS + 1)
    p, q = np.meshgrid(0.5 * (edge[1:] + edge[:-1]), 0.5 * (edge[1:] + edge[:-1]), indexing="ij")
    one = np.ones_like(p)
    faces = ((one, p, q), (-one, p, q), (q, one, p), (q, -one, p), (p, q, one), (p, q, -one))
    axes = _unit(np.stack([np.stack(face, axis=-1) for face in faces]).reshape(-1, 3))
    # A cell's half diagonal is at most sqrt(2)/CELLS on the cube, and looks largest in the middle of a face.
    return axes, np.full(len(axes), np.arctan(np.sqrt(2.0) / CELLS) * 1.02)


def _body_cone(point: NDArray[np.float64], body: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Axis and half angle of a cone from `point` that holds the body; half angle pi: every direction."""
    corners = _corners(body) - point
    axis = _unit(body[17:20] - point)
    sphere = np.pi
    distance = float(np.sqrt(((body[17:20] - point) ** 2).sum()))
    if distance > body[20]:
        sphere = float(np.arcsin(min(body[20] / distance, 1.0)))
    hull = float(np.arccos(np.clip((_unit(corners) * axis).sum(axis=1).min(), -1.0, 1.0)))
    # Directions to a convex body lie in the cap around its corners only if that cap is below a half sphere.
    return axis, min(sphere, hull if hull < 0.49 * np.pi else np.pi)


def _corners(body: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners of a box that holds the body."""
    kind, origin, extents = int(body[0]), body[1:4], body[13:16]
    signs = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], np.float64)
    centred = 2 * signs - 1
    corners: NDArray[np.float64]
    if kind == BALL:
        corners = origin + centred * extents
    elif kind == POST:
        radius, height = extents[0], extents[1]
        corners = origin + centred * np.array([radius, 0, radius]) + signs * np.array([0, height, 0])
    else:
        corners = origin + signs @ (body[4:13].reshape(3, 3) * extents[:, None])
    return corners
