"""Procedural night scenes: streets, yards, parks, playing fields, rooms and tables, in linear light.

`compose` draws a scene, `render` turns it into linear sRGB radiance at any size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.data.scenes.indoors import room, table
from bench.data.scenes.outdoors import court, park, street, yard
from bench.data.scenes.rendering import preview, render
from bench.data.scenes.scene import Builder, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KINDS", "Scene", "compose", "preview", "render"]

# Every kind of scene and what builds it; made sets go through them in this order.
KINDS: dict[str, Callable[[Builder], None]] = {
    "street": street,
    "room": room,
    "park": park,
    "yard": yard,
    "table": table,
    "court": court,
}


def compose(kind: str, seed: np.random.SeedSequence) -> Scene:
    """Draw a scene of a kind; the same seed gives the same scene."""
    builder = Builder(kind, np.random.Generator(np.random.PCG64(seed)))
    KINDS[kind](builder)
    return builder.scene()
