"""Night scenes outdoors: a street, a yard with a wall, a park, a playing field seen from close."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.data.scenes.objects import (
    AWAY,
    RIGHT,
    UP,
    ball,
    bin_,
    bottle,
    bulb,
    car,
    carton,
    foliage,
    light_colour,
    litter,
    scaled,
    sign,
    street_lamp,
    tree,
)

if TYPE_CHECKING:
    from bench.data.scenes.scene import Builder


def _night(b: Builder) -> None:
    """Draw sky glow and the light that comes from everywhere."""
    glow = b.size(0.004, 0.05, 1.5)
    tint = light_colour(b)
    b.sky = (
        scaled((0.35, 0.4, 0.6), 0.35 * glow),
        scaled((0.3 + 0.7 * tint[0], 0.3 + 0.7 * tint[1], 0.3 + 0.7 * tint[2]), glow),
    )
    b.ambient = scaled((0.8 + 0.2 * tint[0], 0.85 + 0.15 * tint[1], 1.0), b.between(0.6, 1.5) * glow + 0.012)


def _facade(b: Builder, glow: float) -> int:
    """Draw a material for a building's front."""
    wall = b.colour(b.between(0.12, 0.45), 0.7)
    return b.material(
        "windows", wall, scaled(wall, 0.6), scale=b.between(0.07, 0.3), contrast=b.between(0.1, 0.35),
        glow=glow,         p=b.between(1.7, 3.4), q=b.between(2.7, 3.4), r=b.between(0.08, 0.6),
    )  # fmt: skip


def _bench(b: Builder, x: float, z: float, yaw: float) -> None:
    wood = b.material("planks", (0.22, 0.13, 0.07), scale=0.09, contrast=0.4)
    c, s = float(np.cos(yaw)), float(np.sin(yaw))
    b.box((x, 0.4, z), (1.7, 0.06, 0.45), wood, yaw)
    b.box((x - 0.22 * s, 0.55, z + 0.22 * c), (1.7, 0.35, 0.05), wood, yaw)
    for end in (-0.7, 0.7):
        b.box((x + end * c, 0.0, z + end * s), (0.07, 0.4, 0.4), wood, yaw)


def street(b: Builder) -> None:
    """Build a street between two rows of houses, with lamps, parked cars, trees and lit windows."""
    _night(b)
    half, pavement = b.between(3.0, 5.5), b.between(1.6, 3.0)
    road = b.material(
        "asphalt", scaled((1.0, 1.0, 1.0), b.between(0.06, 0.14)), contrast=0.5, gloss=b.between(0.0, 0.12)
    )
    b.quad((-60.0, 0.0, -4.0), RIGHT, AWAY, 120.0, 160.0, road)
    slab = b.material("tiles", b.colour(b.between(0.18, 0.3), 0.3), scale=b.between(0.4, 0.9), contrast=0.15)
    glow = b.between(0.5, 1.6)
    colour = light_colour(b)
    for side in (-1.0, 1.0):
        b.box((side * (half + 0.5 * pavement), 0.0, 60.0), (pavement, 0.14, 130.0), slab)
        z = b.between(-3.0, 2.0)
        while z < 70.0:
            length, height = b.between(7.0, 16.0), b.between(5.0, 15.0)
            front = half + pavement + 3.0 + b.between(0.0, 0.6)
            b.box((side * front, 0.0, z + 0.5 * length), (6.0, height, length - 0.02), _facade(b, glow))
            z += length + (b.between(2.0, 5.0) if b.chance(0.2) else 0.0)
        z = b.between(3.0, 9.0)
        for number in range(4):
            street_lamp(b, side * (half + 0.4), z, colour, b.between(14.0, 26.0), lights=number < 2)
            z += b.between(14.0, 20.0)
        z = b.between(4.0, 9.0)
        while z < 34.0:
            if b.chance(0.6):
                car(b, side * (half - 1.1), z, 3.14159 if side < 0 else 0.0)
            z += b.between(5.2, 8.0)
        for _ in range(int(b.rng.integers(0, 3))):
            tree(b, side * (half + pavement - 0.5), b.between(8.0, 30.0), b.between(4.0, 7.0))
    b.box((b.between(-6.0, 6.0), 0.0, 85.0), (60.0, b.between(8.0, 22.0), 8.0), _facade(b, glow))
    side = 1.0 if b.chance(0.5) else -1.0
    x = side * (half + pavement)
    for z in (b.between(4.0, 7.0), b.between(8.0, 13.0)):
        sign(
            b,
            (x - side * 0.05, b.between(2.3, 2.9), z),
            b.between(1.4, 2.8),
            b.between(0.5, 0.8),
            glow=b.between(0.0, 1.5),
            along=AWAY if side < 0 else (0.0, 0.0, -1.0),
        )
        bulb(b, (x - side * 0.4, 2.7, z + 1.0), 0.07, light_colour(b), b.between(1.0, 4.0))
    bin_(b, -side * (half + 0.6), b.between(3.5, 7.0))
    b.look(
        (b.between(-0.5, 0.5) * half, b.between(1.3, 1.9), 0.0),
        (b.between(-1.5, 1.5), b.between(1.4, 2.4), 12.0),
        b.between(0.7, 1.0),
    )


