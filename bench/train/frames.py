"""Training patches from a real data set in SID's layout: raw short exposures and rendered long ones.

A frame is decoded when it is first needed and kept as a plain array beside the run, so that later crops read
only their own pages: about 25 MB per short and 73 MB per long exposure, 60 GB for all of SID's training part.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bench.data.folder.index import index
from bench.data.folder.subsets import select
from bench.train.patches import FRAME_SIDE, Patch
from llpacknet.errors import InputError
from llpacknet.raw.read import read_raw
from llpacknet.raw.render import render
from llpacknet.whole import whole

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.data.folder.pairs import Pair

# Ending of the files beside the decoded frames that say why a pair cannot be used.
UNUSABLE = ".unusable"
FIRST_DIGIT = {"training": "0", "validation": "2"}


class Frames:
    """Makes patches from the pairs of a data set.

    Args:
        root: the data set's folder.
        store: where decoded frames are kept.
        size: side of a patch in pixels, a multiple of 16.
        seed: seed of everything drawn.
        subset: "training" (scenes whose ids begin with 0) or "validation" (with 2), as SID has them.

    Raises:
        InputError: for an unusable folder, or one without such scenes.
    """

    def __init__(
        self, root: Path, store: Path, size: int, seed: int, subset: Literal["training", "validation"]
    ) -> None:
        if size < 32 or size % 16:
            raise InputError(f"--patch {size}: give a multiple of 16, at least 32")
        self.pairs = select(index(root).pairs, subset)
        if not self.pairs:
            raise InputError(
                f"{root} has no {subset} scenes (their ids begin with {FIRST_DIGIT[subset]}); scenes whose "
                "ids begin with 1 are test scenes, which are never trained on"
            )
        self.store = store
        self.size = size
        self.seed = seed
        self._unusable: dict[int, str] = {}
        store.mkdir(parents=True, exist_ok=True)

    def patch(self, step: int, index: int) -> Patch:
        """Return patch `index` of training step `step`."""
        rng = np.random.default_rng((self.seed, step, index))
        pair, mosaic, levels, truth = self._drawn(rng)
        height, width = (side // 2 for side in mosaic.shape)
        half = self.size // 2
        # A mirrored mosaic keeps its phase where its crop starts one pixel further, on the other colour.
        down, across, turned = (bool(each) for each in rng.integers(2, size=3))
        top = 2 * int(rng.integers(height - half)) + down
        left = 2 * int(rng.integers(width - half)) + across
        window = (slice(top, top + self.size), slice(left, left + self.size))
        flip = (
            slice(None, None, -1) if down else slice(None),
            slice(None, None, -1) if across else slice(None),
        )
        levels_as_stored = levels
        raw = np.asarray(mosaic[window])[flip].astype(np.float32)
        rgb = np.asarray(truth[window])[flip]
        if turned:
            raw, rgb, levels = raw.T, rgb.transpose(1, 0, 2), levels[[0, 2, 1, 3, 4]]
        return Patch(
            _normalised(raw, levels)[None],
            np.ascontiguousarray(rgb.transpose(2, 0, 1)).astype(np.float32) / np.float32(65535),
            pair.ratio,
            _sample(mosaic, levels_as_stored),
        )

    def unusable(self) -> list[str]:
        """List the reasons why pairs are skipped, as found by any process of this run."""
        reasons = sorted(self.store.glob(f"*{UNUSABLE}"))
        return [path.read_text(encoding="utf-8", errors="surrogateescape") for path in reasons]

    def _drawn(
        self, rng: np.random.Generator
    ) -> tuple[Pair, NDArray[np.uint16], NDArray[np.float64], NDArray[np.uint16]]:
        """Draw a pair, replacing any that cannot be used; every process draws the same one."""
        while len(self._unusable) < len(self.pairs):
            number = int(rng.integers(len(self.pairs)))
            if number in self._unusable:
                continue
            pair = self.pairs[number]
            reason = self.store / f"{pair.short.name}{UNUSABLE}"
            try:
                opened = self._opened(pair)
            except InputError as error:
                self._unusable[number] = str(error)
                with whole(reason) as partial:
                    partial.write_text(str(error), encoding="utf-8", errors="surrogateescape")
                continue
            reason.unlink(missing_ok=True)
            return pair, *opened
        raise InputError(f"no pair can be used: {next(iter(self._unusable.values()))}")

    def _opened(self, pair: Pair) -> tuple[NDArray[np.uint16], NDArray[np.float64], NDArray[np.uint16]]:
        """Mosaic with its levels, and truth."""
        mosaic, levels = self._short(pair.short)
        truth = self._long(pair.long)
        if mosaic.shape != truth.shape[:2]:
            raise InputError(f"{pair.short} and {pair.long} differ in size: remove the pair")
        if min(mosaic.shape) // 2 <= self.size // 2:
            raise InputError(f"{pair.short} is smaller than a patch of {self.size} pixels: lower --patch")
        return mosaic, levels, truth

    def _short(self, path: Path) -> tuple[NDArray[np.uint16], NDArray[np.float64]]:
        """Mosaic, and black levels of R, G1, G2, B with the white level."""
        kept, facts = self.store / f"{path.name}.npy", self.store / f"{path.name}.json"
        if not (kept.is_file() and facts.is_file()):
            frame = read_raw(path)
            _keep(kept, frame.mosaic)
            text = json.dumps([*frame.black.tolist(), float(frame.white)])
            with whole(facts) as partial:
                partial.write_text(text, encoding="utf-8")
        levels = np.array(json.loads(facts.read_text(encoding="utf-8")), np.float64)
        return np.load(kept, mmap_mode="r"), levels

    def _long(self, path: Path) -> NDArray[np.uint16]:
        kept = self.store / f"{path.name}.npy"
        if not kept.is_file():
            _keep(kept, render(path))
        image: NDArray[np.uint16] = np.load(kept, mmap_mode="r")
        return image


def _sample(mosaic: NDArray[np.uint16], levels: NDArray[np.float64]) -> NDArray[np.float32]:
    """(1, FRAME_SIDE, FRAME_SIDE) of a whole frame's Bayer cells, evenly spread over it."""
    cells = FRAME_SIDE // 2
    rows, columns = (
        (2 * np.linspace(0, side // 2 - 1, cells).round().astype(int)[:, None] + np.arange(2)).ravel()
        for side in mosaic.shape
    )
    return _normalised(mosaic[rows[:, None], columns].astype(np.float32), levels)[None]


def _normalised(raw: NDArray[np.float32], levels: NDArray[np.float64]) -> NDArray[np.float32]:
    """(raw - black) / (white - black), plane by plane; `levels` as `Frames._short` gives them."""
    out = np.empty(raw.shape, np.float32)
    for plane, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        black = np.float32(levels[plane])
        out[row::2, column::2] = (raw[row::2, column::2] - black) / np.float32(levels[-1] - black)
    return out


def _keep(path: Path, array: NDArray[Any]) -> None:
    """Store an array under its name only once it is complete; several workers may do so at once."""
    with whole(path) as partial, partial.open("wb") as file:
        np.save(file, array)
