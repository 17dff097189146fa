"""A camera's noise at each ISO, from a table: the Sony A7S II's, or one that `llbench data calibrate` wrote.

The sensor of the A7S II has two conversion gains and changes between ISO 1600 and 2000, like many sensors:
there, read noise in digital numbers, which otherwise rises with the ISO, drops. No table is interpolated
across such a step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from bench.data.folder.lists import decimal, read_text
from bench.data.folder.lists import rows as rows_of
from bench.data.folder.manifest import digest
from bench.data.making.camera import SPAN, NoiseParameters
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

# Digital numbers per electron of the A7S II, per unit of ISO.
GAIN_PER_ISO = 9.563e-4

# Read noise that falls to less than this share of the next lower ISO's marks a change of conversion gain.
# The A7S II's falls to 0.42 there, and to 0.85 at most elsewhere.
_SWITCH = 0.75

_NEEDED = ("iso", "gain_dn_per_electron", "gaussian_read_sigma_dn", "row_sigma_dn")
_TUKEY = ("tukey_lambda_shape", "tukey_lambda_scale_dn")
_BLACK_ERROR = ("black_error_dn", "black_error_sd_dn")
_LEVELS = ("black_dn", "white_dn")
_MAY_BE_NEGATIVE = frozenset({"tukey_lambda_shape", "black_error_dn"})
_ABOVE_ZERO = frozenset({"iso", "gain_dn_per_electron", "tukey_lambda_scale_dn", "white_dn"})


@dataclass(frozen=True)
class _Row:
    """Noise at one ISO, with the standard deviation of the black error from frame to frame."""

    noise: NoiseParameters
    black_sigma: float


@dataclass(frozen=True)
class NoiseTable:
    """A camera's noise at the ISOs for which it was calibrated, and between them.

    Attributes:
        name: the table's file name, for messages and metadata.
        sides: the rows of each conversion gain, both in rising order of the ISO.
        gain_per_iso: K per unit of ISO; None if K is interpolated like the rest.
        sha256: of the file; empty for the table that comes with the package.
    """

    name: str
    sides: tuple[tuple[_Row, ...], ...]
    gain_per_iso: float | None = None
    sha256: str = ""

    @property
    def isos(self) -> tuple[float, float]:
        """Smallest and largest ISO of the calibration."""
        return self.sides[0][0].noise.iso, self.sides[-1][-1].noise.iso

    @property
    def has_tukey_lambda(self) -> bool:
        """Whether the Tukey-lambda distribution of the read noise is known beside the Gaussian one."""
        return self.sides[0][0].noise.tukey_lambda is not None

    @property
    def about(self) -> dict[str, dict[str, str]]:
        """What synthetic data record about it: file name and sha256 of a user's table; else nothing."""
        return {"camera": {"file": self.name, "sha256": self.sha256}} if self.sha256 else {}

    def covers(self, iso: float) -> bool:
        """Whether `at` gives the noise of this ISO."""
        try:
            self.at(iso)
        except InputError:
            return False
        return True

    def at(self, iso: float) -> NoiseParameters:
        """Noise at `iso`; between the table's ISOs interpolated on a logarithmic scale.

        Only rows of the same conversion gain are used; between the two gains the lower one is continued along
        its last two rows. Gain, sigmas and scale are interpolated logarithmically, the shape and the black
        error linearly.

        Raises:
            InputError: for an ISO outside the calibrated range, or one next to a lone row.
        """
        return self._interpolated(iso).noise

    def black_sigma(self, iso: float) -> float:
        """Return the standard deviation of the black error over frames, in DN; raises as `at` does."""
        return self._interpolated(iso).black_sigma

    def _interpolated(self, iso: float) -> _Row:
        low, high = self.isos
        if not low <= iso <= high:
            known = f"one from {low:g} to {high:g}" if low < high else f"{low:g}"
            raise InputError(f"ISO {iso:g} is outside the camera's calibration ({self.name}); give {known}")
        side = [side for side in self.sides if side[0].noise.iso <= iso][-1]
        if len(side) == 1:
            if iso == side[0].noise.iso:
                return side[0]
            raise InputError(
                f"ISO {iso:g} is where {self.name} changes from one conversion gain to another, with ISO "
                f"{side[0].noise.iso:g} alone below: give that, or calibrate ISO {iso:g}"
            )
        upper = int(np.clip(np.searchsorted([row.noise.iso for row in side], iso), 1, len(side) - 1))
        found = _between(side[upper - 1], side[upper], iso)
        if self.gain_per_iso is None:
            return found
        return replace(found, noise=replace(found.noise, gain=float(iso) * self.gain_per_iso))


@cache
def sony_a7s2() -> NoiseTable:
    """Return the Sony A7S II's table, calibrated per ISO and published by PMN; its K is ISO x 9.563e-4."""
    text = resources.files("bench.data").joinpath("facts/a7s2_noise.csv").read_text(encoding="utf-8")
    rows = [_row("a7s2_noise.csv", row) for row in rows_of(text)]
    return NoiseTable("a7s2_noise.csv", _sides(rows), GAIN_PER_ISO)


