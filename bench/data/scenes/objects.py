"""Things that scenes are furnished with: lamps, trees, cars, signs, boxes, bins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bench.data.scenes.scene import Builder, Colour, Vector

RIGHT: Vector = (1.0, 0.0, 0.0)
UP: Vector = (0.0, 1.0, 0.0)
AWAY: Vector = (0.0, 0.0, 1.0)

# Colours of artificial light, linear sRGB against the camera's white.
LIGHTS: tuple[Colour, ...] = (
    (1.0, 0.52, 0.17),  # high-pressure sodium
    (1.0, 0.70, 0.40),  # incandescent
    (1.0, 0.84, 0.64),  # warm LED
    (1.0, 0.97, 0.90),  # neutral LED
    (0.80, 1.0, 0.86),  # fluorescent, mercury
)


def light_colour(b: Builder) -> Colour:
    """Draw one of the night's kinds of light."""
    return LIGHTS[int(b.rng.choice(len(LIGHTS), p=(0.24, 0.22, 0.24, 0.2, 0.1)))]


def scaled(colour: Colour, factor: float) -> Colour:
    """Return a colour times a number."""
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def bulb(
    b: Builder, place: Vector, radius: float, colour: Colour, power: float, *, lights: bool = True
) -> None:
    """Add a glowing globe, and unless it is far away the light that it throws."""
    glow = power / (3.0 * radius * radius)
    b.ball(place, (radius, radius, radius), b.material("lamp", colour, glow=min(glow, 400.0), opacity=0.0))
    if lights:
        b.lamp(place, scaled(colour, power), radius=max(radius, 0.25))


def street_lamp(b: Builder, x: float, z: float, colour: Colour, power: float, *, lights: bool = True) -> None:
    """Add a mast with an arm and a lantern that shines down."""
    metal = b.material("plain", (0.11, 0.11, 0.11), gloss=0.05, scale=0.3)
    height, reach = b.between(4.5, 6.5), -np.sign(x) * 0.9
    b.post((x, 0.0, z), 0.07, height, metal)
    b.box((x + 0.5 * reach, height - 0.08, z), (abs(reach), 0.07, 0.07), metal)
    place = (x + reach, height - 0.2, z)
    bulb(b, place, 0.13, colour, power, lights=False)
    if lights:
        b.lamp((place[0], place[1] - 0.15, z), scaled(colour, power), 0.4, (0.0, -1.0, 0.0), -0.25)


def foliage(b: Builder, luminance: float = 0.08, leaf: float = 0.16, keep: float = 0.9) -> int:
    """Add a material of leaves with gaps between branches."""
    dry = b.between(0.0, 1.0)
    fresh = (0.6 + 0.5 * dry, 1.0, 0.35 + 0.1 * dry)
    other = (1.0 + 0.3 * dry, 0.95, 0.4)
    return b.material(
        "leaves", scaled(fresh, luminance), scaled(other, luminance), scale=leaf, contrast=0.6,
        p=b.between(1.5, 2.6), q=keep, r=4.0, s=3.0 * leaf, opacity=0.75,
    )  # fmt: skip


def tree(b: Builder, x: float, z: float, height: float) -> None:
    """Add a trunk and a crown of several leafy masses."""
    bark = b.material("planks", (0.12, 0.09, 0.065), scale=0.04, contrast=0.5)
    b.post((x, 0.0, z), 0.035 * height**0.8, 0.65 * height, bark)
    leaves = foliage(b, b.between(0.05, 0.1), 0.03 * height)
    for _ in range(int(b.rng.integers(3, 6))):
        wide = height * b.between(0.16, 0.3)
        place = (
            x + b.between(-0.22, 0.22) * height,
            height * b.between(0.6, 0.95),
            z + b.between(-0.2, 0.2) * height,
        )
        b.ball(place, (wide, 0.8 * wide, wide), leaves)


def car(b: Builder, x: float, z: float, yaw: float = 0.0) -> None:
    """Add a parked car: body, cabin, wheels, lights; its long side runs away from the camera at yaw 0."""
    paint = b.material("plain", b.colour(b.between(0.03, 0.35), 0.8), scale=4.0, contrast=0.05, gloss=0.5)
    glass = b.material("plain", (0.02, 0.022, 0.025), scale=2.0, contrast=0.3, gloss=0.6)
    tyre = b.material("plain", (0.02, 0.02, 0.02), scale=0.2)
    chrome = b.material("plain", (0.4, 0.4, 0.4), scale=0.2, gloss=0.6)
    red = b.material("plain", (0.4, 0.03, 0.03), scale=0.1, gloss=0.5)
    c, s = float(np.cos(yaw)), float(np.sin(yaw))

    def at(across: float, up: float, along: float) -> Vector:
        return (x + c * across - s * along, up, z + s * across + c * along)

    b.box(at(0, 0.28, 0), (1.76, 0.55, 4.3), paint, yaw)
    b.ball(at(0, 0.78, 1.2), (0.84, 0.2, 0.9), paint)
    b.box(at(0, 0.83, -0.25), (1.5, 0.42, 2.3), glass, yaw)
    b.box(at(0, 1.25, -0.25), (1.44, 0.06, 2.0), paint, yaw)
    for side in (-0.84, 0.84):
        for along in (-1.35, 1.35):
            b.ball(at(side, 0.32, along), (0.16, 0.32, 0.32), tyre)
            b.ball(at(side * 1.1, 0.32, along), (0.1, 0.18, 0.18), chrome)
        b.ball(at(side * 0.75, 0.66, -2.14), (0.2, 0.08, 0.05), red)
        b.ball(at(side * 0.75, 0.62, 2.14), (0.2, 0.09, 0.06), chrome)
    plate = b.material("sign", (0.6, 0.6, 0.5), (0.05, 0.05, 0.05), p=0.52, q=0.12, scale=0.05)
    b.quad(at(-0.26 * c, 0.45, -2.17), (c, 0.0, s), UP, 0.52, 0.12, plate)


