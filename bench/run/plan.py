"""Which cells a request spans, which jobs measure them and in which order, and what that will take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import baselines
from baselines.own import check_name
from bench.records import protocols
from bench.records.forms import PRECISIONS, RUNTIMES
from bench.run import predictions
from bench.run.request import KINDS, ROUNDS
from bench.run.span import UNPACKING, Span, run_of, with_twins
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from bench.data.folder.pairs import Dataset
    from bench.records.cells import Cell
    from bench.records.jobs import Job
    from bench.run.request import Request
    from bench.run.span import Settled

COSTS: tuple[Literal["latency", "memory"], ...] = ("latency", "memory")


@dataclass(frozen=True)
class Plan:
    """What will be measured.

    Attributes:
        jobs: one per worker process, without the A/A twins; `left` gives them in the order in which they run.
        settled: cells that need no worker.
        weights: file per model that was given instead of the shipped one.
        rounds: interleaved rounds of latency.
        notes: what a user should know about the plan, one line each.
        keep_predictions: whether restored images are kept.
        paired: interleaved runs that have rounds in another part of a divided plan, see `with_twins`.
    """

    jobs: tuple[Job, ...]
    settled: tuple[Settled, ...] = ()
    weights: Mapping[str, Path] | None = None
    rounds: int = ROUNDS
    notes: tuple[str, ...] = ()
    keep_predictions: bool = False
    paired: frozenset[object] = frozenset()

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, each once."""
        measured = [cell for job in self.jobs for cell in job.cells]
        return tuple(dict.fromkeys([*measured, *(one.cell for one in self.settled)]))

    def left(self, stands: Callable[[Job, int], bool] = lambda *_: False) -> list[Job]:
        """Jobs in the order in which they run, rounds of latency interleaved and with their A/A twins.

        Args:
            stands: whether the result of a job's cell of a number already exists; such cells are left out,
                and a twin is chosen among the rest.
        """
        jobs = []
        for job in self.jobs:
            missing = [index for index in range(len(job.cells)) if not stands(job, index)]
            if missing:
                jobs.append(job if len(missing) == len(job.cells) else job.only(missing))
        first = next((index for index, job in enumerate(jobs) if job.measurement == "latency"), 0)
        others = [job for job in jobs if job.measurement != "latency"]
        latency = with_twins([job for job in jobs if job.measurement == "latency"], self.in_rounds)
        return [*others[:first], *latency, *others[first:]]

    def only(self, wanted: Callable[[Cell, int], bool]) -> Plan:
        """Keep what is wanted of the jobs, by cell and number of the round."""
        cut = [
            job.only([i for i, cell in enumerate(job.cells) if wanted(cell, job.round)]) for job in self.jobs
        ]
        return self.part(job for job in cut if job.cells)

    def part(self, jobs: Iterable[Job]) -> Plan:
        """Return the plan with some of its jobs alone."""
        return replace(self, jobs=tuple(jobs), paired=self.in_rounds)

    @property
    def in_rounds(self) -> frozenset[object]:
        """Interleaved runs in which something is timed in several rounds, in this part or another."""
        own = {run_of(job) for job in self.jobs if job.measurement == "latency" and not job.single_pass}
        return self.paired | own

    @property
    def seconds(self) -> float:
        """Predicted wall time."""
        return predictions.total_s(tuple(self.left()))

    @property
    def peak_bytes(self) -> int:
        """Predicted largest resident size of any worker."""
        return max((job.predicted_bytes or 0 for job in self.jobs), default=0)

    @property
    def disk_bytes(self) -> int:
        """Predicted size of what will be written."""
        images = sum(len(job.cells) for job in self.jobs if job.measurement == "quality")
        kept = images * predictions.PREDICTION_BYTES if self.keep_predictions else 0
        return len(self.cells) * predictions.CELL_BYTES + kept


def plan(asked: Request) -> Plan:
    """Span the cells of a request and group them into jobs.

    Raises:
        InputError: an unknown name, quality without images, or no image that a protocol would use.
    """
    _check(asked)
    return _merged([_one(request) for request in asked.swept()])


def _one(asked: Request) -> Plan:
    span, kinds = Span(asked), asked.kinds
    jobs: list[Job] = []
    settled: list[Settled] = []
    notes: list[str] = []
    if "complexity" in kinds:
        jobs += span.complexity()
    if "kernels" in kinds:
        jobs += span.kernels()
    costs = [kind for kind in COSTS if kind in kinds]
    if costs:
        some, ended = span.costs(costs)
        jobs, settled = jobs + some, settled + ended
    if "profile" in kinds:
        some, ended = span.profiles()
        jobs, settled = jobs + some, settled + ended
    if "quality" in kinds:
        some, ended, notes = span.quality()
        jobs, settled = jobs + some, settled + ended
    return Plan(
        tuple(jobs),
        tuple(settled),
        asked.weights,
        asked.count,
        tuple(notes),
        asked.predictions or asked.tier is not None,
    )


def stressed(wanted: Plan, asked: Request, dataset: Dataset) -> Plan:
    """Add to a plan the scoring of methods that are not slow on a stress set, under the default protocol."""
    fast = Span(asked).fast()
    if not fast:
        return wanted
    judged_by = (protocols.default().name,)
    more = replace(asked, models=fast, measurements=("quality",), dataset=dataset, protocols=judged_by)
    return _merged([wanted, plan(more)])


def _merged(plans: Sequence[Plan]) -> Plan:
    """Join the plans of a sweep; a cell that two of them span is measured once."""
    seen: set[tuple[Cell, int]] = set()
    jobs = []
    for job in (job for one in plans for job in one.jobs):
        fresh = [i for i, cell in enumerate(job.cells) if (cell, job.round) not in seen]
        seen |= {(job.cells[i], job.round) for i in fresh}
        if fresh:
            jobs.append(job.only(fresh))
    settled = tuple(dict.fromkeys(end for one in plans for end in one.settled))
    notes = tuple(dict.fromkeys(note for one in plans for note in one.notes))
    return replace(plans[0], jobs=tuple(jobs), settled=settled, notes=notes)


def _check(asked: Request) -> None:
    if not asked.methods:
        raise InputError("no model was given: use --models with names that 'llbench models' lists")
    for model in asked.methods:
        baselines.spec(model)
        check_name(model)  # only a worker imports it
    _known(asked.kinds, KINDS, "--measure")
    _known(asked.runtimes, RUNTIMES, "--runtime")
    _known(asked.precisions, PRECISIONS, "--precision")
    for name in asked.protocols:
        protocols.get(name)
    if set(asked.kinds) == {"kernels"} and UNPACKING not in asked.methods:
        raise InputError(f"kernels belong to {UNPACKING}: add it to --models")
    size = asked.size
    if size is not None and (min(size) < 16 or size[0] % 2 or size[1] % 2):
        raise InputError(
            f"the frame size cannot be {size[0]}x{size[1]}: rows and columns must be even and at least 16"
        )


def _known(given: Sequence[str], known: Sequence[str], option: str) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise InputError(f"{option} {unknown[0]!r}: choose from {', '.join(known)}")