def yard(b: Builder) -> None:
    """Build a wall or fence seen from close, with a notice, bins, boxes, a bush and one or two lamps."""
    _night(b)
    distance, height = b.between(4.0, 6.5), b.between(1.9, 3.4)
    if b.chance(0.5):
        wall = b.material(
            "planks", b.colour(b.between(0.14, 0.3), 0.6), scale=b.between(0.11, 0.2), contrast=0.45
        )
    else:
        wall = b.material(
            "brick",
            b.colour(b.between(0.14, 0.3), 0.9),
            (0.25, 0.24, 0.22),
            scale=b.between(0.06, 0.09),
            contrast=0.35,
        )
    yaw = b.between(-0.25, 0.25)
    b.box((b.between(-1.5, 1.5), 0.0, distance + 0.1), (b.between(5.5, 9.0), height, 0.2), wall, yaw)
    ground = b.material("asphalt", scaled((1.0, 0.98, 0.95), b.between(0.05, 0.12)), contrast=0.6)
    b.quad((-40.0, 0.0, -4.0), RIGHT, AWAY, 80.0, 90.0, ground)
    pad = b.material("tiles", b.colour(0.28, 0.25), scale=b.between(1.2, 2.0), contrast=0.08)
    b.quad((-4.0, 0.02, distance - b.between(1.2, 2.2)), RIGHT, AWAY, 8.0, 2.5, pad)
    b.box((0.0, 0.0, distance + 14.0), (50.0, b.between(4.0, 10.0), 6.0), _facade(b, b.between(0.4, 1.2)))
    for _ in range(int(b.rng.integers(2, 5))):
        tree(b, b.between(-8.0, 8.0), distance + b.between(2.0, 7.0), b.between(3.5, 7.5))
    _in_front_of_the_wall(b, distance)
    for _ in range(int(b.rng.integers(1, 3))):
        bulb(
            b,
            (b.between(-3.0, 3.0), height + b.between(0.1, 0.5), distance - 0.7),
            0.08,
            light_colour(b),
            b.between(3.0, 8.0),
        )
    b.lamp(
        (b.between(-6.0, 6.0), b.between(4.0, 7.0), b.between(-4.0, 0.0)),
        scaled(light_colour(b), b.between(1.0, 6.0)),
        0.5,
    )
    if b.chance(0.5):
        litter(b, (-4.0, 0.0, 0.5), 8.0, distance)
    b.look(
        (b.between(-1.0, 1.0), b.between(1.2, 1.7), 0.0),
        (b.between(-0.5, 0.5), b.between(0.8, 1.2), distance),
        b.between(0.62, 0.85),
    )


