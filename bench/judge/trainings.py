"""The experiment on UnPack: trainings that differ in one thing, read from its result files.

`python -m benchmarks.unpack --out OUT/unpack` writes one JSON file per arm and seed. Two arms of one seed
start from the same draws and see the same patches, so that they are compared seed by seed.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llpacknet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

# Of the experiment within a results folder.
FOLDER = "unpack"


@dataclass(frozen=True)
class Training:
    """One arm trained from one seed.

    Attributes:
        arm: what was trained.
        seed: of the starting weights and of all that the patches draw.
        weights: hash of the weights after the last step.
        psnr: validation PSNR in dB after the last step; None if the training diverged.
        setting: what all arms share: steps, patch, photographs.
        dark: share of the validation images that it leaves too dark; None where that was not looked at.
    """

    arm: str
    seed: int
    weights: str
    psnr: float | None
    setting: dict[str, Any]
    dark: float | None = None


def load(folder: Path) -> list[Training]:
    """Read every finished training of an experiment's folder; empty if there is none.

    Raises:
        InputError: a file is not what the experiment writes.
    """
    return [_read(path) for path in sorted((folder / "runs").glob("*.json")) if path.name[0] != "."]


def _read(path: Path) -> Training:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        last = None if raw["diverged"] else float(raw["curve"][-1][2])
        if last is not None and not math.isfinite(last):
            last = None
        dark = None if raw.get("dark") is None else float(raw["dark"])
        return Training(
            str(raw["arm"]), int(raw["seed"]), str(raw["weights_sha256"]), last, dict(raw["setting"]), dark
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(
            f"{path} is not a training of the UnPack experiment ({error!r}): delete it"
        ) from error
