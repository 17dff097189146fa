"""Measure a camera's noise from its own dark and flat frames, for the model in `camera`.

Per ISO setting: dark frames (lens covered, a short exposure) give the read noise, the offsets of the rows and
the actual black level; pairs of flat frames (an even surface, out of focus, both at one exposure) give the
gain by the photon transfer method: the variance of the difference of a pair grows with the level by K.
"""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from dataclasses import asdict, dataclass, fields
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from llpacknet.errors import InputError
from llpacknet.raw.read import read_raw
from llpacknet.whole import whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from llpacknet.raw.frame import RawFrame

SUFFIXES = frozenset({".arw", ".dng", ".nef", ".cr2", ".cr3", ".raf", ".rw2", ".orf", ".pef"})
# Two flat frames are a pair where their levels differ by no more.
SAME_LEVEL = 0.02
# Of saturation; what is brighter may be clipped.
BRIGHTEST = 0.8
# Rounding to whole numbers adds so much variance.
_ROUNDING = 1 / 12
_ISO, _EXIF = 34855, 34665


@dataclass(frozen=True)
class Calibration:
    """A camera's noise at one ISO, in digital numbers.

    Attributes:
        iso: the setting.
        gain_dn_per_electron: K.
        gaussian_read_sigma_dn: standard deviation of the read noise.
        row_sigma_dn: standard deviation of the offset that each row carries.
        black_error_dn: mean of the dark frames above the black level that they state.
        black_error_sd_dn: standard deviation of that over the dark frames; 0 of a single one.
        black_dn: the black level that they state, mean of the four colours.
        white_dn: their saturation level.
        darks: how many dark frames there were.
        flat_pairs: how many pairs of flat frames.
    """

    iso: int
    gain_dn_per_electron: float
    gaussian_read_sigma_dn: float
    row_sigma_dn: float
    black_error_dn: float
    black_error_sd_dn: float
    black_dn: float
    white_dn: float
    darks: int
    flat_pairs: int


def calibrate(darks: Path, flats: Path) -> list[Calibration]:
    """Calibrate every ISO that has dark frames and a pair of flat frames.

    Args:
        darks: folder of raw files; two or more per ISO, so that what all share does not count as noise.
        flats: folder of raw files; pairs of equal exposure, of several exposures.

    Raises:
        InputError: a folder without raw files, a file that cannot be read or states no ISO, or an ISO for
            which one kind is missing.
    """
    dark, flat = _by_iso(darks), _by_iso(flats)
    for iso in sorted(set(dark) ^ set(flat)):
        have, lack = (darks, flats) if iso in dark else (flats, darks)
        raise InputError(f"ISO {iso} is in {have} and not in {lack}: take frames of both kinds, or remove it")
    return [_at(iso, dark[iso], flat[iso]) for iso in sorted(dark)]


def write(path: Path, found: Iterable[Calibration]) -> None:
    """Write calibrations as CSV, a row for each ISO, as `noise_table.read` takes it."""
    text = io.StringIO()
    table = csv.DictWriter(text, [one.name for one in fields(Calibration)], lineterminator="\n")
    table.writeheader()
    for one in found:
        table.writerow({key: f"{value:.7g}" for key, value in asdict(one).items()})
    with whole(path) as partial:
        partial.write_text(text.getvalue(), encoding="utf-8")


def read_noise(frames: Sequence[NDArray[np.float32]]) -> float:
    """Read sigma of dark frames (H, W), in their unit: along the rows, where their offsets are not."""
    variance = fmean(_pixel_variance(frame) for frame in frames)
    return math.sqrt(max(variance - _ROUNDING, 0))


def row_noise(frames: Sequence[NDArray[np.float32]]) -> float:
    """Return the standard deviation of dark frames' (H, W) row offsets, pixel noise taken out."""
    width = frames[0].shape[1]
    spreads = [
        frame.mean(axis=1, dtype=np.float64).var(ddof=1) - _pixel_variance(frame) / width for frame in frames
    ]
    return math.sqrt(max(fmean(spreads), 0))


