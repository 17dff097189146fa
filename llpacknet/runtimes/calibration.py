"""Training scenes on which the number ranges of int8 forms are found, see `bench.data.making.calibration`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from llpacknet.conventions import Conventions

# Short exposures of synthetic scenes, uint16 (N, H, W) in RGGB phase, and their exposure ratios.
FILE = Path(__file__).with_name("calibration.npz")


def scenes(*, keeps_negatives: bool = False) -> Iterator[tuple[Tensor, float]]:
    """Normalised unamplified mosaics (1, 1, H, W), float32, each with its exposure ratio."""
    with np.load(FILE) as stored:
        mosaics, ratios = stored["mosaics"], stored["ratios"]
        black, white = float(stored["black"]), float(stored["white"])
    for mosaic, ratio in zip(mosaics, ratios, strict=True):
        above = mosaic.astype(np.float32) - np.float32(black)
        normalised = (above if keeps_negatives else np.maximum(above, 0)) / np.float32(white - black)
        yield torch.from_numpy(normalised)[None, None], float(ratio)


def placed(called: Conventions) -> tuple[Tensor, ...]:
    """All scenes as a network takes them.

    Args:
        called: how it is called; one that needs a gain gets each scene multiplied by its ratio.

    Returns:
        (1, 1, H, W) float32 each.
    """
    found = []
    for mosaic, ratio in scenes(keeps_negatives=called.keeps_negatives):
        given = mosaic * ratio if called.needs_gain else mosaic
        found.append(given if called.input_clip is None else given.clamp(max=called.input_clip))
    return tuple(found)
