"""How SID's photographers set the camera: exposure times, ISO, f-number and brightness of its test scenes."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from bench.data.folder.pairs import MAX_RATIO
from bench.data.making.camera import (
    SPAN,
    NoiseParameters,
    camera_from_linear,
    draw_white_balance,
    mosaic,
)
from bench.data.making.noise_table import NoiseTable, sony_a7s2
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Short exposure times by long one, in seconds: ratios 100, 250 and 300 for both.
SHORTS: dict[float, tuple[float, ...]] = {10.0: (0.1, 0.04, 0.033), 30.0: (0.1, 0.12, 0.3)}

# How far lamps may exceed what the long exposure can hold; short exposures record it.
HEADROOM = 4.0

# Brightness of synthetic scenes against SID's: at 10 s and ISO below 800, at 10 s and above, at 30 s. SID has
# its scenes of 30 s at ratio 300 only, and most dark ones at 100 and 250 only; here every scene is there at
# every ratio. With these factors the median level at each ratio is SID's all the same.
_MODERATE, _HIGH, _LONG = 0.95, 1.1, 0.7

_SPREAD = 0.06
_STRIDE = 21


@dataclass(frozen=True)
class Capture:
    """Settings of one scene.

    Attributes:
        iso: sensitivity, for all its exposures.
        f_number: aperture; recorded only.
        long_s: the long exposure in seconds.
        shorts_s: the short exposures in seconds.
        mean_dn: intended mean level of the exposure of 0.1 s, in digital numbers above black, clipped at
            black.
        white_balance: multipliers of red and blue.
    """

    iso: int
    f_number: float
    long_s: float
    shorts_s: tuple[float, ...]
    mean_dn: float
    white_balance: tuple[float, float]

    def ratio(self, short_s: float) -> float:
        """Exposure ratio as the protocols use it, at most 300."""
        return min(self.long_s / short_s, MAX_RATIO)


@dataclass(frozen=True)
class _Row:
    level: float
    iso: int
    f_number: float
    long_s: float
    mean_dn: float


@cache
def _test_scenes() -> tuple[_Row, ...]:
    """SID's fifty test scenes at 0.1 s, from dark to bright."""
    text = resources.files("bench.data").joinpath("facts/sid_test93.csv").read_text(encoding="utf-8")
    rows = []
    for line in csv.DictReader(text.splitlines()):
        if line["short"].endswith("_0.1s.ARW"):
            mean, long_s = (
                float(line["mean_dn_above_black"]),
                float(line["long"].split("_")[2].removesuffix("s.ARW")),
            )
            iso = int(line["iso"])
            mean *= _LONG if long_s == 30 else _MODERATE if iso < 800 else _HIGH
            rows.append(_Row(mean * long_s, iso, float(line["f_number"]), long_s, mean))
    return tuple(sorted(rows, key=lambda row: (row.level, row.iso)))


def draw_capture(seed: int, index: int, table: NoiseTable | None = None) -> Capture:
    """Draw the settings of synthetic scene `index`: one of SID's test scenes, its brightness slightly varied.

    The scenes are gone through in strides over their order of brightness, from a start that the seed
    chooses, so that a small set already has SID's spread and fifty scenes have every setting once.

    Args:
        seed: of the set.
        index: the scene's number.
        table: the camera's noise; scenes of SID with an ISO that it does not cover are passed over. None for
            the Sony A7S II, which covers all.

    Raises:
        InputError: the table covers the ISO of none.
    """
    rows = _covered(table or sony_a7s2())
    start = int(np.random.default_rng(np.random.SeedSequence(seed)).integers(len(rows)))
    row = rows[(start + _STRIDE * index) % len(rows)]
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index, 0)))
    mean = row.mean_dn * float(np.exp(_SPREAD * rng.standard_normal()))
    return Capture(row.iso, row.f_number, row.long_s, SHORTS[row.long_s], mean, draw_white_balance(rng))


def covered(table: NoiseTable) -> tuple[int, int]:
    """Of how many of SID's test scenes a camera's table covers the ISO, and how many there are."""
    return len(_covered(table)), len(_test_scenes())


def _covered(table: NoiseTable) -> tuple[_Row, ...]:
    rows = tuple(row for row in _test_scenes() if table.covers(row.iso))
    if not rows:
        known = ", ".join(str(iso) for iso in sorted({row.iso for row in _test_scenes()}))
        raise InputError(
            f"--camera {table.name} covers the ISO of none of SID's test scenes ({known}): calibrate some of "
            "these, or give exposures of your own (data redark --exposures)"
        )
    return rows


def expected_mean(light: NDArray[np.float32], ratio: float, noise: NoiseParameters) -> float:
    """Mean level of a short exposure, DN above black and clipped at black, of a clean mosaic.

    Noise is taken as normal: E[max(s + n, 0)] = s P(n > -s) + sigma p(s / sigma), sigma^2 = read^2 + row^2 +
    K s.
    """
    from scipy.special import ndtr

    signal = light.astype(np.float64) * (SPAN / ratio)
    sigma = np.sqrt(noise.read_sigma**2 + noise.row_sigma**2 + noise.gain * signal)
    z = signal / sigma
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    return float((signal * ndtr(z) + sigma * density).mean())


def scale_to_level(
    rays: NDArray[np.float32], stray: NDArray[np.float32], capture: Capture, table: NoiseTable | None = None
) -> float:
    """Factor that brings a scene's radiance to the capture's mean level at 0.1 s; found by bisection.

    Where the noise alone, clipped at black, exceeds that level, the result is the darkest of the range
    searched.

    Args:
        rays: (H, W, 3) radiance, linear sRGB, of a preview with even sides; lamps are limited in it.
        stray: (H, W, 3) light that the lens scatters, added to it.
        capture: the settings.
        table: the camera's noise; None for the Sony A7S II's.
    """
    noise = (table or sony_a7s2()).at(capture.iso)
    ratio = capture.ratio(0.1)
    mean = float(rays.mean(dtype=np.float64))
    low, high = 0.001 / mean, 2.0 / mean
    for _ in range(20):
        middle = (low * high) ** 0.5
        light = np.minimum(rays * np.float32(middle), np.float32(HEADROOM)) + stray * np.float32(middle)
        sensed = mosaic(camera_from_linear(light, capture.white_balance))
        if expected_mean(sensed, ratio, noise) > capture.mean_dn:
            high = middle
        else:
            low = middle
    return float(f"{low:.6g}")
