"""The data that the main job generates if none are given: which, and what generating them takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.data.folder.pairs import MAX_RATIO, Dataset, Pair
from bench.data.making.camera_settings import draw_capture
from bench.data.making.exposures import FIRST_ID
from bench.data.making.writing import frames_of
from bench.run import predictions

if TYPE_CHECKING:
    from pathlib import Path

    from bench.run.request import Request

MAKE_S = 15.0
# A full-size scene with its exposures, and one of its losslessly compressed frames; to plan from.
MAKE_BYTES_PER_FRAME = 16e6
DATA_FOLDER = "data"
STRESS_FOLDER = "data-black"


def expected(root: Path, request: Request, scenes: int | None = None) -> Dataset:
    """List the pairs that will be generated, so that the run can be predicted before anything is written."""
    pairs = []
    for number in range(request.scenes if scenes is None else scenes):
        capture = draw_capture(request.seed, number)
        scene = str(FIRST_ID + number)
        long, *shorts = frames_of(scene, capture.long_s, capture.shorts_s, 1, MAX_RATIO)
        pairs += [
            Pair(
                scene,
                f"{short.number:02d}",
                short.exposure_s,
                long.exposure_s,
                root / short.path,
                root / long.path,
            )
            for short in shorts
        ]
    return Dataset(root, root.name, synthetic=True, pairs=tuple(sorted(pairs)))


def making_cost(dataset: Dataset, request: Request) -> tuple[float, float]:
    """Predicted seconds and bytes for generating a data set."""
    share = predictions.area(*request.made_frame)
    frames = len({pair.short for pair in dataset.pairs} | {pair.long for pair in dataset.pairs})
    scenes = len({pair.scene for pair in dataset.pairs})
    return scenes * (1.0 + MAKE_S * share), frames * MAKE_BYTES_PER_FRAME * share