def sign(
    b: Builder, corner: Vector, width: float, height: float, *, glow: float = 0.0, along: Vector = RIGHT
) -> None:
    """Add a board with lettering; `corner` is its lower left."""
    light = b.chance(0.6)
    paper, ink = b.colour(0.55, 0.5), b.colour(0.04)
    a, c = (paper, ink) if light else (b.colour(0.08), paper)
    material = b.material("sign", a, c, p=width, q=height, scale=0.06 * height, glow=glow)
    b.quad(corner, along, UP, width, height, material)


def carton(b: Builder, x: float, y: float, z: float, size: Vector, yaw: float) -> None:
    """Add a cardboard box with tape and print, or now and then a painted one."""
    if b.chance(0.7):
        brown = scaled((1.0, 0.72, 0.46), b.between(0.22, 0.42))
        ink = b.colour(0.06)
        material = b.material(
            "carton", brown, ink, p=size[0], q=size[1], scale=b.between(0.06, 0.14) * size[1], gloss=0.01
        )
    else:
        material = b.material("plain", b.colour(b.between(0.05, 0.5)), scale=0.4, contrast=0.25, gloss=0.08)
    b.box((x, y, z), size, material, yaw)


def bin_(b: Builder, x: float, z: float) -> None:
    """Add a wheeled bin or a round one."""
    plastic = b.material("plain", b.colour(b.between(0.04, 0.16)), scale=0.5, contrast=0.15, gloss=0.12)
    lid = b.material("plain", b.colour(b.between(0.03, 0.1)), scale=0.5, contrast=0.15, gloss=0.15)
    if b.chance(0.65):
        yaw = b.between(-0.3, 0.3)
        b.box((x, 0.06, z), (0.58, 0.95, 0.65), plastic, yaw)
        b.box((x, 1.01, z), (0.64, 0.07, 0.74), lid, yaw)
    else:
        b.post((x, 0.0, z), 0.3, 0.85, plastic)
        b.ball((x, 0.86, z), (0.31, 0.12, 0.31), lid)


def bottle(b: Builder, x: float, y: float, z: float, height: float) -> None:
    """Add a bottle or a can with a label."""
    radius = 0.17 * height
    body = b.material("plain", b.colour(b.between(0.04, 0.5)), scale=0.3, contrast=0.1, gloss=0.5)
    label = b.material("poster", b.colour(0.5), b.colour(0.05), p=3.1 * radius, q=0.4 * height)
    b.post((x, y, z), radius, 0.62 * height, body)
    b.post((x, y + 0.12 * height, z), 1.02 * radius, 0.36 * height, label)
    b.ball((x, y + 0.62 * height, z), (radius, 0.5 * radius, radius), body)
    b.post((x, y + 0.6 * height, z), 0.35 * radius, 0.4 * height, body)


def ball(b: Builder, x: float, y: float, z: float, radius: float) -> None:
    """Add a ball for games."""
    skin = b.material(
        "tiles", b.colour(0.18, 1.2), (0.02, 0.02, 0.02), scale=0.9 * radius, contrast=0.05, gloss=0.06
    )
    b.ball((x, y + radius, z), (radius, radius, radius), skin)


def heap(b: Builder, place: Vector, radius: float) -> None:
    """Add a heap of cloth, bags and things: many-coloured pieces of all sizes."""
    stuff = b.material(
        "clutter", b.colour(0.1), scale=0.5 * radius, contrast=0.4, p=b.between(1.2, 2.0), r=6.0
    )
    b.ball(place, (radius, 0.6 * radius, 0.7 * radius), stuff)


def litter(b: Builder, corner: Vector, width: float, depth: float) -> None:
    """Strew dry leaves over the ground in drifts."""
    leaves = b.material(
        "leaves", scaled((1.0, 0.62, 0.3), 0.2), scaled((1.0, 0.8, 0.45), 0.25), scale=0.07, contrast=0.7,
        p=1.7, q=b.between(0.1, 0.3), r=2.0, s=b.between(0.8, 2.5), opacity=0.0,
    )  # fmt: skip
    b.quad((corner[0], 0.012, corner[2]), RIGHT, AWAY, width, depth, leaves)
