"""Training scenes on which the number ranges of int8 forms are found, see `bench.data.making.calibration`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

FILE = Path(__file__).with_name("calibration.npz")
"""Short exposures of made scenes, uint16 (N, H, W) in RGGB phase, and their exposure ratios."""


def scenes() -> Iterator[tuple[Tensor, float]]:
    """Normalised unamplified mosaics (1, 1, H, W), float32, each with its exposure ratio."""
    with np.load(FILE) as stored:
        mosaics, ratios = stored["mosaics"], stored["ratios"]
        black, white = float(stored["black"]), float(stored["white"])
    for mosaic, ratio in zip(mosaics, ratios, strict=True):
        normalised = np.maximum(mosaic.astype(np.float32) - np.float32(black), 0) / np.float32(white - black)
        yield torch.from_numpy(normalised)[None, None], float(ratio)


def placed(*, needs_gain: bool, clip: float | None = None) -> tuple[Tensor, ...]:
    """All scenes as a network takes them.

    Args:
        needs_gain: whether it takes an amplified mosaic, which is then multiplied by its ratio.
        clip: upper clip of the amplified mosaic; None for none.

    Returns:
        (1, 1, H, W) float32 each.
    """
    found = []
    for mosaic, ratio in scenes():
        given = mosaic * ratio if needs_gain else mosaic
        found.append(given if clip is None else given.clamp(max=clip))
    return tuple(found)
