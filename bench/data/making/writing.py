"""Write the exposures of one scene as SID-named DNG files, each marked as synthetic, with its source."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.folder.manifest import digest
from bench.data.making import camera
from bench.data.making.noise_table import NoiseTable, sony_a7s2
from llpacknet.raw.dng import write_dng

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

# Branches of a scene's seed: noise of its frames, place of its hot pixel, black level of its frames.
_NOISE, _HOT, _BLACK = 1, 2, 5


@dataclass(frozen=True)
class Frame:
    """One file to be written.

    Attributes:
        scene: five-digit id.
        number: which of the frames of its exposure time.
        exposure_s: its own exposure time in seconds.
        long_s: that of the scene's long exposure; equal for the long exposure itself.
        ratio: how many times shorter it is, at most 300.
    """

    scene: str
    number: int
    exposure_s: float
    long_s: float
    ratio: float

    @property
    def path(self) -> str:
        """Place in the data set, as Sony/short/11000_00_0.1s.DNG."""
        folder = "long" if self.exposure_s == self.long_s else "short"
        return f"Sony/{folder}/{self.scene}_{self.number:02d}_{self.exposure_s:g}s.DNG"


@dataclass(frozen=True)
class Settings:
    """What all exposures of a scene share.

    Attributes:
        iso: sensitivity.
        white_balance: multipliers of red and blue.
        read_noise: "gaussian" or "tukey-lambda".
        black_error: standard deviation of each frame's black-level error in digital numbers.
        black_offset: least and largest offset of the black level, in digital numbers, of which every short
            frame gets one at random; everything else is the same as without. None for no offset.
        noise: whether there is noise at all.
        about: further facts for its files' metadata (kind, source, seed, ...).
        table: the camera's noise at each ISO.
    """

    iso: int
    white_balance: tuple[float, float]
    about: dict[str, Any]
    read_noise: camera.ReadNoise = "gaussian"
    black_error: float = 0.0
    noise: bool = True
    black_offset: tuple[float, float] | None = None
    table: NoiseTable = field(default_factory=sony_a7s2)


def frames_of(
    scene: str, long_s: float, shorts_s: tuple[float, ...], extra: int, cap: float
) -> tuple[Frame, ...]:
    """Long exposure first, then the short ones; the first exposure time has `extra` frames more."""
    frames = [Frame(scene, 0, long_s, long_s, 1.0)]
    for place, short_s in enumerate(shorts_s):
        ratio = min(long_s / short_s, cap)
        frames += [
            Frame(scene, number, short_s, long_s, ratio) for number in range(1 + (extra if place == 0 else 0))
        ]
    return tuple(frames)


def write_frames(
    root: Path,
    clean: NDArray[np.float32],
    frames: tuple[Frame, ...],
    settings: Settings,
    seed: np.random.SeedSequence,
    threads: int = 1,
    written: Callable[[], None] | None = None,
) -> list[dict[str, Any]]:
    """Expose and write `frames` of one clean mosaic; returns their entries for the manifest.

    Args:
        root: the data set's folder.
        clean: (H, W) float32, see `camera.expose`.
        frames: what to write.
        settings: what they share.
        seed: the scene's seed; every frame draws from its own branch of it, in whichever order they are
            written.
        threads: frames written at a time.
        written: called after each file.
    """

    def one(place: int) -> dict[str, Any]:
        own = settings
        if settings.black_offset and frames[place].exposure_s != frames[place].long_s:
            offset = np.random.default_rng(_branch(seed, _BLACK, place)).uniform(*settings.black_offset)
            own = replace(settings, black_offset=(float(offset), float(offset)))
        entry = _write(root, clean, frames[place], own, _branch(seed, _NOISE, place), _branch(seed, _HOT))
        if written is not None:
            written()
        return entry

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(len(frames))))


def _branch(seed: np.random.SeedSequence, *path: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *path))


def _write(
    root: Path,
    clean: NDArray[np.float32],
    frame: Frame,
    settings: Settings,
    seed: np.random.SeedSequence,
    hot_seed: np.random.SeedSequence,
) -> dict[str, Any]:
    rng = np.random.Generator(np.random.PCG64(seed))
    noise = settings.table.at(settings.iso)
    spread = math.hypot(settings.black_error, settings.table.black_sigma(settings.iso))
    if spread:
        noise = camera.with_black_error(noise, rng, spread)
    if settings.black_offset and frame.exposure_s != frame.long_s:
        noise = replace(noise, black_error=noise.black_error + settings.black_offset[0])
    if settings.noise:
        mosaic = camera.expose(clean, frame.ratio, noise, rng, settings.read_noise)
    else:
        mosaic = camera.expose_clean(clean, frame.ratio)
    about = {
        "exposure_s": frame.exposure_s,
        "ratio": frame.ratio,
        "iso": settings.iso,
        "white_balance": [settings.white_balance[0], 1.0, settings.white_balance[1]],
        "noise": asdict(noise) | {"read_noise": settings.read_noise} if settings.noise else None,
        **settings.table.about,
        **settings.about,
    }
    if frame.exposure_s == frame.long_s:
        about["hot_pixel"] = _heat(mosaic, hot_seed)
    target = root / frame.path
    write_dng(
        target,
        mosaic,
        white_balance=(settings.white_balance[0], 1.0, settings.white_balance[1]),
        description="Synthetic raw, made by llbench: " + json.dumps(about, sort_keys=True),
        exposure_s=frame.exposure_s,
        iso=settings.iso,
    )
    return {
        "path": frame.path,
        "sha256": digest(target),
        "scene": frame.scene,
        "frame": frame.number,
        **about,
    }


def _heat(mosaic: NDArray[np.uint16], seed: np.random.SeedSequence) -> list[int]:
    """Saturate one pixel near a corner, so that LibRaw finds the full range used and brightens nothing."""
    height, width = mosaic.shape
    rng = np.random.Generator(np.random.PCG64(seed))
    row, column = int(rng.integers(2, max(3, height // 16))), int(rng.integers(2, max(3, width // 16)))
    mosaic[row, column] = camera.WHITE
    return [row, column]
