"""What the gate measures of each revision, with defaults for how thoroughly."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.records.cells import Cell

if TYPE_CHECKING:
    from collections.abc import Mapping

MEASURES = ("latency", "memory", "complexity", "quality")
SETS = 8
ATTEMPTS = 3
# Twelve turns in each of eight sets of LLPackNet at a sixteenth of the paper's area, whose pass takes 0.1 s.
# In a simulation of two shared cores these find all of 200 revisions slowed by 5 %, four turns 187.
SECONDS = 30.0
# With fewer sets no interval over processes would be narrow enough to say anything.
LEAST_SETS = 5


@dataclass(frozen=True)
class Comparison:
    """What is measured of each revision.

    Attributes:
        models: registered names, or module:factory, found in each revision.
        measures: any of `MEASURES`.
        size: frame of latency, memory and complexity in pixels.
        form: device, runtime and precision of the cells.
        threads: CPU threads.
        weights: by model, as `baselines.create` takes them; "shipped" for those not named.
        sets: fresh processes of each revision in one attempt.
        seconds: approximate length of the turns of an attempt at one model; starting its processes comes on
            top.
        instructions: whether the instructions of Pack and UnPack are counted too.
    """

    models: tuple[str, ...]
    size: tuple[int, int]
    threads: int
    measures: tuple[str, ...] = MEASURES
    form: tuple[str, str, str] = ("cpu", "published", "fp32")
    weights: Mapping[str, str] = field(default_factory=dict)
    sets: int = SETS
    seconds: float = SECONDS
    instructions: bool = False

    def wants(self, cell: Cell) -> bool:
        """Whether a cell is among what is measured; images have the size of the fixed scenes."""
        sized = cell.measurement == "quality" or (cell.height, cell.width) == self.size
        return sized and cell.model in self.models and cell.measurement in self.measures

    def cell(self, model: str) -> Cell:
        """Return the latency cell of a model."""
        device, runtime, precision = self.form
        return Cell(
            model, "latency", device=device, runtime=runtime, precision=precision,
            height=self.size[0], width=self.size[1], threads=self.threads,
        )  # fmt: skip
