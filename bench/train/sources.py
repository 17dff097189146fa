"""What a training run learns from and validates on, as its options say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.train import photographs
from bench.train.patches import Patches
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from bench.train.loading import PatchSource
    from bench.train.patches import Patch
    from bench.train.trainer import Options

VALIDATION_PATCHES, VALIDATION_SIZE, VALIDATION_SEED = 24, 512, 2020


@dataclass(frozen=True)
class Data:
    """What a run learns from.

    Attributes:
        source: makes the patches of each step.
        validation: fixed pairs to validate on, on scenes that the source does not show; at least one.
        credited: the photographs that the source shows.
    """

    source: PatchSource
    validation: list[Patch]
    credited: list[photographs.Photograph]


def data_of(options: Options) -> Data:
    """Open what the options name: a data set in SID's layout, or photographs.

    Raises:
        InputError: for an unusable folder, or one that keeps nothing to validate on.
    """
    if options.dataset is not None:
        from bench.train.frames import Frames

        store = options.out / "frames"
        frames = Frames(options.dataset, store, options.patch, options.seed, "training")
        held_frames = Frames(options.dataset, store, options.patch, VALIDATION_SEED, "validation")
        return Data(frames, [held_frames.patch(0, index) for index in range(VALIDATION_PATCHES)], [])
    assert options.photos is not None
    listed = photographs.listed(options.photos)
    used = [each for each in listed if each.use == "training"]
    shown = photographs.load(options.photos, used)
    if options.scenes:
        from bench.train import rendered

        shown += rendered.pictures(options.scenes)
    own = Patches(shown, options.patch, options.seed)
    folder = options.validation or options.photos
    kept = photographs.listed(folder) if options.validation else listed
    pool = photographs.load(folder, [each for each in kept if options.validation or each.use == "validation"])
    if not pool:
        raise InputError(f"{folder} keeps no photograph for validation: add some, or give --val DIR")
    shortest = min(min(each.shape[:2]) for each in pool)
    held_out = Patches(pool, min(VALIDATION_SIZE, shortest // 16 * 16), VALIDATION_SEED)
    return Data(own, [held_out.patch(0, index) for index in range(VALIDATION_PATCHES)], used)
