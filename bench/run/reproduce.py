"""The main job: data, every measurement, tables, figures, verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.data.folder.pairs import MAX_RATIO, Dataset, Pair
from bench.data.making.camera_settings import draw_capture
from bench.data.making.exposures import FIRST_ID
from bench.data.making.writing import frames_of
from bench.run import predictions
from bench.run.plan import KINDS, plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.records.tiers import Tier
    from bench.run.plan import Plan

PROTOCOLS = ("paper2020", "release2022")
"""Table 1's columns: without ground-truth exposure, and with it as the authors' own release scores it."""
ALL_PROTOCOLS = ("paper2020", "paper2020-gt", "release2022")
"""The same and the paper's own protocol with ground-truth exposure, for the long tiers."""

MAKE_S = 15.0
MAKE_BYTES_PER_FRAME = 16e6
"""A full-size scene with its exposures, and one of its losslessly compressed frames; to plan from."""
DATA_FOLDER = "data"
SEED = 8
"""Its first scene has an exposure from the middle of SID's test list: 10 s at ISO 320."""


@dataclass(frozen=True)
class Request:
    """What one run of the main job is asked for.

    Attributes:
        tier: how much is measured.
        models: registered names, or module:factory.
        device: "cpu" or "cuda".
        threads: CPU threads; None for the usable cores.
        rounds: interleaved rounds of latency; None for the tier's.
        images: at most so many images are judged per protocol; None for the tier's limit.
        seed: of the data that are made.
        weights: file per model in place of the shipped one.
        size: frame size of made data in place of the tier's.
    """

    tier: Tier
    models: Sequence[str]
    device: str = "cpu"
    threads: int | None = None
    rounds: int | None = None
    seed: int = SEED
    weights: Mapping[str, Path] | None = None
    size: tuple[int, int] | None = None
    images: int | None = None

    @property
    def frame(self) -> tuple[int, int]:
        """Rows and columns of made frames."""
        return self.size or (self.tier.height, self.tier.width)

    def plan(self, dataset: Dataset, size: tuple[int, int] | None = None) -> Plan:
        """Span the cells; `size` is told where the data set's files are not there yet."""
        return plan(
            self.models,
            KINDS,
            dataset=dataset,
            protocol_names=PROTOCOLS if self.tier.images and self.tier.images < 10 else ALL_PROTOCOLS,
            device=self.device,
            size=size,
            threads=self.threads,
            rounds=self.rounds,
            tier=self.tier.name,
            images=self.images,
            weights=self.weights,
            keep_predictions=True,
        )


def expected(root: Path, request: Request) -> Dataset:
    """Say which pairs will be made, so that the whole run can be predicted before anything is written."""
    pairs = []
    for number in range(request.tier.scenes):
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
    return Dataset(root, "made", synthetic=True, pairs=tuple(sorted(pairs)))


def making_cost(dataset: Dataset, request: Request) -> tuple[float, float]:
    """Seconds and bytes that making a data set is predicted to take."""
    share = predictions.area(*request.frame)
    frames = len({pair.short for pair in dataset.pairs} | {pair.long for pair in dataset.pairs})
    scenes = len({pair.scene for pair in dataset.pairs})
    return scenes * (1.0 + MAKE_S * share), frames * MAKE_BYTES_PER_FRAME * share
