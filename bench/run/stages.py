"""Divide a plan into stages, so that its tables fill early: cheap methods first, slow ones after them.

The first stage holds every count, the first round of all methods that are timed in rounds, and whatever else
fits into its time. After each stage the caller shows the results so far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.run.predictions import total_s

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from bench.records.cells import Cell
    from bench.records.jobs import Job
    from bench.records.pending import Key
    from bench.run.plan import Plan

# What is shorter shares a stage with the next: a report, which takes some seconds, is drawn after each.
SHORT_S = 120.0


@dataclass(frozen=True)
class Stage:
    """A part of a plan that is measured before the tables are updated.

    Attributes:
        plan: that part.
    """

    plan: Plan

    @property
    def seconds(self) -> float:
        """Predicted wall time."""
        return self.plan.seconds

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods of which anything is measured."""
        return tuple(dict.fromkeys(cell.model for job in self.plan.jobs for cell in job.cells))

    def before(self, other: Stage) -> Stage:
        """Join two stages into one; what both settle is settled."""
        settled = (*self.plan.settled, *other.plan.settled)
        return Stage(replace(other.plan.part((*self.plan.jobs, *other.plan.jobs)), settled=settled))


def stages(whole: Plan, first_s: float | None, at_most_s: float = math.inf) -> list[Stage]:
    """Divide a plan; its jobs are all there, each once.

    Args:
        whole: what is to be measured.
        first_s: predicted seconds that the first stage may take; None for a single stage.
        at_most_s: seconds that it must not exceed, though rounds are then left to later stages.
    """
    if first_s is None:
        return [Stage(whole)]
    first = [job for job in whole.jobs if job.measurement == "complexity"]
    opening = [job for job in whole.jobs if _is_repeated(job) and job.round == 0]
    if _seconds(whole, [*first, *opening]) <= at_most_s:
        first += opening
    blocks = _blocks([job for job in whole.jobs if job not in first])
    first_s = min(first_s, at_most_s)
    spent = _seconds(whole, first)
    while blocks and spent + _seconds(whole, blocks[0]) <= first_s:
        spent += _seconds(whole, blocks[0])
        first += blocks.pop(0)
    parts: list[list[Job]] = [first]
    for block in blocks:
        if len(parts) > 1 and _seconds(whole, parts[-1]) < SHORT_S:
            parts[-1] += block
        else:
            parts.append(block)
    settled = [whole.settled, *[()] * (len(parts) - 1)]
    return [
        Stage(replace(whole.part(part), settled=tuple(ends)))
        for part, ends in zip(parts, settled, strict=True)
        if part or ends
    ]


def _is_repeated(job: Job) -> bool:
    return job.measurement == "latency" and not job.single_pass


def _blocks(jobs: Sequence[Job]) -> list[list[Job]]:
    """Group what belongs together: a method's cells of a kind; all interleaved rounds.

    The scores of the methods that are timed in rounds come first, since the first round has their costs; then
    what is cheapest.
    """
    repeated = {job.cell.model for job in jobs if _is_repeated(job)}
    blocks: dict[object, list[Job]] = {}
    for job in jobs:
        key = "rounds" if _is_repeated(job) else (job.cell.model, job.measurement)
        blocks.setdefault(key, []).append(job)

    def place(block: Sequence[Job]) -> tuple[bool, float]:
        completes = block[0].measurement == "quality" and block[0].cell.model in repeated
        return not completes, total_s(tuple(block))

    return sorted(blocks.values(), key=place)


def _seconds(whole: Plan, jobs: Iterable[Job]) -> float:
    return whole.part(jobs).seconds


def without(stage: Stage, ended: Collection[Cell]) -> Stage:
    """Drop the rounds of cells that have ended: what failed in the first is not tried in the others."""
    jobs = [job for job in stage.plan.jobs if job.measurement != "latency" or job.cell not in ended]
    return Stage(stage.plan.part(jobs))


def predicted(left: Iterable[Stage]) -> dict[Key, float]:
    """Predicted seconds of some stages, by measurement and method."""
    found: dict[Key, float] = {}
    for stage in left:
        for job in stage.plan.jobs:
            for cell in job.cells:
                key = (cell.measurement, cell.model)
                found[key] = found.get(key, 0.0) + total_s((job,)) / len(job.cells)
    return found