def gain(pairs: Sequence[tuple[RawFrame, RawFrame]], read_sigma: float) -> float:
    """K from pairs of flat frames: each plane's variance beyond the read noise's, over its level."""
    found = []
    for first, second in pairs:
        for index, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            planes = [one.mosaic[row::2, column::2].astype(np.float32) for one in (first, second)]
            level = float(np.mean(planes)) - first.black[index]
            if level < BRIGHTEST * (first.white - first.black[index]):
                variance = _pixel_variance(planes[0] - planes[1], step=1) / 2
                found.append((variance - read_sigma**2 - _ROUNDING, level))
    # Each plane's own estimate of K is as uncertain as the next one's, so that all count alike.
    return float(np.mean([variance / level for variance, level in found])) if found else float("nan")


def _at(iso: int, darks: list[RawFrame], flats: list[RawFrame]) -> Calibration:
    pairs = _pairs(flats)
    above = [frame.mosaic.astype(np.float32) - np.float32(frame.black.mean()) for frame in darks]
    black = [float(one.mean(dtype=np.float64)) for one in above]
    free = _without_what_all_share(above)
    sigma = read_noise(free)
    k = gain(pairs, sigma)
    if not k > 0:
        raise InputError(
            f"ISO {iso} has no pair of flat frames at the same level (within {SAME_LEVEL:.0%}) below "
            f"{BRIGHTEST:.0%} of white: take two of each exposure"
        )
    spread = float(np.std(black, ddof=1)) if len(black) > 1 else 0.0
    levels = float(np.mean([frame.black.mean() for frame in darks])), float(darks[0].white)
    return Calibration(
        iso, k, sigma, row_noise(free), float(np.mean(black)), spread, *levels, len(darks), len(pairs)
    )


def _without_what_all_share(frames: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Subtract the mean frame, which is the sensor's pattern, and restore the variance that this takes."""
    if len(frames) < 2:
        return frames
    shared = np.mean(frames, axis=0, dtype=np.float32)
    factor = np.float32(np.sqrt(len(frames) / (len(frames) - 1)))
    return [(frame - shared) * factor for frame in frames]


def _pixel_variance(plane: NDArray[Any], step: int = 2) -> float:
    """Variance of single pixels, from differences along a row between pixels of one colour."""
    steps = plane[:, step:] - plane[:, :-step]
    return float(np.mean(np.square(steps, dtype=np.float64)) / 2)


def _pairs(flats: list[RawFrame]) -> list[tuple[RawFrame, RawFrame]]:
    """Pair frames of equal level, each in one pair at most."""
    ordered = sorted(flats, key=lambda one: float(one.mosaic.mean()))
    found, number = [], 0
    while number + 1 < len(ordered):
        first, second = ordered[number : number + 2]
        low, high = (float(one.mosaic.mean() - one.black.mean()) for one in (first, second))
        near = first.mosaic.shape == second.mosaic.shape and high - low <= SAME_LEVEL * high
        found += [(first, second)] if near else []
        number += 2 if near else 1
    return found


def _by_iso(folder: Path) -> dict[int, list[RawFrame]]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give one with raw frames")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not files:
        raise InputError(f"{folder} contains no raw frames: give a folder that does")
    found: dict[int, list[RawFrame]] = defaultdict(list)
    for path in files:
        frame = read_raw(path)
        found[_iso(path)].append(frame)
    return dict(found)


def _iso(path: Path) -> int:
    """ISO of a file in TIFF's structure, as its EXIF says."""
    try:
        with tifffile.TiffFile(path) as tiff:
            tags = tiff.pages[0].tags  # type: ignore[union-attr]
            value = tags[_ISO].value if _ISO in tags else tags[_EXIF].value["ISOSpeedRatings"]
            return int(value[0] if isinstance(value, tuple) else value)
    except (tifffile.TiffFileError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} has no readable ISO: convert it to DNG") from error
