"""The data that a training run learns from and validates on, as its options say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.data.making.noise_table import read
from bench.train import photo_pool
from bench.train.patches import Patches
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.train.loading import PatchSource
    from bench.train.options import Options
    from bench.train.patches import Patch

VALIDATION_PATCHES, VALIDATION_SIZE, VALIDATION_SEED = 24, 512, 2020
METERED_FRAMES = 256


@dataclass(frozen=True)
class Data:
    """What a run learns from.

    Attributes:
        source: makes the patches of each step.
        validation: fixed pairs to validate on, from scenes that the source does not use; at least one.
        credited: the photographs that the source uses.
        meter: makes patches on scenes of the validation, to gauge an amplifier by; None to use its pairs.
        unusable: lists, one line each, the photographs or pairs that cannot be used and are skipped; in a
        data
            set they are found as they come up.
    """

    source: PatchSource
    validation: list[Patch]
    credited: list[photo_pool.Photograph]
    meter: PatchSource | None = None
    unusable: Callable[[], list[str]] = list

    def metered(self) -> list[Patch]:
        """Patches whose frames an amplifier is gauged by."""
        if self.meter is None:
            return self.validation
        return [self.meter.patch(0, index) for index in range(METERED_FRAMES)]


def data_of(options: Options) -> Data:
    """Open what the options name: a data set in SID's layout, or photographs.

    Raises:
        InputError: for an unusable folder, or one with nothing to validate on.
    """
    if options.dataset is not None:
        from bench.train.frames import Frames

        store = options.out / "frames"
        frames = Frames(options.dataset, store, options.patch, options.seed, "training")
        held_frames = Frames(options.dataset, store, options.patch, VALIDATION_SEED, "validation")
        pairs = [held_frames.patch(0, index) for index in range(VALIDATION_PATCHES)]
        return Data(frames, pairs, [], unusable=frames.unusable)
    assert options.photos is not None
    listed = photo_pool.listed(options.photos)
    used = photo_pool.load_usable(options.photos, [each for each in listed if each.use == "training"])
    shown = used.images
    if options.scenes:
        from bench.train import rendered

        shown += rendered.images(options.scenes)
    table = read(options.camera) if options.camera else None
    own = Patches(shown, options.patch, options.seed, table)
    folder = options.validation or options.photos
    kept = photo_pool.listed(folder) if options.validation else listed
    held = photo_pool.load_usable(
        folder, [each for each in kept if options.validation or each.use == "validation"]
    )
    pool = held.images
    if not pool:
        raise InputError(
            f"{folder} has {len(used.photographs)} to train on and none to validate on: without a "
            f"{photo_pool.LIST_NAME} every {photo_pool.HELD_OUT}th photograph is kept for validation; "
            f"give at least {photo_pool.HELD_OUT}, or --val DIR"
        )
    shortest = min(min(each.shape[:2]) for each in pool)
    held_out = Patches(pool, min(VALIDATION_SIZE, shortest // 16 * 16), VALIDATION_SEED, table)
    pairs = [held_out.patch(0, index) for index in range(VALIDATION_PATCHES)]
    left_out = used.left_out + held.left_out
    meter = Patches(pool, 32, VALIDATION_SEED, table)
    return Data(own, pairs, used.photographs, meter, unusable=lambda: left_out)
