"""Which cells a request spans, which jobs measure them and in which order, and what that will take."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import baselines
from baselines.paper import FULL_SIZE
from bench.data.folder.sampling import frame_size
from bench.machine.environment import usable_cores
from bench.records import protocols
from bench.records.tiers import TIERS
from bench.run import predictions
from bench.run.span import UNPACKING, Request
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.data.folder.pairs import Dataset
    from bench.records.cells import Cell, Measurement
    from bench.records.jobs import Job
    from bench.run.span import Settled

MEASUREMENTS: tuple[Measurement, ...] = ("complexity", "latency", "memory", "quality")
"""What is measured of a method where nothing else is asked for."""
KINDS: tuple[Measurement, ...] = (*MEASUREMENTS, "kernels")
"""Everything that can be measured; kernels are UnPack's, so that only LLPackNet has them."""
ROUNDS = 5


@dataclass(frozen=True)
class Plan:
    """What will be measured.

    Attributes:
        jobs: one per worker process, in the order in which they run; latency rounds are interleaved.
        settled: cells that need no worker.
        weights: file per model that was given in place of the shipped one.
        rounds: interleaved rounds of latency.
        notes: what a user should know of the plan, one line each.
        keep_predictions: whether restored pictures are kept.
    """

    jobs: tuple[Job, ...]
    settled: tuple[Settled, ...] = ()
    weights: Mapping[str, Path] | None = None
    rounds: int = ROUNDS
    notes: tuple[str, ...] = ()
    keep_predictions: bool = False

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, each once."""
        measured = [cell for job in self.jobs for cell in job.cells]
        return tuple(dict.fromkeys([*measured, *(one.cell for one in self.settled)]))

    @property
    def seconds(self) -> float:
        """Predicted wall time."""
        return predictions.total_s(self.jobs)

    @property
    def peak_bytes(self) -> int:
        """Predicted largest resident size of any worker."""
        return max((job.predicted_bytes or 0 for job in self.jobs), default=0)

    @property
    def disk_bytes(self) -> int:
        """Predicted size of what will be written."""
        pictures = sum(len(job.cells) for job in self.jobs if job.measurement == "quality")
        kept = pictures * predictions.PREDICTION_BYTES if self.keep_predictions else 0
        return len(self.cells) * predictions.CELL_BYTES + kept


def plan(
    models: Sequence[str],
    measurements: Sequence[str],
    *,
    dataset: Dataset | None = None,
    protocol_names: Sequence[str] | None = None,
    device: str = "cpu",
    runtimes: Sequence[str] = ("published",),
    precisions: Sequence[str] = ("fp32",),
    size: tuple[int, int] | None = None,
    threads: int | None = None,
    rounds: int | None = None,
    tier: str | None = None,
    images: int | None = None,
    weights: Mapping[str, Path] | None = None,
    keep_predictions: bool = False,
) -> Plan:
    """Span the cells of a request and group them into jobs.

    Args:
        models: registered names, or module:factory.
        measurements: any of `KINDS`.
        dataset: indexed pictures; needed for quality, and the first of them is what latency is measured on.
        protocol_names: protocols for quality; the default protocol if None.
        device: "cpu" or "cuda".
        runtimes: forms of the networks, see `bench.records.forms`.
        precisions: number formats.
        size: frame rows and columns of latency and memory; None for the data set's, else the paper's.
            Complexity is counted at `size` too, but at the paper's frame if None, whatever the data set.
        threads: CPU threads; None for the usable cores.
        rounds: interleaved latency rounds; None for the tier's, else 5.
        tier: name of a tier, whose limits then hold on images, rounds and slow methods; None for no limits.
        images: at most so many images are judged per protocol; None for the tier's limit.
        weights: file per model instead of the shipped one.
        keep_predictions: keep restored pictures under `<out>/predictions`.

    Raises:
        InputError: an unknown name, quality without pictures, or no picture that a protocol would take.
    """
    chosen = _check(models, measurements, size)
    limits = TIERS[tier] if tier else None
    request = Request(
        dataset=dataset,
        protocols=tuple(protocols.get(name).name for name in protocol_names or (protocols.default().name,)),
        device=device,
        forms=tuple(product(runtimes, precisions)),
        size=size or (frame_size(dataset) if dataset else None) or FULL_SIZE,
        threads=threads or usable_cores(),
        tier=limits,
        weights=weights or {},
        images=images or (limits.images if limits else None),
    )
    count = rounds or (limits.rounds if limits else ROUNDS)
    jobs: list[Job] = []
    settled: list[Settled] = []
    notes: list[str] = []
    if "complexity" in chosen:
        jobs += request.complexity(models, size or FULL_SIZE)
    if "kernels" in chosen:
        jobs += request.kernels(models)
    costs = [kind for kind in ("latency", "memory") if kind in chosen]
    if costs:
        some, ended = request.costs(models, costs, count)
        jobs, settled = jobs + some, settled + ended
    if "quality" in chosen:
        some, ended, notes = request.quality(models)
        jobs, settled = jobs + some, settled + ended
    return Plan(tuple(jobs), tuple(settled), weights or {}, count, tuple(notes), keep_predictions)


def merge(plans: Iterable[Plan]) -> Plan:
    """Join plans into one, in their order; a cell that two of them span is measured once."""
    plans = tuple(plans)
    if not plans:
        raise ValueError("no plans to merge")
    seen: set[tuple[Cell, int, bool]] = set()
    jobs = []
    for job in (job for one in plans for job in one.jobs):
        fresh = [i for i, cell in enumerate(job.cells) if (cell, job.round, job.twin) not in seen]
        seen |= {(job.cells[i], job.round, job.twin) for i in fresh}
        if fresh:
            jobs.append(job.only(fresh))
    settled = tuple(dict.fromkeys(end for one in plans for end in one.settled))
    notes = tuple(dict.fromkeys(note for one in plans for note in one.notes))
    return replace(plans[0], jobs=tuple(jobs), settled=settled, notes=notes)


def _check_own(model: str) -> None:
    """Refuse a user's model whose package cannot be found; only a worker imports it."""
    if ":" not in model:
        return
    package = model.partition(":")[0].partition(".")[0]
    here = Path.cwd() / package
    found = here.is_dir() or here.with_suffix(".py").is_file()
    if not found and (not package.isidentifier() or importlib.util.find_spec(package) is None):
        raise InputError(f"cannot find the package {package!r} of the model {model!r}: run from its folder")