def _in_front_of_the_wall(b: Builder, distance: float) -> None:
    """Add a notice, bins, boxes, bushes and sometimes a car."""
    board = b.between(0.5, 0.9)
    sign(b, (b.between(-1.4, 0.8), b.between(1.0, 1.3), distance - 0.5), board, b.between(0.7, 1.1) * board)
    for _ in range(int(b.rng.integers(1, 4))):
        bin_(b, b.between(-2.8, 2.8), distance - b.between(0.6, 1.3))
    for _ in range(int(b.rng.integers(2, 7))):
        edge = b.size(0.15, 0.7, 2.0)
        carton(
            b,
            b.between(-2.5, 2.5),
            0.02,
            distance - b.between(0.5, 1.9),
            (edge, b.between(0.5, 1.0) * edge, edge),
            b.between(-0.6, 0.6),
        )
    bush = foliage(b, 0.09, 0.07, 0.95)
    for _ in range(int(b.rng.integers(1, 4))):
        wide = b.between(0.4, 0.9)
        b.ball(
            (b.between(-3.4, 3.4), 0.6 * wide, distance - b.between(0.2, 0.8)), (wide, 0.8 * wide, wide), bush
        )
    if b.chance(0.6):
        car(
            b,
            b.between(2.2, 3.0) * (1.0 if b.chance(0.5) else -1.0),
            distance - b.between(0.0, 1.0),
            b.between(-0.4, 0.4),
        )


def park(b: Builder) -> None:
    """Build a lawn with a path, benches, trees and far lamps; sometimes behind a wire fence."""
    _night(b)
    grass = b.material(
        "leaves", (0.055, 0.075, 0.025), (0.12, 0.105, 0.05), scale=b.between(0.05, 0.09), contrast=0.5,
        p=b.between(3.0, 5.0), q=0.0, r=3.0,
    )  # fmt: skip
    b.quad((-60.0, 0.0, -4.0), RIGHT, AWAY, 120.0, 140.0, grass)
    path = b.material(
        "stripes",
        b.colour(0.12, 0.9),
        b.colour(0.1, 0.9),
        scale=1.0,
        contrast=0.35,
        p=b.between(1.5, 4.0),
        q=0.08,
        r=b.between(1.0, 6.0),
    )
    first = b.between(2.5, 5.0)
    b.quad(
        (b.between(-9.0, -3.0), 0.02, first), RIGHT, AWAY, b.between(7.0, 20.0), b.between(3.0, 12.0), path
    )
    colour = light_colour(b)
    for number in range(int(b.rng.integers(3, 6))):
        street_lamp(
            b,
            b.between(-12.0, 12.0),
            first + 4.0 + 6.0 * number,
            colour,
            b.between(15.0, 40.0),
            lights=number < 3,
        )
    for _ in range(int(b.rng.integers(6, 12))):
        tree(b, b.between(-16.0, 16.0), b.between(9.0, 38.0), b.between(4.0, 9.0))
    building = _facade(b, b.between(0.5, 2.0))
    b.box(
        (b.between(-14.0, 14.0), 0.0, b.between(38.0, 55.0)),
        (b.between(18.0, 40.0), b.between(5.0, 9.0), 8.0),
        building,
    )
    _on_the_lawn(b, first)
    if b.chance(0.35):
        steel = b.material(
            "wire", (0.3, 0.3, 0.3), scale=0.075, contrast=0.3, p=0.005, opacity=0.12, gloss=0.05
        )
        b.quad((-20.0, 0.0, b.between(2.2, 3.0)), RIGHT, UP, 40.0, 3.5, steel)
        post = b.material("plain", (0.25, 0.25, 0.25), gloss=0.1, scale=0.2)
        for x in (-3.2, -0.6, 2.0):
            b.post((x + b.between(-0.4, 0.4), 0.0, 3.02), 0.035, 3.6, post)
    b.lamp(
        (b.between(-5.0, 5.0), b.between(4.0, 6.0), b.between(-3.0, 2.0)),
        scaled(colour, b.between(1.5, 7.0)),
        0.5,
    )
    b.look(
        (0.0, b.between(1.3, 1.7), 0.0),
        (b.between(-2.0, 2.0), b.between(0.8, 1.5), 12.0),
        b.between(0.65, 0.9),
    )


