"""Restored images kept as they were scored, in a folder for each protocol.

    predictions/PROTOCOL/MODEL/SHORT.png   what the protocol compared, after its step to 8 bits
    predictions/PROTOCOL/truth/SHORT.png   what it was compared with (truth-part: where the part alone was)
    predictions/PROTOCOL/manifest.json     the protocol, and how `llbench score` takes the images
    predictions/input/SHORT.png            the dark input, as LibRaw renders it

A protocol without a step to 8 bits has images of 16 bits. The same image under two protocols that take
the same step is one file with two names, where the file system can do that.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np

from bench.metrics import quantise
from bench.records import store
from llpacknet.raw.render import render_frame

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.records.protocols import Protocol
    from llpacknet.raw.frame import RawFrame

FOLDER = "predictions"
MANIFEST = "manifest.json"
INPUT, TRUTH, TRUTH_PART = "input", "truth", "truth-part"
# Noise repeats nothing: without the search for repetitions, and with the quickest filter, half the time.
PNG: dict[str, Any] = {
    "level": 1,
    "filter": imagecodecs.PNG.FILTER.SUB,
    "strategy": imagecodecs.PNG.STRATEGY.HUFFMAN_ONLY,
}


class Keeper:
    """Keeps one method's images of a results folder.

    Args:
        out: the results folder.
        model: the method's name.
    """

    def __init__(self, out: Path, model: str) -> None:
        self._folder = out / FOLDER
        self._model = model.replace(":", "-")
        self._written: dict[Hashable, Path] = {}

    def keep_input(self, name: str, frame: RawFrame) -> None:
        """Keep the dark input once for all methods."""
        path = self._folder / INPUT / f"{name}.png"
        if not path.exists():
            _write(path, quantise(render_frame(frame), "round"))

    def keep(
        self,
        protocol: Protocol,
        name: str,
        images: tuple[NDArray[np.float32], NDArray[np.uint16]],
        made_from: Hashable,
        *,
        whole: bool,
        apart: str = "",
    ) -> None:
        """Keep a restored image and its truth as a protocol compares them.

        Args:
            protocol: the protocol.
            name: the short exposure's name without its suffix.
            images: the restored image, (H, W, 3) float32 in [0, 1], and the truth, uint16.
            made_from: what the restored image depends on, to tell it from others of the same name.
            whole: whether they are whole frames.
            apart: what the protocol's folder is called beyond its name, to keep images of one name apart.

        Raises:
            UnwritableError: a file cannot be written.
        """
        folder = self._folder / f"{protocol.name}{apart}"
        manifest = folder / MANIFEST
        if not manifest.exists():
            store.replace(
                manifest, json.dumps(describe(protocol, folder.name), indent=1) + "\n", durable=False
            )
        step = protocol.quantise
        self._put(folder / self._model / f"{name}.png", images[0], protocol, (made_from, step))
        truth = TRUTH if whole else TRUTH_PART
        path = folder / truth / f"{name}.png"
        if not path.exists():
            self._put(path, images[1], protocol, (truth, apart, name, step))

    def _put(self, path: Path, image: NDArray[Any], protocol: Protocol, key: Hashable) -> None:
        same = self._written.get(key)
        if same is None or same == path or not _linked(same, path):
            _write(path, as_stored(image, protocol))
        # Neighbouring cells share an image; what lies further back is not looked for.
        self._written = {**dict(list(self._written.items())[-4:]), key: path}


def describe(protocol: Protocol, folder: str) -> dict[str, Any]:
    """Say what a protocol's folder of images holds, as its manifest does."""
    depth = 16 if protocol.quantise == "none" else 8
    place = f"{FOLDER}/{folder}"
    exact = protocol.lpips_quantise == protocol.quantise or depth == 16
    return {
        "protocol": asdict(protocol),
        "pictures": f"as the protocol compares them, {depth} bits",
        "lpips": "can be computed from them"
        if exact
        else f"was computed at another step: {protocol.lpips_quantise}",
        "score": f"llbench score --pred {place}/MODEL --truth {place}/{TRUTH}",
    }


def as_stored(image: NDArray[Any], protocol: Protocol) -> NDArray[Any]:
    """Return an image after the protocol's step: (H, W, 3) uint8, or uint16 where it takes none."""
    if protocol.quantise != "none":
        return quantise(image, protocol.quantise)
    if image.dtype == np.uint16:
        return image
    stored: NDArray[np.uint16] = np.rint(np.clip(image, 0, 1) * np.float32(65535)).astype(np.uint16)
    return stored


def _linked(source: Path, path: Path) -> bool:
    """Give a file a second name; whether that could be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        os.link(source, path)
    except OSError:
        return False
    return True


def _write(path: Path, image: NDArray[Any]) -> None:
    """Write a PNG, whole or not at all; raises UnwritableError where that cannot be done."""
    store.replace(path, bytes(imagecodecs.png_encode(image, **PNG)), durable=False)