def _check(models: Sequence[str], measurements: Sequence[str], size: tuple[int, int] | None) -> set[str]:
    if not models:
        raise InputError("no model is named: give --models with names that 'llbench models' lists")
    for model in models:
        baselines.spec(model)
        _check_own(model)
    unknown = sorted(set(measurements) - set(KINDS))
    if unknown or not measurements:
        raise InputError(f"no measurement is called {unknown}: choose from {', '.join(KINDS)}")
    if set(measurements) == {"kernels"} and UNPACKING not in models:
        raise InputError(f"kernels are those of {UNPACKING}: name it among --models")
    if size is not None and (min(size) < 16 or size[0] % 2 or size[1] % 2):
        raise InputError(
            f"no frame can be {size[0]}x{size[1]}: rows and columns must be even and at least 16"
        )
    return set(measurements)


def resolutions() -> tuple[tuple[int, int], ...]:
    """Frames of a resolution sweep: 0.5 to 48 MP in shape 2:3, sides multiples of 32, and the paper's."""
    millions = (0.5, 1, 2, 4, 8, 16, 24, 36, 48)
    sides = [round(math.sqrt(pixels * 1e6 / 1.5) / 32) * 32 for pixels in millions]
    return tuple(sorted([*((side, side * 3 // 2 // 32 * 32) for side in sides), FULL_SIZE]))


def thread_counts() -> tuple[int, ...]:
    """Thread counts of a sweep: powers of two below the usable cores, and all of them."""
    cores = usable_cores()
    return tuple(sorted({*(1 << power for power in range(cores.bit_length()) if 1 << power < cores), cores}))
