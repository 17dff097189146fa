"""Training patches, made on the fly: a photograph's crop, darkened to night, through the camera model.

Patch i of step s is a pure function of (seed, s, i) and of the photographs, so that training resumes with
bit-identical results, whatever the number of workers. What is drawn for each patch:

- a crop, reduced by 1 to 4 in size (only then is a photograph as sharp as a raw's own pixels), flipped and
  turned, before it becomes a Bayer mosaic, so that the mosaic's phase never moves;
- night: contrast in linear light (so that shadows are deep), a mean level like that of SID's long exposures,
  whatever the ratio; saturation and a warm tint, uneven illumination, in a quarter of the patches lamps, up
  to those that saturate the short exposure too;
- the camera: white balance around SID's median, ISO and ratio of one of SID's 1865 training pairs, the
  frame's own error of the black level, read noise Gaussian or Tukey-lambda.

Each patch comes with a sample of the whole frame that it was cut from, with the same exposure: an amplifier
measures a property of the frame, and a patch's brightness says little about it.

The truth is what rawpy makes of the long exposure, without its demosaicking: white balance, clipping at
saturation, colour matrix, BT.709 tone.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bench.data.making import camera
from bench.data.making.noise_table import NoiseTable, sony_a7s2
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_REDUCTION = 4.0

# The tone curve is read from a table of this many steps: off by at most 4.5 / 65535 / 2.
TONE_STEPS = 65535

# Mean linear level of a night photograph (1 is display white): log-normal with a spread of 1.13 stops. The
# long exposures of SID have 0.012 to 0.47, half of them below 0.114 (`sid_test93.csv`: mean level x ratio /
# 15871, over 0.72, which is what white balance leaves of a neutral light in the mean of a mosaic).
LEVEL_MEDIAN, LEVEL_SIGMA, LEVEL_RANGE = 0.115, 1.13 * np.log(2), (0.01, 0.6)

LARGEST_RATIO = 300.0

# Error of a frame's black level in digital numbers. SID's own frames show small ones: over its 15 scenes with
# two short exposures at ISO 200 to 500 the mean levels (`sid_test93.csv`) lie on one line, which is met to
# 0.18 DN a frame around -0.09: 0.2 around 0. From ISO 2000 on, where the sensor's second conversion gain
# begins, half of the frames have one from PMN's range. If all had, networks would learn that black is 0.45 DN
# too bright there, and return deep shadows too dark in red and blue, which white balance amplifies.
BLACK_ERROR_SIGMA = 0.2
BLACK_ERROR_RANGE = (-2.0, 2.9)
FAR_FROM_BLACK = 0.5

# Share of the crops that are the more detailed of two places. A night has large even areas as well, whose
# colour is what a network gets wrong where it has seen few of them.
DETAILED = 0.5

LAMPS = 0.25
BRIGHTEST_LAMP = 1000.0

FRAME_SIDE = 128


@dataclass(frozen=True)
class Exposure:
    """How the short exposure is taken.

    Attributes:
        iso: sensitivity, 50 to 25600.
        ratio: exposure ratio, long to short.
        black_error: difference of the black level from 512, in digital numbers.
    """

    iso: float
    ratio: float
    black_error: float = 0.0


@dataclass(frozen=True)
class Patch:
    """One training pair.

    Attributes:
        mosaic: (1, size, size) float32, (raw - 512) / 15871 of the short exposure, not amplified; most
            networks never see its negative values.
        truth: (3, size, size) float32 RGB in [0, 1], after the tone curve.
        ratio: the exposure ratio, which is the gain of a method that needs one.
        frame: (1, s, s) float32, a sample of the frame that the patch lies in, normalised as the mosaic:
            what an amplifier measures; None if there is only the patch itself.
    """

    mosaic: NDArray[np.float32]
    truth: NDArray[np.float32]
    ratio: float
    frame: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Night:
    """What turns a photograph into a night scene.

    Attributes:
        curve: (256,) float32 linear light of each value of the photograph.
        colours: (3, 3) float32 linear sRGB to camera RGB, saturation and tint included.
    """

    curve: NDArray[np.float32]
    colours: NDArray[np.float32]

    def of(self, photograph: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 3) uint8 -> (H, W, 3) float32 white-balanced camera RGB, linear; may be negative."""
        return np.asarray(self.curve[photograph] @ self.colours.T, np.float32)


