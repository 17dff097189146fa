"""Colours of natural photographs, for things that are painted, printed, sewn or grown.

`palette.csv` holds 96 linear sRGB colours, a median cut of the photographs that scikit-image and scikit-learn
carry inside their packages (`SOURCES`); `derive` makes it again.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Colour photographs of everyday things inside the two packages' wheels.
SOURCES = (
    "skimage/data/astronaut.png",
    "skimage/data/chelsea.png",
    "skimage/data/coffee.png",
    "skimage/data/motorcycle_left.png",
    "skimage/data/rocket.jpg",
    "sklearn/datasets/images/china.jpg",
    "sklearn/datasets/images/flower.jpg",
)

COLOURS = 96


@cache
def palette() -> NDArray[np.float64]:
    """(96, 3) linear sRGB reflectances in [0, 1], by luminance."""
    text = resources.files("bench.data.scenes").joinpath("palette.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return np.array([[float(row[name]) for name in ("red", "green", "blue")] for row in rows])


def derive() -> NDArray[np.float64]:
    """Cut the photographs' pixels by medians, each photograph of equal weight; rounded to four digits."""
    from PIL import Image

    pixels = []
    for source in SOURCES:
        package, _, rest = source.partition("/")
        with resources.as_file(resources.files(package).joinpath(rest)) as path, Image.open(path) as image:
            values = np.asarray(image.convert("RGB"), np.int64).reshape(-1, 3)
        pixels.append(values[:: max(1, len(values) // 16000)][:16000])
    groups = [np.concatenate(pixels)]
    while len(groups) < COLOURS:
        groups += _halves(groups.pop(max(range(len(groups)), key=lambda k: _spread(groups[k]))))
    linear = np.array([_decode(group).mean(axis=0) for group in groups])
    order = np.argsort(linear @ np.array([0.2126, 0.7152, 0.0722]), kind="stable")
    return np.round(linear[order], 4)


def _spread(group: NDArray[np.int64]) -> float:
    return float(np.ptp(group, axis=0).max() * np.sqrt(len(group)))


def _halves(group: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    axis = int(np.argmax(np.ptp(group, axis=0)))
    ordered = group[np.argsort(group[:, axis], kind="stable")]
    return [ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]]


def _decode(srgb: NDArray[np.int64]) -> NDArray[np.float64]:
    """IEC 61966-2-1."""
    value = srgb / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
