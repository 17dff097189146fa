"""Dim scenes indoors: the corner of a room, and a table or shelf crowded with things."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.data.scenes.objects import (
    AWAY,
    RIGHT,
    UP,
    ball,
    bottle,
    bulb,
    carton,
    heap,
    light_colour,
    scaled,
    sign,
)

if TYPE_CHECKING:
    from bench.data.scenes.scene import Builder


def _walls(b: Builder, width: float, depth: float) -> None:
    """Build floor, back and two side walls of a room 2.6 m high."""
    paint = b.colour(b.between(0.2, 0.5), 0.8)
    kind, scale = ("brick", 0.07) if b.chance(0.2) else ("plain", 1.2)
    wall = b.material(kind, paint, scaled(paint, 0.75), scale=scale, contrast=b.between(0.08, 0.2))
    if b.chance(0.5):
        floor = b.material(
            "planks", b.colour(0.2, 0.8), scale=b.between(0.08, 0.16), contrast=0.25, gloss=0.06
        )
    else:
        floor = b.material(
            "tiles",
            b.colour(0.22, 0.5),
            (0.08, 0.08, 0.08),
            scale=b.between(0.2, 0.45),
            contrast=0.12,
            gloss=0.08,
        )
    b.quad((-0.5 * width, 0.0, -2.0), RIGHT, AWAY, width, depth + 2.0, floor)
    b.quad((-0.5 * width, 0.0, depth), RIGHT, UP, width, 2.6, wall)
    for side in (-0.5, 0.5):
        b.quad((side * width, 0.0, -2.0), AWAY, UP, depth + 2.0, 2.6, wall)
    ceiling = b.material("plain", (0.5, 0.5, 0.48), scale=1.0, contrast=0.05)
    b.quad((-0.5 * width, 2.6, -2.0), RIGHT, AWAY, width, depth + 2.0, ceiling)
    skirting = b.material("plain", b.colour(0.3, 0.4), scale=0.5, contrast=0.1)
    b.box((0.0, 0.0, depth - 0.015), (width, 0.09, 0.03), skirting)


def _shelf(b: Builder, x: float, z: float, width: float, height: float) -> None:
    wood = b.material("planks", b.colour(0.15, 0.7), scale=0.3, contrast=0.2)
    tint = b.colour(0.16, 0.7)
    books = b.material("books", tint, scale=b.between(0.26, 0.36), contrast=0.6)
    b.box((x, 0.0, z), (width, height, 0.3), wood)
    b.quad((x - 0.5 * width + 0.03, 0.08, z - 0.152), RIGHT, UP, width - 0.06, height - 0.12, books)


def _table(b: Builder, x: float, z: float, width: float, depth: float, height: float) -> None:
    wood = b.material("planks", b.colour(0.2, 0.9), scale=0.2, contrast=0.2, gloss=0.08)
    b.box((x, height - 0.04, z), (width, 0.04, depth), wood)
    for side in (-0.46, 0.46):
        for end in (-0.44, 0.44):
            b.box((x + side * width, 0.0, z + end * depth), (0.05, height - 0.04, 0.05), wood)


def _pictures(b: Builder, number: int, half: float, low: float, high: float, z: float) -> None:
    for _ in range(number):
        wide = b.size(0.2, 1.0, 2.0)
        tall = wide * b.between(0.7, 1.4)
        material = b.material("poster", b.colour(0.55, 0.4), b.colour(0.06), p=wide, q=tall)
        b.quad(
            (b.between(-half, half - wide), b.between(low, max(low, high - tall)), z),
            RIGHT,
            UP,
            wide,
            tall,
            material,
        )


def _things(
    b: Builder, number: int, area: tuple[float, float, float, float], y: float, sizes: tuple[float, float]
) -> None:
    """Strew boxes, books, bottles, balls and heaps, their sizes by a power law, over x0..x1, z0..z1."""
    x0, x1, z0, z1 = area
    for _ in range(number):
        edge = b.size(*sizes, 2.0)
        x, z, pick = b.between(x0, x1), b.between(z0, z1), b.between(0.0, 1.0)
        yaw = b.between(-0.8, 0.8)
        if pick < 0.45:
            carton(b, x, y, z, (edge, b.between(0.4, 1.1) * edge, b.between(0.6, 1.1) * edge), yaw)
        elif pick < 0.62:
            flat = b.between(0.08, 0.25) * edge
            cover = b.material("poster", b.colour(0.3, 1.0), b.colour(0.05), p=edge, q=edge)
            b.box((x, y, z), (edge, flat, 0.75 * edge), cover, yaw)
        elif pick < 0.82:
            bottle(b, x, y, z, 1.4 * edge)
        elif pick < 0.92:
            ball(b, x, y, z, 0.4 * edge)
        else:
            heap(b, (x, y + 0.2 * edge, z), 0.8 * edge)


def room(b: Builder) -> None:
    """Build the corner of a room with shelves, a table, boxes, pictures and one lamp somewhere."""
    width, depth = b.between(4.0, 6.0), b.between(3.2, 5.0)
    _walls(b, width, depth)
    colour = light_colour(b)
    b.ambient = scaled(colour, b.between(0.02, 0.09))
    for side in (-1.0, 1.0):
        if b.chance(0.7):
            _shelf(
                b, side * b.between(0.25, 0.4) * width, depth - 0.16, b.between(0.8, 1.5), b.between(1.2, 2.2)
            )
    _pictures(b, int(b.rng.integers(2, 6)), 0.4 * width, 1.2, 2.3, depth - 0.01)
    x, z = b.between(-0.8, 0.8), depth - b.between(0.6, 1.4)
    _table(b, x, z, b.between(1.0, 1.7), b.between(0.6, 0.8), 0.72)
    _things(b, int(b.rng.integers(6, 12)), (x - 0.5, x + 0.5, z - 0.25, z + 0.25), 0.72, (0.06, 0.35))
    _things(b, int(b.rng.integers(12, 22)), (-0.42 * width, 0.4 * width, 1.4, depth - 0.4), 0.0, (0.14, 0.8))
    sign(b, (b.between(-0.3, 0.3) * width, 1.5, depth - 0.012), 0.5, 0.35)
    if b.chance(0.5):
        glow = b.material("windows", b.colour(0.3), scale=0.2, glow=b.between(0.05, 0.5), p=1.3, q=1.6, r=0.7)
        b.quad((b.between(-0.5, 0.2) * width, 0.75, depth - 0.008), RIGHT, UP, 1.3, 1.6, glow)
    if b.chance(0.6):
        bulb(b, (x + b.between(-0.5, 0.5), 1.15, z), 0.09, colour, b.between(0.5, 1.5))
    b.lamp(
        (b.between(-0.4, 0.4) * width, b.between(1.9, 2.4), b.between(0.0, depth - 1.0)),
        scaled(colour, b.between(0.6, 3.0)),
        0.35,
    )
    b.look(
        (b.between(-0.8, 0.8), b.between(1.1, 1.6), -0.6),
        (b.between(-0.5, 0.5), b.between(0.6, 1.0), depth - 0.5),
        b.between(0.62, 0.85),
    )


def table(b: Builder) -> None:
    """Build a crowded table top before books and pictures, seen from close, one lamp beside it."""
    colour = light_colour(b)
    b.ambient = scaled(colour, b.between(0.015, 0.07))
    _walls(b, 5.0, 2.4)
    _table(b, 0.0, 1.35, 2.6, 1.3, 0.75)
    if b.chance(0.6):
        books = b.material("books", b.colour(0.15, 0.7), scale=b.between(0.24, 0.34), contrast=0.6)
        b.quad((-1.8, 0.75, 2.05), RIGHT, UP, 3.6, b.between(0.7, 1.6), books)
    _pictures(b, int(b.rng.integers(3, 8)), 1.4, 0.9, 1.9, 2.38)
    _things(b, int(b.rng.integers(34, 52)), (-1.05, 1.05, 0.85, 1.9), 0.75, (0.06, 0.4))
    side = 1.0 if b.chance(0.5) else -1.0
    b.lamp(
        (side * b.between(0.5, 1.6), b.between(1.3, 2.1), b.between(0.3, 1.6)),
        scaled(colour, b.between(0.4, 1.5)),
        0.12,
    )
    if b.chance(0.5):
        bulb(
            b,
            (-side * b.between(0.4, 0.9), b.between(1.0, 1.25), 1.7),
            0.05,
            light_colour(b),
            b.between(0.1, 0.5),
        )
    b.look(
        (b.between(-0.3, 0.3), b.between(1.15, 1.5), -0.1),
        (b.between(-0.1, 0.1), b.between(0.75, 0.9), 1.4),
        b.between(0.7, 0.95),
    )