def read(path: Path) -> NoiseTable:
    """Read a camera's table from a CSV file with a row for each ISO, as `llbench data calibrate` writes it.

    Of its columns iso, gain_dn_per_electron, gaussian_read_sigma_dn and row_sigma_dn are needed. Without
    tukey_lambda_shape and tukey_lambda_scale_dn read noise is only Gaussian; without black_error_dn and
    black_error_sd_dn the black level is as the file says. With black_dn and white_dn everything is scaled
    from that camera's range to the 15871 digital numbers of synthetic files, so that the noise keeps its
    relative size.

    Raises:
        InputError: for a file that is not such a table, lacks a column or a row, or holds a value that is
            missing, not a finite number, or negative where that makes no sense; the message names row and
            column.
    """
    reader = rows_of(read_text(path, "camera table"))
    missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError(
            f"--camera {path} lacks the column {missing[0]}: give a CSV file of `llbench data calibrate`"
        )
    rows = [_row(f"--camera {path}, row {reader.line_num}", line) for line in reader]
    if not rows:
        raise InputError(f"--camera {path} has no rows: add one per ISO (`llbench data calibrate`)")
    isos = [row.noise.iso for row in rows]
    twice = next((iso for iso in isos if isos.count(iso) > 1), None)
    if twice is not None:
        raise InputError(f"--camera {path} has ISO {twice:g} twice: keep one of its rows")
    return NoiseTable(path.name, _sides(rows), sha256=digest(path))


def _row(where: str, cells: Mapping[str, str]) -> _Row:
    iso, gain, sigma, row_sigma = (_number(where, cells, name) for name in _NEEDED)
    factor = _to_our_range(where, cells)
    shape, scale = [_number(where, cells, name) for name in _TUKEY] if _has(cells, _TUKEY) else (None, None)
    error, spread = (
        [_number(where, cells, name) for name in _BLACK_ERROR] if _has(cells, _BLACK_ERROR) else (0.0, 0.0)
    )
    return _Row(
        NoiseParameters(
            iso=iso,
            gain=gain * factor,
            read_sigma=sigma * factor,
            tukey_lambda=shape,
            tukey_scale=scale and scale * factor,
            row_sigma=row_sigma * factor,
            black_error=error * factor,
        ),
        spread * factor,
    )


def _to_our_range(where: str, cells: Mapping[str, str]) -> float:
    """Digital numbers of what is made here to one of the camera's: it may have 12 bits, or another white."""
    if not _has(cells, _LEVELS):
        return 1.0
    black, white = (_number(where, cells, name) for name in _LEVELS)
    if white <= black:
        raise InputError(f"{where}: white_dn {white:g} does not exceed black_dn {black:g}: calibrate again")
    return SPAN / (white - black)


def _has(cells: Mapping[str, str], columns: Iterable[str]) -> bool:
    return all(name in cells for name in columns)


def _number(where: str, cells: Mapping[str, str], column: str) -> float:
    text = (cells[column] or "").strip()
    try:
        value = decimal(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: {column} is {text!r}: give a number, or calibrate this ISO again")
    if value < 0 and column not in _MAY_BE_NEGATIVE:
        raise InputError(f"{where}: {column} is {text}, which is negative: calibrate this ISO again")
    if value == 0 and column in _ABOVE_ZERO:
        raise InputError(f"{where}: {column} is 0: give a positive number, or calibrate this ISO again")
    return value


def _sides(rows: Iterable[_Row]) -> tuple[tuple[_Row, ...], ...]:
    """Sort rows by ISO and divide them where the conversion gain changes."""
    sides: list[list[_Row]] = []
    for row in sorted(rows, key=lambda one: one.noise.iso):
        if not sides or row.noise.read_sigma < _SWITCH * sides[-1][-1].noise.read_sigma:
            sides.append([])
        sides[-1].append(row)
    return tuple(map(tuple, sides))


def _between(below: _Row, above: _Row, iso: float) -> _Row:
    low, high = below.noise, above.noise
    weight = float(np.log(iso / low.iso) / np.log(high.iso / low.iso))

    def linear(first: float, second: float) -> float:
        return float(first + weight * (second - first))

    def geometric(first: float, second: float) -> float:
        # A sigma may have come out as 0, of which there is no logarithm.
        if min(first, second) <= 0:
            return max(linear(first, second), 0.0)
        return float(first * (second / first) ** weight)

    tukey = None
    if low.tukey_lambda is not None and high.tukey_lambda is not None:
        tukey = linear(low.tukey_lambda, high.tukey_lambda)
    noise = NoiseParameters(
        iso=float(iso),
        gain=geometric(low.gain, high.gain),
        read_sigma=geometric(low.read_sigma, high.read_sigma),
        tukey_lambda=tukey,
        tukey_scale=None if tukey is None else geometric(low.tukey_scale or 0.0, high.tukey_scale or 0.0),
        row_sigma=geometric(low.row_sigma, high.row_sigma),
        black_error=linear(low.black_error, high.black_error),
    )
    return _Row(noise, max(linear(below.black_sigma, above.black_sigma), 0.0))
