"""Known facts about SID's Sony files: the pairs in its lists, and the mean level of 93 test inputs.

`facts/sid_lists.csv` holds the authors' lists. `facts/sid_test93.csv` holds the mean level of every first
test frame, in digital numbers above black and clipped there, as measured on the real files: a photograph that
was exchanged, rendered, shrunk or edited does not have it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.data.folder.pairs import Pair
    from llpacknet.raw.frame import RawFrame

# A decoder that places its window otherwise moves a mean by less; the table has three decimals.
TOLERANCE = 0.01
_ROUNDING = 0.0005
_SPLITS = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class Listed:
    """How many pairs of one of SID's lists a folder holds.

    Attributes:
        list: "training", "validation" or "test".
        there: how many of its pairs are present.
        pairs: how many it names.
        missing: the first that is missing, by its short exposure; None if all are present.
    """

    list: str
    there: int
    pairs: int
    missing: str | None


@cache
def lists() -> dict[str, frozenset[tuple[str, str]]]:
    """SID's Sony lists: by name, the stems (short, long) of their pairs."""
    found: dict[str, set[tuple[str, str]]] = {name: set() for name in _SPLITS.values()}
    for row in _rows("sid_lists.csv"):
        if row["half"] == "sony":
            found[_SPLITS[row["split"]]].add(_stems(row))
    return {name: frozenset(pairs) for name, pairs in found.items()}


@cache
def levels() -> dict[tuple[str, str], float]:
    """Mean level of SID's 93 first test frames, DN above black, by the stems (short, long) of their pairs."""
    return {_stems(row): float(row["mean_dn_above_black"]) for row in _rows("sid_test93.csv")}


def in_lists(pairs: Iterable[Pair]) -> list[Listed]:
    """Count a folder's pairs against each of SID's lists."""
    names = {_names(pair) for pair in pairs}
    found = []
    for name, listed in lists().items():
        missing = min((short for short, _ in listed - names), default=None)
        found.append(Listed(name, len(listed & names), len(listed), missing))
    return found


def unlisted(pairs: Iterable[Pair]) -> list[str]:
    """Short exposures that none of SID's lists pairs with their long one."""
    everything = frozenset().union(*lists().values())
    return sorted(pair.name for pair in pairs if _names(pair) not in everything)


def known_level(pair: Pair) -> float | None:
    """Return the level of SID's short exposure of this name, DN above black; None if it is not known."""
    return levels().get(_names(pair))


def mean_level(frame: RawFrame) -> float:
    """Mean of a frame in digital numbers above black, each pixel clipped at black."""
    planes = ((0, 0), (0, 1), (1, 0), (1, 1))
    means = [
        np.maximum(frame.mosaic[row::2, column::2] - np.float32(black), 0).mean(dtype=np.float64)
        for (row, column), black in zip(planes, frame.black, strict=True)
    ]
    return float(np.mean(means))


def off_level(pair: Pair, level: float) -> str | None:
    """Say that a short exposure's mean level is not that of SID's file of the same name; None if it is."""
    known = known_level(pair)
    if known is None or abs(level - known) <= TOLERANCE * known + _ROUNDING:
        return None
    return (
        f"{pair.short}: its mean level is {level:.3f} above black, that of SID's file of this name "
        f"{known:.3f}: it is a different photograph or was changed, copy it again"
    )


def _names(pair: Pair) -> tuple[str, str]:
    return pair.short.stem, pair.long.stem


def _stems(row: dict[str, str]) -> tuple[str, str]:
    return PurePath(row["short"]).stem, PurePath(row["long"]).stem


def _rows(name: str) -> Sequence[dict[str, str]]:
    text = resources.files("bench.data").joinpath("facts", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
