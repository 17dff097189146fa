"""Trains the arms and keeps one result file per arm and seed; what is there is not trained again."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from bench.records import store
from bench.train import card, checkpoints, curve, photo_pool, trainer
from bench.train.learner import Diverged
from bench.train.options import Options
from bench.train.patches import Patches
from bench.train.sources import VALIDATION_SEED, Data
from benchmarks.unpack import arms as declared
from benchmarks.unpack import darkness
from llpacknet.errors import InputError
from llpacknet.loading import sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.unpack.arms import Arm

CHECKPOINT_EVERY_S = 30.0


@dataclass(frozen=True)
class Setting:
    """What all arms share.

    Attributes:
        steps: length of each training.
        patch: side of a training patch in pixels. A patch of 128 has 8 x 8 positions at the coarsest level,
            and every one of them feels the zeros around the image, in all arms alike.
        lr: largest learning rate.
        validate_every: steps between two points of the curve.
        validation_patches: images to validate on.
        validation_size: their side in pixels.
        photographs: digest of what is trained and validated on, see `digest_of`.
    """

    steps: int = 1500
    patch: int = 128
    lr: float = 1e-3
    validate_every: int = 100
    validation_patches: int = 32
    validation_size: int = 256
    photographs: str = ""


@dataclass(frozen=True)
class Outcome:
    """One arm trained from one seed.

    Attributes:
        arm: the arm's name.
        seed: of the starting weights and of all that the patches draw.
        curve: step, mean training loss since the row before, validation PSNR in dB of the averaged weights.
        weights_sha256: of the last weights; equal where two arms are the same training.
        diverged: what stopped it, where the loss or gradient was no longer finite.
        seconds: time of the training's steps.
        dark: share of the validation images that the averaged weights leave too dark, see `darkness`; None
            where that was not looked at.
    """

    arm: str
    seed: int
    curve: tuple[tuple[int, float, float], ...]
    weights_sha256: str
    diverged: str | None = None
    seconds: float = 0.0
    dark: float | None = None

    @property
    def psnr(self) -> float | None:
        """Validation PSNR after the last step, in dB; None if the training diverged."""
        return None if self.diverged else self.curve[-1][2]


def run(
    setting: Setting, photos: Path, out: Path, work: Path, arms: Sequence[Arm], seeds: Iterable[int],
    threads: int = 1, workers: int = 1,
) -> Iterator[Outcome]:  # fmt: skip
    """Train every arm from every seed, seed by seed, and yield each outcome once it is on the disk.

    All arms of a seed start from the same draws and see the same patches in the same order; an arm of batch 1
    sees the first patch of each step.

    Args:
        setting: what all arms share.
        photos: folder of photographs.
        out: where `runs/ARM.seed-S.json` is written.
        work: where unfinished trainings are kept, to resume after an interruption.
        arms: which to train.
        seeds: from which seeds; all arms of one are trained before the next.
        threads: the network's threads.
        workers: processes that make patches.

    Raises:
        InputError: for unusable photographs, or results of another setting in `out`.
    """
    images: tuple[list[Any], list[Any]] | None = None
    for seed in seeds:
        for arm in arms:
            path = result_path(out, arm.name, seed)
            if path.is_file():
                yield read(path, setting)
                continue
            images = images or _images(photos)
            held_out = Patches(images[1], setting.validation_size, VALIDATION_SEED)
            data = Data(
                Patches(images[0], setting.patch, seed),
                [held_out.patch(0, index) for index in range(setting.validation_patches)],
                [],
            )
            options = Options(
                f"{declared.__name__}:{arm.name}",
                work / f"{arm.name}.seed-{seed}",
                photos,
                steps=setting.steps,
                batch=arm.batch,
                patch=setting.patch,
                lr=setting.lr,
                seed=seed,
                threads=threads,
                workers=workers,
                validate_every=setting.validate_every,
                checkpoint_every_s=CHECKPOINT_EVERY_S,
                resume=True,
            )
            outcome = _train(options, data, arm)
            _write(path, outcome, setting)
            shutil.rmtree(options.out)
            yield outcome


def result_path(out: Path, arm: str, seed: int) -> Path:
    """File of one outcome."""
    return out / "runs" / f"{arm}.seed-{seed}.json"


def read(path: Path, setting: Setting | None = None) -> Outcome:
    """Read an outcome.

    Raises:
        InputError: where it is none, or one of another setting than the given.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        rows = tuple((int(step), float(loss), float(psnr)) for step, loss, psnr in raw["curve"])
        found = Outcome(
            raw["arm"], raw["seed"], rows, raw["weights_sha256"], raw["diverged"], raw["seconds"],
            raw.get("dark"),
        )  # fmt: skip
        shared = raw["setting"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a result of this experiment ({error}): remove it") from error
    if not rows and found.diverged is None:
        raise InputError(f"{path} is not a result of this experiment (its curve is empty): remove it")
    if setting is not None and shared != asdict(setting):
        raise InputError(f"{path} was trained with other settings ({shared}): choose another --out")
    return found


def read_all(out: Path) -> tuple[list[Outcome], Setting]:
    """All outcomes of a folder, and the setting that they share.

    Raises:
        InputError: where there is none, one is damaged, or they differ in their setting.
    """
    paths = sorted((out / "runs").glob("*.json"))
    if not paths:
        raise InputError(f"{out} contains no results of this experiment: run it first")
    read(paths[0])
    setting = Setting(**json.loads(paths[0].read_text(encoding="utf-8"))["setting"])
    return [read(path, setting) for path in paths], setting


def digest_of(photos: Path) -> str:
    """SHA-256 over name, use and content of the photographs of a folder.

    Raises:
        InputError: for an unusable folder.
    """
    lines = (f"{each.file} {each.use} {sha256(photos / each.file)}" for each in photo_pool.listed(photos))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _images(photos: Path) -> tuple[list[Any], list[Any]]:
    """Photographs to train on, and others to validate on."""
    listed = photo_pool.listed(photos)
    training, held_out = (
        photo_pool.load(photos, [each for each in listed if each.use == use])
        for use in ("training", "validation")
    )
    return training, held_out


def _train(options: Options, data: Data, arm: Arm) -> Outcome:
    diverged, dark = None, None
    try:
        trainer.train(options, data)
    except Diverged as error:
        diverged = str(error).partition(";")[0]
    saved = checkpoints.read(options.out)
    log = curve.read(options.out)
    rows = tuple((step, loss, psnr) for step, loss, _, _, psnr in log if psnr is not None)
    digest = hashlib.sha256()
    for value in (saved["network"] if saved else {}).values():
        digest.update(value.numpy().tobytes())
    if saved and diverged is None:
        network = arm.network().eval()
        network.load_state_dict(saved["average"])
        dark = darkness.mean_dark_share(network, data.validation)
    seconds = log[-1][3] if log else 0.0
    return Outcome(arm.name, options.seed, rows, digest.hexdigest(), diverged, seconds, dark)


def _write(path: Path, outcome: Outcome, setting: Setting) -> None:
    contents = {
        **asdict(outcome),
        "setting": asdict(setting),
        "hardware": card.hardware("cpu"),
        "versions": {package: version(package) for package in card.PACKAGES},
    }
    store.replace(path, json.dumps(contents, allow_nan=False) + "\n")
