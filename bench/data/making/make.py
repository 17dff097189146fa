"""Generate a data set in SID's layout from procedural night scenes."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.paper import FULL_SIZE
from bench.data.folder.index import index
from bench.data.folder.manifest import Manifest, prepare
from bench.data.folder.pairs import MAX_RATIO
from bench.data.making import camera
from bench.data.making.camera_settings import HEADROOM, Capture, draw_capture, scale_to_level
from bench.data.making.exposures import FIRST_ID
from bench.data.making.noise_table import sony_a7s2
from bench.data.making.spreading import counted, fill
from bench.data.making.writing import Frame, Settings, frames_of, write_frames
from bench.data.scenes import KINDS, Scene, compose, preview, render
from llpacknet.errors import InputError
from llpacknet.raw.dng import SMALLEST_SIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.data.folder.pairs import Dataset
    from bench.data.making.noise_table import NoiseTable
    from bench.data.making.spreading import Spread


MOST_SCENES = 9000
LARGEST_SIDE = 16384
_COMPOSITION, _KIND = 3, 4
_ROWS = 256


def make(
    out: Path,
    scenes: int,
    seed: int,
    size: tuple[int, int] = FULL_SIZE,
    *,
    progress: Callable[[int, int], None] | None = None,
    resume: bool = True,
    extra_frames: int = 1,
    read_noise: camera.ReadNoise = "gaussian",
    black_error: float = 0.0,
    black_offset: tuple[float, float] | None = None,
    table: NoiseTable | None = None,
    threads: int | None = None,
    spread: Spread | None = None,
) -> Dataset:
    """Generate `scenes` scenes, each with one long and three short exposures at ratios 100, 250 and 300.

    The same seed gives the same files, byte for byte, whatever the number of threads; scene k is the same in
    sets of any length. One scene is held in memory at a time (about 1.2 GB at full size).

    Args:
        out: the folder; a set started there earlier with the same arguments is continued.
        scenes: how many scenes, at most 9000.
        seed: 0 or more.
        size: height and width in pixels, even.
        progress: called with the number of files done and the total, after every file.
        resume: whether an earlier set may be continued.
        extra_frames: frames beyond the first at the first short exposure time.
        read_noise: distribution of the read noise.
        black_error: standard deviation of the error of each frame's black level, in digital numbers.
        black_offset: range of an offset of the black level, one per short frame, uniform; None for none.
        table: another camera's noise, see `noise_table.read`; None for the Sony A7S II's. The scenes take
            their settings from those of SID's test scenes whose ISO it covers.
        threads: threads to use; by default two, or one if there is one processor.
        spread: applies a function to each of several scenes, elsewhere and in any order; by default they
            are generated here, one after another.

    Returns:
        the index of the folder.

    Raises:
        InputError: unusable numbers, a table that covers no ISO of SID's, or a folder that cannot be written
            or contains something else.
    """
    _check(scenes, seed, size)
    threads = threads or min(2, os.cpu_count() or 1)
    parameters = {
        "seed": seed, "height": size[0], "width": size[1], "extra_frames": extra_frames, "read_noise":
        read_noise, "black_error": black_error,
        **({"black_offset": list(black_offset)} if black_offset else {}), **(table.about if table else {}),
    }  # fmt: skip
    plans = [_plan(seed, number, extra_frames, table) for number in range(scenes)]
    manifest = prepare(out, "procedural", parameters, resume=resume)
    _refuse_surplus(out, manifest, plans)
    count = counted(sum(len(frames) for _, frames in plans), progress)
    missing = list(_missing(manifest, out, [frames for _, frames in plans], count))
    black = black_error, black_offset
    one = partial(make_scene, out.absolute(), seed, size, extra_frames, read_noise, black, table, threads)
    fill(out, manifest, one, missing, count, spread)
    manifest.write(out)
    return index(out)


def _missing(
    manifest: Manifest, out: Path, scenes: Sequence[Sequence[Frame]], count: Callable[[], None]
) -> Iterator[int]:
    """Yield the numbers of the scenes still to be generated; of those that are done, count the frames."""
    for number, frames in enumerate(scenes):
        if all(manifest.intact(out, frame.path) for frame in frames):
            for _ in frames:
                count()
        else:
            yield number


def make_scene(
    out: Path,
    seed: int,
    size: tuple[int, int],
    extra_frames: int,
    read_noise: camera.ReadNoise,
    black: tuple[float, tuple[float, float] | None],
    table: NoiseTable | None,
    threads: int,
    number: int,
    written: Callable[[], None] | None = None,
) -> list[dict[str, Any]]:
    """Make one scene of a set in a folder that `make` has prepared; returns its entries for the manifest.

    Arguments as for `make`; `black` is its `black_error` and `black_offset`, `number` is the scene's,
    `written` is called after each file.
    """
    capture, frames = _plan(seed, number, extra_frames, table)
    clean, scale = clean_mosaic(seed, number, capture, size, threads, table)
    about = {"synthetic": True, "source": "procedural", "kind": kind_of(seed, number), "seed": seed,
             "scene_number": number, "f_number": capture.f_number, "light_scale": scale}  # fmt: skip
    settings = Settings(
        capture.iso, capture.white_balance, about, read_noise, black[0], black_offset=black[1],
        table=table or sony_a7s2(),
    )  # fmt: skip
    return write_frames(out, clean, frames, settings, _seed(seed, number), threads, written)


def kind_of(seed: int, number: int) -> str:
    """Kind of scene `number`: all kinds in turn, from one that the seed chooses."""
    start = int(np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_KIND,))).integers(len(KINDS)))
    return list(KINDS)[(start + number) % len(KINDS)]


def scene(seed: int, number: int) -> Scene:
    """Compose scene `number` of a set."""
    return compose(kind_of(seed, number), np.random.SeedSequence(seed, spawn_key=(number, _COMPOSITION)))


def clean_mosaic(
    seed: int,
    number: int,
    capture: Capture,
    size: tuple[int, int],
    threads: int = 1,
    table: NoiseTable | None = None,
) -> tuple[NDArray[np.float32], float]:
    """Render scene `number` and scale it to its level.

    The level is set on a preview of fixed height, so that it does not depend on the size asked for.

    Returns:
        the clean mosaic, (H, W) float32 from 0 to 4 where 1 saturates the long exposure, and the factor that
        turned the scene's radiance into it.
    """
    composed = scene(seed, number)
    rays, stray = preview(composed, size, threads)
    scale = scale_to_level(rays, stray, capture, table)
    image = render(composed, size, threads, HEADROOM / scale, stray)
    clean = np.empty(size, np.float32)
    for top in range(0, size[0], _ROWS):
        rows = slice(top, top + _ROWS)
        light = camera.camera_from_linear(image[rows], capture.white_balance) * np.float32(scale)
        clean[rows] = np.minimum(camera.mosaic(light), np.float32(HEADROOM))
    return clean, scale


def _seed(seed: int, number: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(number,))


def _plan(
    seed: int, number: int, extra_frames: int, table: NoiseTable | None
) -> tuple[Capture, tuple[Frame, ...]]:
    capture = draw_capture(seed, number, table)
    return capture, frames_of(
        str(FIRST_ID + number), capture.long_s, capture.shorts_s, extra_frames, MAX_RATIO
    )


def _check(scenes: int, seed: int, size: tuple[int, int]) -> None:
    if not 1 <= scenes <= MOST_SCENES:
        raise InputError(f"cannot generate {scenes} scenes: give 1 to {MOST_SCENES}")
    if seed < 0:
        raise InputError(f"seed {seed} is negative: give 0 or more")
    if any(side % 2 or not SMALLEST_SIDE <= side <= LARGEST_SIDE for side in size):
        raise InputError(
            f"size {size[0]}x{size[1]} is not possible: give even sides from {SMALLEST_SIDE} to "
            f"{LARGEST_SIDE} pixels"
        )


def _refuse_surplus(out: Path, manifest: Manifest, plans: list[tuple[Capture, tuple[Frame, ...]]]) -> None:
    """Refuse a folder with more scenes than asked for: it would be indexed with all of them."""
    planned = {frame.path for _, frames in plans for frame in frames}
    listed: set[Any] = {entry["path"] for entry in manifest.files}
    if not listed <= planned:
        raise InputError(
            f"{out} contains more scenes than the {len(plans)} asked for: choose an empty folder"
        )