def _on_the_lawn(b: Builder, first: float) -> None:
    """Add benches, bollards, sometimes a parasol, a ball, a bin and litter."""
    for _ in range(int(b.rng.integers(1, 3))):
        _bench(b, b.between(-4.0, 4.0), first + b.between(0.5, 6.0), b.between(-0.5, 0.5))
    paint = b.material("plain", b.colour(0.4, 1.3), scale=0.5, contrast=0.2, gloss=0.08)
    for _ in range(int(b.rng.integers(2, 5))):
        x, z = b.between(-4.0, 4.0), b.between(3.5, 9.0)
        b.post((x, 0.0, z), 0.09, 0.8, paint)
        b.ball((x, 0.8, z), (0.1, 0.08, 0.1), paint)
    if b.chance(0.4):
        x, z = b.between(-3.0, 3.0), b.between(5.0, 9.0)
        b.post((x, 0.0, z), 0.04, 2.3, b.material("plain", (0.5, 0.5, 0.5), gloss=0.2))
        b.ball((x, 2.1, z), (1.7, 0.5, 1.7), b.material("tiles", b.colour(0.25), scale=5.0, contrast=0.1))
    ball(b, b.between(-2.0, 2.0), 0.0, b.between(3.5, 6.0), 0.13)
    bin_(b, b.between(-4.0, 4.0), b.between(5.0, 9.0))
    litter(b, (-8.0, 0.0, 1.0), 16.0, 14.0)


def court(b: Builder) -> None:
    """Build a painted playing field seen from above the shoulder: lines, a post, a ball, long shadows."""
    _night(b)
    floor = b.material(
        "stripes", b.colour(b.between(0.06, 0.14), 1.2), b.colour(b.between(0.06, 0.16), 1.2),
        contrast=0.3, p=b.between(2.2, 4.0), q=0.06, r=b.between(9.0, 11.5), gloss=0.03,
    )  # fmt: skip
    yaw = b.between(-0.6, 0.6)
    c, s = float(1.0 - 0.5 * yaw * yaw), float(yaw * (1.0 - yaw * yaw / 6.0))
    b.quad((-10.0 * c, 0.0, -10.0 * c), (c, 0.0, s), (-s, 0.0, c), 24.0, 24.0, floor)
    outer = b.material("asphalt", (0.07, 0.07, 0.07), contrast=0.5)
    b.quad((-50.0, -0.02, -10.0), RIGHT, AWAY, 100.0, 100.0, outer)
    rubber = b.material("plain", b.colour(0.04, 0.6), scale=0.3, contrast=0.3, gloss=0.3)
    x, z = b.between(-0.6, 0.9), b.between(2.4, 3.6)
    b.post((x, 0.0, z), 0.16, 3.5, rubber)
    b.post((x, 0.0, z), 0.24, 0.35, rubber)
    ball(b, x - b.between(0.3, 0.8), 0.0, z - b.between(0.2, 0.7), 0.12)
    for _ in range(int(b.rng.integers(1, 4))):
        bottle(b, b.between(-1.3, 1.3), 0.0, b.between(1.8, 3.6), b.between(0.2, 0.3))
    for _ in range(int(b.rng.integers(0, 4))):
        edge = b.size(0.15, 0.5, 2.0)
        carton(
            b, b.between(-2.0, 2.0), 0.0, b.between(2.4, 5.0), (edge, 0.5 * edge, edge), b.between(-0.8, 0.8)
        )
    _bench(b, b.between(-3.0, 3.0), b.between(4.5, 7.0), b.between(-0.4, 0.4))
    b.box((0.0, 0.0, 15.0), (60.0, 4.0, 3.0), _facade(b, 0.6))
    litter(b, (-4.0, 0.0, 0.5), 8.0, 9.0)
    for _ in range(int(b.rng.integers(1, 4))):
        b.lamp(
            (b.between(-7.0, 7.0), b.between(2.5, 6.0), b.between(1.0, 9.0)),
            scaled(light_colour(b), b.between(4.0, 14.0)),
            0.3,
        )
    b.look(
        (0.0, b.between(1.5, 1.8), 0.0),
        (b.between(-0.3, 0.3), b.between(-0.1, 0.5), 3.2),
        b.between(0.75, 1.0),
    )
