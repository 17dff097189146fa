"""Gains that know nothing about an image, or only its level: the controls for every amplifier.

An amplifier is worth as much as it beats them by. Both are taken from SID's own lists, never from the
images that they are used on:

- constant: the geometric mean of the exposure ratios in SID's training list, over the frames that the
  protocol's own rule selects there (168 of the first frames at 0.1 s, 203 of all first frames);
- level: gain = 2^8.2263 x level^-0.2290, the least-squares line, in logarithms, of the exposure ratio
  against the mean raw level of SID's 93 first test frames.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.folder.pairs import MAX_RATIO, Pair
from bench.data.folder.subsets import select

if TYPE_CHECKING:
    from collections.abc import Sequence

# Digital numbers between black and saturation of SID's Sony: the unit of the levels.
SPAN = 16383 - 512
# Decimals of the fitted line, so that it is the same number on every machine.
_PLACES = 4
# First digit of the ids in the training list.
TRAINING = "0"


@dataclass(frozen=True)
class Line:
    """A straight line in logarithms: log2 ratio = `offset` + `slope` x log2 level."""

    slope: float
    offset: float

    def ratio(self, level: float) -> float:
        """Exposure ratio for a mean level in digital numbers; from 1 to 300."""
        if not level > 0:
            return MAX_RATIO
        return min(max(2 ** (self.offset + self.slope * math.log2(level)), 1.0), MAX_RATIO)


@dataclass(frozen=True)
class Frame:
    """One of SID's first test frames.

    Attributes:
        name: its name without suffix, as 10003_00_0.1s.
        ratio: exposure ratio, at most 300.
        level: mean of the raw, digital numbers above black, clipped at black.
    """

    name: str
    ratio: float
    level: float

    @property
    def scene(self) -> str:
        """The five-digit id of its scene."""
        return self.name[:5]


@cache
def constant(subset: str) -> float:
    """Geometric mean of the exposure ratios in SID's training list, of the frames that a subset's rule takes.

    Raises:
        InputError: there is no such subset.
    """
    ratios = [pair.ratio for pair in select(_listed("train"), subset, TRAINING)]
    return 2 ** math.fsum(math.log2(ratio) / len(ratios) for ratio in ratios)


@cache
def level_line() -> Line:
    """Return the fixed line from level to ratio, fitted to SID's 93 first test frames."""
    line = fit(first_test_frames())
    return Line(round(line.slope, _PLACES), round(line.offset, _PLACES))


def level(mean: float) -> float:
    """Gain for a frame of that mean, 0 black and 1 saturation, values below black counted as black."""
    return level_line().ratio(mean * SPAN)


def fit(frames: Sequence[Frame]) -> Line:
    """Fit a line to frames by least squares of log2 ratio."""
    x = [math.log2(frame.level) for frame in frames]
    y = [math.log2(frame.ratio) for frame in frames]
    mid_x, mid_y = (math.fsum(some) / len(some) for some in (x, y))
    covariance = math.fsum((a - mid_x) * (b - mid_y) for a, b in zip(x, y, strict=True))
    slope = covariance / math.fsum((a - mid_x) ** 2 for a in x)
    return Line(slope, mid_y - slope * mid_x)


@cache
def first_test_frames() -> tuple[Frame, ...]:
    """SID's 93 first test frames with their real levels."""
    return tuple(
        Frame(Path(row["short"]).stem, float(row["ratio"]), float(row["mean_dn_above_black"]))
        for row in _rows("sid_test93.csv")
    )


def _listed(split: str) -> list[Pair]:
    """Pairs of one of SID's own lists for its Sony camera."""
    pairs = []
    for row in _rows("sid_lists.csv"):
        if (row["half"], row["split"]) != ("sony", split):
            continue
        scene, frame, short_s = Path(row["short"]).stem.split("_")
        long_s = Path(row["long"]).stem.split("_")[2]
        short, long = (float(text.removesuffix("s")) for text in (short_s, long_s))
        pairs.append(Pair(scene, frame, short, long, Path(row["short"]), Path(row["long"])))
    return pairs


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files("bench.data").joinpath("facts", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