@cache
def _curves() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Linear light of the 256 values of a photograph, and the tone curve over TONE_STEPS of linear light."""
    linear = camera.inverse_tone(np.arange(256) / 255).astype(np.float32)
    return linear, camera.tone(np.arange(TONE_STEPS + 1) / TONE_STEPS).astype(np.float32)


@cache
def exposures() -> NDArray[np.float64]:
    """(1865, 2) ISO and ratio of the pairs of SID's training list, for its Sony camera."""
    text = resources.files("bench.data").joinpath("facts/sid_lists.csv").read_text(encoding="utf-8")
    rows = [
        (float(row["iso"]), min(_seconds(row["long"]) / _seconds(row["short"]), LARGEST_RATIO))
        for row in csv.DictReader(text.splitlines())
        if row["half"] == "sony" and row["split"] == "train"
    ]
    return np.array(rows)


def covered(table: NoiseTable) -> NDArray[np.float64]:
    """Those rows of `exposures` whose ISO a camera's table covers.

    Raises:
        InputError: there is none.
    """
    rows = exposures()
    known = [float(iso) for iso in np.unique(rows[:, 0])]
    kept = rows[np.isin(rows[:, 0], [iso for iso in known if table.covers(iso)])]
    if not len(kept):
        raise InputError(
            f"--camera {table.name} covers the ISO of none of SID's training pairs "
            f"({', '.join(f'{iso:g}' for iso in known)}): calibrate some of these"
        )
    return kept


def _seconds(name: str) -> float:
    """Exposure time in a name of SID's, as 00001_00_0.04s.ARW."""
    found = re.search(r"_([\d.]+)s\.", name)
    assert found is not None
    return float(found[1])


class Patches:
    """Makes the patches of a pool of photographs.

    Args:
        photographs: (H, W, 3) uint8 each; held in memory.
        size: side of a patch in pixels, a multiple of 16.
        seed: seed of everything drawn.
        table: the camera's noise at each ISO; None for the Sony A7S II's. Settings are drawn from those of
            SID's training pairs whose ISO it covers.

    Raises:
        InputError: the size is not a multiple of 16, a photograph is smaller than a patch, or the table
            covers no ISO of SID's.
    """

    def __init__(
        self, photographs: list[NDArray[np.uint8]], size: int, seed: int, table: NoiseTable | None = None
    ) -> None:
        if size < 32 or size % 16:
            raise InputError(f"--patch {size}: give a multiple of 16, at least 32")
        self.photographs = [each for each in photographs if min(each.shape[:2]) >= size]
        if not self.photographs:
            raise InputError(f"no photograph is as large as a patch of {size} pixels: lower --patch")
        self.size = size
        self.seed = seed
        self.table = table or sony_a7s2()
        self._exposures = covered(self.table)
        area = np.array([each.shape[0] * each.shape[1] for each in self.photographs], float)
        # Larger photographs hold more to see, but not in proportion: the square root lies between.
        self._share = np.cumsum(np.sqrt(area)) / np.sqrt(area).sum()
        self._histograms = [_histogram(each) for each in self.photographs]
        self._samples = [_sample(each) for each in self.photographs]

    def patch(self, step: int, index: int) -> Patch:
        """Return patch `index` of training step `step`."""
        rng = np.random.default_rng((self.seed, step, index))
        which = min(int(np.searchsorted(self._share, rng.random())), len(self.photographs) - 1)
        night = draw_night(self._histograms[which], rng)
        wb, exposure = draw_white_balance(rng), draw_exposure(rng, self.table, self._exposures)
        lit = bool(rng.random() < LAMPS)
        frame = night.of(self._samples[which])
        if lit:
            _add_distant_lamps(frame, rng)
        light = night.of(_crop(self.photographs[which], self.size, rng))
        light *= _illumination(self.size, rng)[..., None]
        if lit:
            _add_lamps(light, rng)
        np.maximum(light, 0, out=light)
        return Patch(
            expose(light, wb, exposure, rng, self.table),
            render(light),
            exposure.ratio,
            expose(frame, wb, exposure, rng, self.table),
        )


