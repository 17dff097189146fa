"""Generate dark raws in SID's layout from ordinary photographs."""

from __future__ import annotations

import os
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.folder.index import index
from bench.data.folder.manifest import Manifest, digest, prepare
from bench.data.folder.pairs import MAX_RATIO
from bench.data.making import camera
from bench.data.making.exposures import ExposurePlan, drawn, from_csv
from bench.data.making.noise_table import sony_a7s2
from bench.data.making.photographs import find_photographs, read_photograph
from bench.data.making.spreading import Refused, counted, fill
from bench.data.making.writing import Frame, Settings, write_frames
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.data.folder.pairs import Dataset
    from bench.data.making.noise_table import NoiseTable
    from bench.data.making.spreading import Spread

_ROWS = 256


def redark(
    photos: Path,
    out: Path,
    exposures: Path | None = None,
    seed: int = 0,
    *,
    progress: Callable[[int, int], None] | None = None,
    resume: bool = True,
    read_noise: camera.ReadNoise = "gaussian",
    black_error: float = 0.0,
    black_offset: tuple[float, float] | None = None,
    noise: bool = True,
    table: NoiseTable | None = None,
    threads: int | None = None,
    spread: Spread | None = None,
    refused: Callable[[str], None] | None = None,
) -> Dataset:
    """Expose every photograph of a folder as the camera would have, once long and several times short.

    The photograph is assumed to be rawpy's rendering of the long exposure: tone curve and colour are
    inverted, so that rendering the long exposure returns it.

    Args:
        photos: folder of JPEG, PNG and TIFF files of 8 or 16 bits.
        out: the folder to fill; one started there earlier with the same arguments is continued.
        exposures: CSV file, see `exposures.from_csv`; without it, all photographs, with exposures drawn as in
            SID.
        seed: 0 or more.
        progress: called with the number of files done and the total, after every file.
        resume: whether an earlier set may be continued.
        read_noise: distribution of the read noise.
        black_error: standard deviation of the error of each frame's black level, in digital numbers.
        black_offset: range of an offset of the black level, one per short frame, uniform; None for none.
        noise: False for a camera that only rounds and clips.
        table: another camera's noise, see `noise_table.read`; None for the Sony A7S II's. Exposures are
            drawn from those of SID's test scenes whose ISO it covers.
        threads: threads to use; by default two, or one where there is one processor.
        spread: applies a function to each of several photographs elsewhere, in any order; by default here.
        refused: called with one line about each photograph that cannot be used; the others are exposed, and
            earlier files from it are removed. None to stop at the first such photograph.

    Returns:
        the index of the folder.

    Raises:
        InputError: unusable photographs (all of them, if `refused` is given) or exposures (with the row),
            or an unusable folder.
    """
    if seed < 0:
        raise InputError(f"seed {seed} is negative: give 0 or more")
    threads = threads or min(2, os.cpu_count() or 1)
    found = find_photographs(photos)
    plans = from_csv(exposures, found, table) if exposures else drawn(found, seed, table)
    origin = digest(exposures) if exposures else None
    parameters = {"seed": seed, "exposures_sha256": origin, "noise": noise, "read_noise": read_noise,
                  "black_error": black_error,
                  **({"black_offset": list(black_offset)} if black_offset else {}),
                  **(table.about if table else {})}  # fmt: skip
    manifest = prepare(out, "redark", parameters, resume=resume)
    black = black_error, black_offset
    one = partial(expose, out.absolute(), seed, read_noise, black, noise, table, threads)
    wanted = [(found[plan.photo], plan) for plan in plans]
    if not _fill(manifest, out, wanted, one, progress, spread, refused):
        raise InputError(f"no photograph in {photos} can be used: choose another folder")
    return index(out)


def _fill(
    manifest: Manifest,
    out: Path,
    wanted: Sequence[tuple[Path, ExposurePlan]],
    one: Callable[..., list[dict[str, Any]] | Refused],
    progress: Callable[[int, int], None] | None,
    spread: Spread | None,
    refused: Callable[[str], None] | None,
) -> bool:
    """Expose what is missing and remove what is not wanted; returns whether any photograph could be used."""
    todo = [(path, plan, _frames(plan)) for path, plan in wanted]
    count = counted(sum(len(frames) for _, _, frames in todo), progress)
    left_out: dict[str, str] = {}

    def refuse(one: Refused) -> None:
        if refused is None:
            raise InputError(one.reason)
        left_out[one.piece] = one.reason
        refused(one.reason)

    left = (_left(manifest, out, path, plan, count, refuse) for path, plan, _ in todo)
    fill(out, manifest, one, list(chain.from_iterable(left)), count, spread, refuse)
    kept = [frame for _, plan, frames in todo if plan.scene not in left_out for frame in frames]
    _drop_unplanned(manifest, out, kept)
    manifest.write(out)
    return bool(kept)


