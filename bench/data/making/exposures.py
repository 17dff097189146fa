"""Which exposures to generate from which photographs: from a CSV file, or drawn as in SID."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.data.folder.lists import decimal, read_text
from bench.data.folder.lists import rows as rows_of
from bench.data.making.camera_settings import draw_capture
from bench.data.making.noise_table import NoiseTable, sony_a7s2
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Ids of synthetic scenes begin with 1, as SID's test scenes, and meet none of SID's.
FIRST_ID = 11000

# Red and blue multipliers where a CSV names none: the medians of SID's test scenes.
WHITE_BALANCE = (2.09, 2.43)

_REQUIRED = ("photo", "short_s", "long_s", "iso")


@dataclass(frozen=True)
class ExposurePlan:
    """What to generate from one photograph.

    Attributes:
        photo: its name without suffix.
        scene: the five-digit id of its files.
        long_s: the long exposure in seconds.
        shorts_s: the short exposures in seconds, in order; one that is given twice gets two frames.
        iso: sensitivity.
        white_balance: multipliers of red and blue.
    """

    photo: str
    scene: str
    long_s: float
    shorts_s: tuple[float, ...]
    iso: int
    white_balance: tuple[float, float]


@dataclass(frozen=True)
class _Row:
    photo: str
    short_s: float
    shared: tuple[float, int, tuple[float, float]]
    line: int


def drawn(photos: Iterable[str], seed: int, table: NoiseTable | None = None) -> list[ExposurePlan]:
    """Exposures for every photograph as `data make` draws them; brightness is the photograph's own."""
    ids = scene_ids(photos)
    plans = []
    for number, (photo, scene) in enumerate(ids.items()):
        capture = draw_capture(seed, number, table)
        plans.append(
            ExposurePlan(photo, scene, capture.long_s, capture.shorts_s, capture.iso, capture.white_balance)
        )
    return plans


def from_csv(path: Path, photos: dict[str, Path], table: NoiseTable | None = None) -> list[ExposurePlan]:
    """Exposures from a CSV with columns photo, short_s, long_s, iso and optionally wb_r, wb_b: one per row.

    `photo` is a file name, with or without its suffix. The rows of a photograph share one long exposure, so
    that their long_s, iso and white balance must agree.

    Raises:
        InputError: unreadable or empty file, missing column, bad number, unknown photograph, or an ISO that
            the camera's table (by default the Sony A7S II's) does not cover; the message names the row.
    """
    reader = rows_of(read_text(path, "exposures"))
    missing = [name for name in _REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError(
            f"{path} lacks the column {missing[0]}: its first line must contain {', '.join(_REQUIRED)}"
        )
    rows = [_row(path, reader.line_num, line, photos, table or sony_a7s2()) for line in reader]
    if not rows:
        raise InputError(f"{path} has no rows: add one per exposure")
    groups: dict[str, list[_Row]] = {}
    for row in rows:
        groups.setdefault(row.photo, []).append(row)
    ids = scene_ids(sorted(groups))
    return [_plan(path, group, ids[photo]) for photo, group in sorted(groups.items())]


def scene_ids(photos: Iterable[str]) -> dict[str, str]:
    """Id of each photograph: its own name if that is five digits, else the next free one from 11000 up."""
    names = list(photos)
    taken = {name for name in names if _is_id(name)}
    free = (str(number) for number in range(FIRST_ID, 20000) if str(number) not in taken)
    try:
        return {name: name if name in taken else next(free) for name in names}
    except StopIteration:
        raise InputError(f"{len(names)} photographs are too many: use at most 9000 at a time") from None


def _is_id(name: str) -> bool:
    return len(name) == 5 and name.isascii() and name.isdigit()


def _row(path: Path, line: int, cells: dict[str, str], photos: dict[str, Path], table: NoiseTable) -> _Row:
    where = f"{path}, row {line}"
    name = cells["photo"].strip()
    photo = next((stem for stem, file in photos.items() if name in {stem, file.name}), None)
    if photo is None:
        raise InputError(f"{where}: there is no photograph {name!r}: correct the name or remove the row")
    short_s, long_s = _number(where, cells, "short_s"), _number(where, cells, "long_s")
    if short_s > long_s:
        raise InputError(f"{where}: short_s {short_s:g} exceeds long_s {long_s:g}: swap them")
    if float(f"{short_s:g}") == float(f"{long_s:g}"):
        raise InputError(f"{where}: short_s equals long_s: give a shorter one")
    iso = _number(where, cells, "iso")
    if iso != round(iso):
        raise InputError(f"{where}: iso {iso:g} is not a whole number")
    try:
        table.at(iso)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    red, blue = (
        _number(where, cells, key) if (cells.get(key) or "").strip() else default
        for key, default in zip(("wb_r", "wb_b"), WHITE_BALANCE, strict=True)
    )
    return _Row(photo, short_s, (long_s, int(iso), (red, blue)), line)


def _number(where: str, cells: dict[str, str], column: str) -> float:
    text = (cells.get(column) or "").strip()
    try:
        value = decimal(text)
    except ValueError:
        raise InputError(f"{where}: {column} is {text!r}: give a number") from None
    if not math.isfinite(value) or not 1e-6 <= value <= 1e6:
        raise InputError(f"{where}: {column} is {text}: give a positive number")
    return value


def _plan(path: Path, rows: list[_Row], scene: str) -> ExposurePlan:
    first = rows[0]
    for row in rows[1:]:
        if row.shared != first.shared:
            raise InputError(
                f"{path}, row {row.line}: long_s, iso or white balance of {row.photo} differ from row "
                f"{first.line}: a photograph has only one long exposure, so make them equal"
            )
    long_s, iso, white_balance = first.shared
    return ExposurePlan(first.photo, scene, long_s, tuple(row.short_s for row in rows), iso, white_balance)
