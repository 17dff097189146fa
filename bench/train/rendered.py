"""Procedural scenes as images to cut patches from, in addition to the photographs.

They are composed as those of `llbench data make` are, from a seed of their own, so that no synthetic data set
contains any of them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from bench.data.making import camera
from bench.data.making.make import MOST_SCENES, scene
from bench.data.scenes import render
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Of the scenes; their exposures, and what else is drawn for a patch, come from the training's seed.
SEED = 20_200_907

# Rows and columns of an image: half of a full frame's, about two seconds of work.
SIZE = (1424, 2128)

# Mean of an image in linear light, that of a well exposed photograph.
MEAN = 0.18


def images(count: int, size: tuple[int, int] | None = None) -> list[NDArray[np.uint8]]:
    """Render scenes 0 to `count` - 1.

    Args:
        count: how many, 0 to 9000.
        size: rows and columns of each, instead of SIZE.

    Returns:
        (H, W, 3) uint8 RGB after the tone curve, as a photograph is; lamps are clipped.

    Raises:
        InputError: more scenes than exist.
    """
    if not 0 <= count <= MOST_SCENES:
        raise InputError(f"--scenes {count}: give a number from 0 to {MOST_SCENES}")
    threads = min(2, os.cpu_count() or 1)
    return [_developed(render(scene(SEED, number), size or SIZE, threads)) for number in range(count)]


def _developed(radiance: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Expose linear radiance for its mean, lamps counting as no more than white; apply the tone curve."""
    scale = MEAN / max(float(radiance.mean()), 1e-9)
    for _ in range(8):
        scale *= MEAN / float(np.minimum(radiance * scale, 1).mean())
    return np.asarray(np.rint(camera.tone(np.minimum(radiance * scale, 1)) * 255), np.uint8)