def _left(
    manifest: Manifest,
    out: Path,
    path: Path,
    plan: ExposurePlan,
    count: Callable[[], None],
    refuse: Callable[[Refused], None],
) -> Iterator[tuple[Path, dict[str, str], ExposurePlan]]:
    """Yield a photograph if it is still to be exposed; if it is done, only count its frames."""
    frames = _frames(plan)
    try:
        source = {"source": path.name, "source_sha256": digest(path)}
    except OSError as error:
        reason = f"cannot read photograph {path} ({error.strerror}): replace or remove it"
        refuse(Refused(plan.scene, reason))
        return
    if all(_up_to_date(manifest, out, frame, source) for frame in frames):
        for _ in frames:
            count()
    else:
        yield path.absolute(), source, plan


def expose(
    out: Path,
    seed: int,
    read_noise: camera.ReadNoise,
    black: tuple[float, tuple[float, float] | None],
    noise: bool,
    table: NoiseTable | None,
    threads: int,
    photo: tuple[Path, dict[str, str], ExposurePlan],
    written: Callable[[], None] | None = None,
) -> list[dict[str, Any]] | Refused:
    """Expose one photograph into a folder that `redark` has prepared; returns its entries for the manifest.

    Arguments as for `redark`; `black` is its `black_error` and `black_offset`, `photo` is its file, what the
    manifest says of that, and its exposures; `written` is called after each file. A photograph that cannot be
    used is refused, with the reason.
    """
    path, source, plan = photo
    try:
        pixels = read_photograph(path)
    except InputError as error:
        return Refused(plan.scene, str(error))
    clean = clean_mosaic(pixels, plan.white_balance)
    about: dict[str, Any] = {"synthetic": True, "seed": seed, **source}
    settings = Settings(
        plan.iso, plan.white_balance, about, read_noise, black[0], noise, black[1], table or sony_a7s2()
    )
    scene_seed = np.random.SeedSequence(seed, spawn_key=(int(plan.scene),))
    return write_frames(out, clean, _frames(plan), settings, scene_seed, threads, written)


def clean_mosaic(photo: NDArray[Any], white_balance: Sequence[float]) -> NDArray[np.float32]:
    """(H, W) float32 mosaic in [0, 1] that rawpy renders as the photograph (H, W, 3), uint8 or uint16.

    Camera colours of sRGB are never negative, and display white is green's saturation: the camera can
    reproduce every photograph, except for what its own rendering had clipped.
    """
    clean = np.empty(photo.shape[:2], np.float32)
    for top in range(0, photo.shape[0], _ROWS):
        linear = camera.linear_from_srgb_photo(photo[top : top + _ROWS])
        clean[top : top + _ROWS] = camera.mosaic(camera.camera_from_linear(linear, white_balance))
    return clean


def _frames(plan: ExposurePlan) -> tuple[Frame, ...]:
    frames = [Frame(plan.scene, 0, plan.long_s, plan.long_s, 1.0)]
    for place, short_s in enumerate(plan.shorts_s):
        number = plan.shorts_s[:place].count(short_s)
        frames.append(Frame(plan.scene, number, short_s, plan.long_s, min(plan.long_s / short_s, MAX_RATIO)))
    return tuple(frames)


def _up_to_date(manifest: Manifest, out: Path, frame: Frame, source: dict[str, str]) -> bool:
    entry = next((entry for entry in manifest.files if entry["path"] == frame.path), {})
    same = all(entry.get(key) == value for key, value in source.items())
    return same and manifest.intact(out, frame.path)


def _drop_unplanned(manifest: Manifest, out: Path, frames: list[Frame]) -> None:
    """Remove files of photographs that have left the folder since an earlier run wrote them."""
    planned = {frame.path for frame in frames}
    for entry in manifest.files:
        if entry["path"] not in planned:
            (out / entry["path"]).unlink(missing_ok=True)
    manifest.files = [entry for entry in manifest.files if entry["path"] in planned]