def _histogram(photograph: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Share of each of the 256 values, over a sample of all pixels and channels."""
    counts = np.bincount(photograph[::4, ::4].ravel(), minlength=256)
    return np.asarray(counts / counts.sum())


def _crop(photograph: NDArray[np.uint8], size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(size, size, 3) crop, randomly reduced and turned; half of them are the more detailed of two places."""
    height, width = photograph.shape[:2]
    largest = min(MAX_REDUCTION, height / size, width / size)
    side = int(size * largest ** rng.random())
    tops, lefts = rng.integers(height - side + 1, size=2), rng.integers(width - side + 1, size=2)
    places = [photograph[top : top + side, left : left + side] for top, left in zip(tops, lefts, strict=True)]
    crop = max(places, key=_detail) if rng.random() < DETAILED else places[0]
    if side != size:
        crop = np.asarray(Image.fromarray(crop).resize((size, size), Image.Resampling.HAMMING))
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    crop = np.rot90(crop, turns)
    return crop[:, ::-1] if mirrored else crop


def _detail(crop: NDArray[np.uint8]) -> float:
    """Mean step between neighbouring pixels of a row, over a sample of green."""
    rows = crop[::8, :, 1].astype(np.int16)
    return float(np.abs(rows[:, 1::2] - rows[:, :-1:2]).mean())


def _sample(photograph: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(FRAME_SIDE, FRAME_SIDE, 3) pixels of a photograph, evenly spread over it, not averaged."""
    rows, columns = (
        np.linspace(0, side - 1, FRAME_SIDE).round().astype(int) for side in photograph.shape[:2]
    )
    return np.asarray(photograph[rows[:, None], columns])


def draw_night(histogram: NDArray[np.float64], rng: np.random.Generator) -> Night:
    """Draw contrast, mean level and colours.

    Args:
        histogram: (256,) share of each value in the whole photograph, which sets the exposure: a dark
            corner of a photograph stays darker than the rest of it.
        rng: source of randomness.
    """
    linear, _ = _curves()
    curve = linear ** np.float32(rng.uniform(0.9, 2.4))
    level = float(np.clip(LEVEL_MEDIAN * np.exp(LEVEL_SIGMA * rng.standard_normal()), *LEVEL_RANGE))
    curve *= np.float32(level / max(float(histogram @ curve), 1e-4))
    return Night(curve, (camera.SRGB_TO_CAMERA @ _tint(rng)).astype(np.float32))


def _tint(rng: np.random.Generator) -> NDArray[np.float64]:
    """(3, 3) on linear sRGB: random saturation, then for half of the patches a tint, mostly warm."""
    saturation = rng.uniform(0.4, 1.1)
    luminance = np.array([0.2126, 0.7152, 0.0722])
    matrix = saturation * np.eye(3) + (1 - saturation) * np.outer(np.ones(3), luminance)
    warmth = rng.normal(0.35, 0.35) if rng.random() < 0.5 else 0.0
    gains = np.exp(np.array([0.5, 0.0, -1.0]) * warmth + 0.06 * rng.standard_normal(3))
    return np.asarray(gains[:, None] * matrix)


def _illumination(size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(size, size) smooth factor: light that falls off to one side, by some stops at most over a patch."""
    ramp = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    down, across = (rng.standard_normal(2) * (0.5 if rng.random() < 0.5 else 0.0)).astype(np.float32)
    return np.outer(np.exp(down * ramp), np.exp(across * ramp))


def _add_lamps(light: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Add one to three lamps in place: saturated in the middle; some glow, others end at a sharp edge."""
    size = len(light)
    grid = np.arange(size, dtype=np.float32)
    for _ in range(int(rng.integers(1, 4))):
        y, x = rng.uniform(0, size, 2).astype(np.float32)
        radius = np.float32(np.exp(rng.uniform(np.log(2), np.log(size / 10))))
        distance = (((grid - y) ** 2)[:, None] + ((grid - x) ** 2)[None, :]) / radius**2
        glow = np.float32(np.exp(rng.uniform(0, 3))) / (1 + distance**2)
        if rng.random() < 0.5:
            glow *= np.float32(0.1)
            glow[distance < 1] = _lamp_brightness(rng)
        colour = np.exp(np.array([0.1, 0.0, -0.3]) * rng.random()).astype(np.float32)
        light += glow[..., None] * colour


def _add_distant_lamps(frame: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Put lamps on some pixels of a frame's sample, in place: from none to a five-hundredth of the frame."""
    pixels = frame.reshape(-1, 3)
    lit = rng.random(len(pixels)) < np.exp(rng.uniform(np.log(1e-6), np.log(2e-3)))
    pixels[lit] = _lamp_brightness(rng)


def _lamp_brightness(rng: np.random.Generator) -> np.float32:
    """Light of a lamp, 1 is display white of the long exposure; the brightest saturate the short one too."""
    return np.float32(np.exp(rng.uniform(0, np.log(BRIGHTEST_LAMP))))


def draw_white_balance(rng: np.random.Generator) -> tuple[float, float]:
    """Red and blue multipliers of the camera: SID's median for many patches, SID's whole range for the rest.

    The mosaic does not carry its white balance, so a network can only learn what is likely; a narrow centre
    with wide flanks teaches it that.
    """
    wide = camera.draw_white_balance(rng)
    if rng.random() < 0.3:
        return wide
    red, blue = camera.WB_RED[1], camera.WB_BLUE[1]
    near = np.exp(0.02 * rng.standard_normal(2))
    return red * float(near[0]), blue * float(near[1])


def draw_exposure(rng: np.random.Generator, table: NoiseTable, rows: NDArray[np.float64]) -> Exposure:
    """Draw ISO and ratio from `rows`, as `covered` gives them, and an error of the black level."""
    iso, ratio = rows[int(rng.integers(len(rows)))]
    if table.sha256:  # a user's camera: its error is what its own dark frames have shown
        black = table.at(iso).black_error + rng.normal(0, table.black_sigma(iso))
    elif iso >= camera.GAIN_SWITCH_ISO and rng.random() < FAR_FROM_BLACK:
        black = rng.uniform(*BLACK_ERROR_RANGE)
    else:
        black = rng.normal(0, BLACK_ERROR_SIGMA)
    return Exposure(float(iso), float(ratio), float(black))


def expose(
    light: NDArray[np.float32],
    wb: tuple[float, float],
    exposure: Exposure,
    rng: np.random.Generator,
    table: NoiseTable | None = None,
) -> NDArray[np.float32]:
    """Take the short exposure of a scene.

    Args:
        light: (S, S, 3) white-balanced camera RGB of the long exposure, linear, 1 is display white.
        wb: white-balance multipliers of red and blue; green is 1.
        exposure: how it is taken.
        rng: source of the noise.
        table: the camera's noise at each ISO; None for the Sony A7S II's.

    Returns:
        (1, S, S) float32, (raw - 512) / 15871: negative where noise lies below black.
    """
    divided = light * np.array([1 / wb[0], 1, 1 / wb[1]], np.float32)
    table = table or sony_a7s2()
    noise = replace(table.at(exposure.iso), black_error=exposure.black_error)
    heavy_tailed = rng.random() >= 0.5 and table.has_tukey_lambda
    kind: camera.ReadNoise = "tukey-lambda" if heavy_tailed else "gaussian"
    raw = camera.expose(camera.mosaic(divided), exposure.ratio, noise, rng, kind)
    signal = raw.astype(np.float32) - camera.BLACK
    return np.asarray(signal / np.float32(camera.SPAN), np.float32)[None]


def render(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """(S, S, 3) linear white-balanced camera RGB to (3, S, S) RGB as rawpy renders it, clipped and toned."""
    _, curve = _curves()
    clipped = np.minimum(light, 1)
    rgb = clipped @ camera.CAMERA_TO_SRGB.T.astype(np.float32)
    steps = (np.clip(rgb, 0, 1) * TONE_STEPS + np.float32(0.5)).astype(np.uint16)
    return np.ascontiguousarray(curve[steps].transpose(2, 0, 1))
