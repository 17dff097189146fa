"""A scene as data, and the builder that places things in it. Metres; x to the right, y up, z away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.data.scenes.bodies import BALL, BODY_COLUMNS, BOX, POST, QUAD
from bench.data.scenes.columns import COLUMNS, KINDS
from bench.data.scenes.palette import palette
from bench.data.scenes.tracing import LAMP_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Vector = tuple[float, float, float]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Scene:
    """Everything that `render` needs; see tracing.py for the arrays' columns.

    Attributes:
        kind: what it shows, as "street".
        bodies: (N, 21).
        materials: (M, 17).
        lamps: (K, 11).
        palette: (P, 3) linear sRGB.
        ambient: (3,) light from everywhere.
        sky: (6,) radiance overhead and at the horizon.
        view: (13,) eye, right, up, forward, height of the frame at distance 1.
    """

    kind: str
    bodies: NDArray[np.float64]
    materials: NDArray[np.float64]
    lamps: NDArray[np.float64]
    palette: NDArray[np.float64]
    ambient: NDArray[np.float64]
    sky: NDArray[np.float64]
    view: NDArray[np.float64]


class Builder:
    """Collects bodies, materials and lamps; what it draws comes from its own random generator."""

    def __init__(self, kind: str, rng: np.random.Generator) -> None:
        self.kind = kind
        self.rng = rng
        self.ambient: Colour = (0.02, 0.02, 0.025)
        self.sky: tuple[Colour, Colour] = ((0.002, 0.002, 0.003), (0.012, 0.010, 0.010))
        self._bodies: list[list[float]] = []
        self._materials: list[list[float]] = []
        self._lamps: list[list[float]] = []
        self._view: list[float] = []

    def between(self, low: float, high: float) -> float:
        """Draw a uniform number."""
        return float(self.rng.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """Draw a yes or no."""
        return bool(self.rng.random() < probability)

    def size(self, smallest: float, largest: float, power: float = 3.0) -> float:
        """Draw from the power law with density r^-power between two sizes."""
        e = 1.0 - power
        low, high = smallest**e, largest**e
        return float((low + self.rng.random() * (high - low)) ** (1.0 / e))

    def colour(self, luminance: float, saturation: float = 0.8) -> Colour:
        """Draw a natural colour and bring it to a reflectance; no channel exceeds 2.2 times that."""
        colours = palette()
        drawn = colours[int(self.rng.integers(8, len(colours)))]
        grey = max(float(0.2126 * drawn[0] + 0.7152 * drawn[1] + 0.0722 * drawn[2]), 0.01)
        vivid = max(float(drawn.max()) / grey - 1.0, 0.0)
        saturation = min(saturation, 1.2 / max(vivid, 1e-6))
        red, green, blue = (luminance * (1.0 + saturation * (float(c) / grey - 1.0)) for c in drawn)
        return (min(max(red, 0.01), 0.85), min(max(green, 0.01), 0.85), min(max(blue, 0.01), 0.85))

    def material(self, kind: str, a: Colour, b: Colour | None = None, **numbers: float) -> int:
        """Add a material; `numbers` name its columns. Returns its place."""
        b = b or (0.5 * a[0], 0.5 * a[1], 0.5 * a[2])
        row = {
            "scale": 1.0,
            "contrast": 0.2,
            "seed": float(self.rng.integers(1, 2**31)),
            "opacity": 1.0,
        } | numbers
        fixed = [float(KINDS.index(kind)), *a, *b]
        self._materials.append(fixed + [float(row.get(name, 0.0)) for name in COLUMNS[len(fixed) :]])
        return len(self._materials) - 1

    def quad(
        self, corner: Vector, along: Vector, up: Vector, width: float, height: float, material: int
    ) -> None:
        """Add a rectangle: unit vectors along its sides, lengths, material."""
        a, u = np.array(along), np.array(up)
        normal = np.cross(a, u)
        centre = np.array(corner) + 0.5 * (a * width + u * height)
        self._body(QUAD, corner, [*a, *u, *normal], (width, height, 0.0), material, centre)

    def box(self, base: Vector, sizes: Vector, material: int, yaw: float = 0.0) -> None:
        """Add an upright box: middle of its base, sizes across, up and deep, turned by `yaw` radians."""
        c, s = float(np.cos(yaw)), float(np.sin(yaw))
        along, up, away = np.array([c, 0, s]), np.array([0.0, 1, 0]), np.array([-s, 0, c])
        corner = np.array(base) - 0.5 * (along * sizes[0] + away * sizes[2])
        centre = np.array(base) + np.array([0, 0.5 * sizes[1], 0])
        self._body(BOX, corner, [*along, *up, *away], sizes, material, centre)

    def ball(self, centre: Vector, radii: Vector, material: int) -> None:
        """Add an ellipsoid."""
        self._body(BALL, centre, [0.0] * 9, radii, material, np.array(centre))

    def post(self, base: Vector, radius: float, height: float, material: int) -> None:
        """Add an upright cylinder."""
        centre = np.array(base) + np.array([0, 0.5 * height, 0])
        self._body(POST, base, [0.0] * 9, (radius, height, radius), material, centre)

    def _body(
        self,
        kind: int,
        origin: Sequence[float] | NDArray[np.float64],
        axes: Sequence[float],
        extents: Vector,
        material: int,
        centre: NDArray[np.float64],
    ) -> None:
        half = 1.0 if kind == BALL else 0.5
        if kind == POST:
            reach = float(np.hypot(extents[0], 0.5 * extents[1]))
        elif kind == BALL:
            reach = max(extents)
        else:
            reach = half * float(np.sqrt(sum(e * e for e in extents)))
        row = [float(kind), *origin, *axes, *extents, float(material), *centre, 1.0001 * reach]
        assert len(row) == BODY_COLUMNS
        self._bodies.append([float(number) for number in row])

    def lamp(
        self,
        place: Vector,
        power: Colour,
        radius: float = 0.1,
        direction: Vector | None = None,
        cone: float = -2.0,
    ) -> None:
        """Add a source of light: radiance 1 on white at 1 m for power 1; `cone` is the cosine of its beam."""
        row = [*place, *power, radius * radius, *(direction or (0.0, -1.0, 0.0)), cone]
        assert len(row) == LAMP_COLUMNS
        self._lamps.append([float(number) for number in row])

    def look(self, eye: Vector, target: Vector, field: float) -> None:
        """Place the camera; `field` is the height of the frame at distance 1."""
        forward = np.array(target) - np.array(eye)
        forward /= np.sqrt((forward**2).sum())
        right = np.cross([0.0, 1.0, 0.0], forward)
        right /= np.sqrt((right**2).sum())
        self._view = [*eye, *right, *np.cross(forward, right), *forward, field]

    def scene(self) -> Scene:
        """Return what was built."""
        return Scene(
            kind=self.kind,
            bodies=np.array(self._bodies),
            materials=np.array(self._materials),
            lamps=np.array(self._lamps).reshape(-1, LAMP_COLUMNS),
            palette=palette(),
            ambient=np.array(self.ambient),
            sky=np.array([*self.sky[0], *self.sky[1]]),
            view=np.array(self._view),
        )
