"""From a request to jobs: which cells it spans, which of them exist, and how they share worker processes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Literal

import baselines
from baselines.registry import without_weights
from bench.data.folder.sampling import spread
from bench.data.folder.subsets import select
from bench.machine.wording import plural
from bench.records import protocols
from bench.records.cells import Cell
from bench.records.forms import why_unsupported
from bench.records.jobs import ExposurePair, Job
from bench.run import predictions
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from bench.data.folder.pairs import Dataset, Pair
    from bench.records.cells import Status
    from bench.run.request import Request

# Images, each with the name of a protocol that judges it.
Taken = list[tuple["ExposurePair", str]]
# The method whose last step, UnPack, is measured by itself.
UNPACKING = "llpacknet"
# Forms that consist of torch's own operators.
IN_TORCH = ("published", "eager")


@dataclass(frozen=True)
class Settled:
    """A cell whose status is known without measuring: it cannot exist, or lacks what it needs."""

    cell: Cell
    status: Status
    reason: str


@dataclass(frozen=True)
class Span:
    """The jobs of a request, one kind of measurement after another."""

    asked: Request

    def complexity(self) -> list[Job]:
        """One job for the registered methods together; one for each of a user's own, which may fail."""
        models, size = self.asked.methods, self.asked.counted_frame
        cells = {m: Cell(m, "complexity", height=size[0], width=size[1]) for m in models}
        shipped = tuple(cell for model, cell in cells.items() if ":" not in model)
        own = [
            Job((cell,), predicted_s=predictions.IMPORT_S) for model, cell in cells.items() if ":" in model
        ]
        together = Job(shipped, predicted_s=predictions.IMPORT_S + 0.5 * len(shipped))
        return [together, *own] if shipped else own

    def kernels(self) -> list[Job]:
        """One job for the forms of UnPack, where the method that has it is among the models."""
        if UNPACKING not in self.asked.methods:
            return []
        height, width = self.asked.frame
        cell = Cell(
            UNPACKING,
            "kernels",
            device=self.asked.device,
            precision="fp32",
            height=height,
            width=width,
            threads=self.asked.cores,
        )
        seconds, peak = predictions.kernels(height, width, self.asked.count)
        needed = peak if self.asked.device == "cpu" else None
        return [Job((cell,), rounds=self.asked.count, predicted_s=seconds, predicted_bytes=needed)]

    def costs(self, kinds: Sequence[Literal["latency", "memory"]]) -> tuple[list[Job], list[Settled]]:
        """Interleaved rounds of latency, of which the first keeps the memory of its cold call too.

        The kernel keeps that record by itself, so that one process serves both cells; memory without latency
        has a process of its own.
        """
        settled: list[Settled] = []
        jobs: list[Job] = []
        for model, (runtime, precision) in product(self.asked.methods, self.asked.forms):
            cells = [self._cost_cell(model, kind, runtime, precision) for kind in kinds]
            reason = why_unsupported(cells[0], baselines.spec(model))
            if reason:
                settled += [Settled(cell, "unsupported", reason) for cell in cells]
            else:
                jobs.append(self._cost_job(model, cells))
        if "latency" not in kinds:
            return jobs, settled
        jobs = [job if job.single_pass else replace(job, rounds=self.asked.count) for job in jobs]
        later = [replace(job, cells=job.cells[:1]) for job in jobs if not job.single_pass]
        interleaved = [replace(job, round=number) for number in range(1, self.asked.count) for job in later]
        return [_with_the_rest(job) for job in (*jobs, *interleaved)], settled

    def profiles(self) -> tuple[list[Job], list[Settled]]:
        """One job for each form whose operators torch can tell apart."""
        settled: list[Settled] = []
        jobs: list[Job] = []
        for model, (runtime, precision) in product(self.asked.methods, self.asked.forms):
            cell = self._cost_cell(model, "profile", runtime, precision)
            reason = why_unsupported(cell, baselines.spec(model)) or _why_no_profile(cell)
            if reason:
                settled.append(Settled(cell, "unsupported", reason))
                continue
            one = self._pass(model, self.asked.frame)
            seconds = predictions.profile_s(one, runtime, precision) if one else None
            jobs.append(replace(self._cost_job(model, [cell]), single_pass=False, predicted_s=seconds))
        return jobs, settled

    def _cost_cell(
        self, model: str, kind: Literal["latency", "memory", "profile"], runtime: str, precision: str
    ) -> Cell:
        return Cell(
            model,
            kind,
            device=self.asked.device,
            runtime=runtime,
            precision=precision,
            height=self.asked.frame[0],
            width=self.asked.frame[1],
            threads=self.asked.cores,
        )

    def _cost_job(self, model: str, cells: Sequence[Cell]) -> Job:
        one = self._pass(model, self.asked.frame)
        slow = self._is_slow(one, once=True)
        limits = self.asked.limits
        brief = limits is not None and limits.brief
        return Job(
            cells=tuple(cells),
            images=images(self.asked.dataset, self.asked.dataset.pairs[:1]) if self.asked.dataset else (),
            weights=weights_choice(model, self.asked.weights),
            single_pass=slow,
            slow_pass_s=limits.slow_pass_s if limits else None,
            brief=brief,
            predicted_s=self._cost_s(one, cells[0], slow=slow, brief=brief) if one else None,
            predicted_bytes=one.peak_bytes if one and self.asked.device == "cpu" else None,
            synthetic=self.asked.dataset.synthetic if self.asked.dataset else None,
            recipe=self.asked.dataset.recipe if self.asked.dataset else None,
        )

    @staticmethod
    def _cost_s(one: predictions.Pass, cell: Cell, *, slow: bool, brief: bool) -> float:
        formed, building = predictions.in_form(one, cell.runtime, cell.precision)
        if cell.measurement == "memory":
            return predictions.IMPORT_S + building + formed.seconds
        return building + predictions.latency_s(formed, single_pass=slow, brief=brief)

    def fast(self) -> list[str]:
        """Methods that are scored in full and timed repeatedly, by the predicted time of their passes."""
        size = self.asked.image_size or self.asked.frame
        return [model for model in self.asked.methods if not self._is_slow(self._pass(model, size))]

    def quality(self) -> tuple[list[Job], list[Settled], list[str]]:
        """One job per method and form, with the cells of all images and protocols, image by image."""
        dataset = self.asked.dataset
        if dataset is None:
            raise InputError(
                "quality needs images: give --dataset, or generate some with 'llbench data make'"
            )
        judged_by = self.asked.judged_by
        whole, notes = self._taken(dataset, (*judged_by, *self.asked.controlled_by), self.asked.most)
        few, _ = self._taken(dataset, judged_by, self.asked.most_of_slow)
        size = self.asked.image_size or self.asked.frame
        jobs: list[Job] = []
        settled: list[Settled] = []
        for model, (runtime, precision) in product(self.asked.methods, self.asked.forms):
            slow = self._is_slow(self._pass(model, size), once=True)
            taken = few if slow else whole
            if not baselines.spec(model).needs_gain:
                asked, taken = taken, [one for one in taken if not protocols.get(one[1]).control_of]
                if self.asked.protocols and len(taken) < len(asked):
                    notes.append(f"{model} takes no gain: it is not scored under the control protocols")
            if not taken:
                continue
            cells = [
                Cell(
                    model,
                    "quality",
                    dataset=dataset.name,
                    protocol=protocol,
                    image=image.name,
                    device=self.asked.device,
                    runtime=runtime,
                    precision=precision,
                    threads=self.asked.cores,
                )
                for image, protocol in taken
            ]
            end = self._without_quality(model, cells[0])
            if end is not None:
                settled += [Settled(cell, *end) for cell in cells]
                continue
            jobs.append(self._quality_job(model, cells, [image for image, _ in taken], size, slow=slow))
        return jobs, settled, notes

    def _taken(
        self, dataset: Dataset, judged_by: Sequence[str], limit: int | None
    ) -> tuple[Taken, list[str]]:
        """Images with the protocols that use them, sorted by image so that a worker reads each once."""
        found: Taken = []
        notes = []
        for name in judged_by:
            subset = protocols.get(name).subset
            pairs = select(dataset.pairs, subset)
            if not pairs:
                notes.append(
                    f"protocol {name} matches none of {plural(len(dataset.pairs), 'pair')} (subset {subset})"
                )
            found += [(image, name) for image in images(dataset, spread(pairs, limit))]
        if not found:
            raise InputError(f"nothing to score in {dataset.root}: {'; '.join(notes)}")
        return sorted(found, key=lambda one: one[0].name), notes

    def _without_quality(self, model: str, cell: Cell) -> tuple[Status, str] | None:
        reason = why_unsupported(cell, baselines.spec(model))
        if reason:
            return "unsupported", reason
        if weights_choice(model, self.asked.weights) == "none":
            return "skipped", without_weights(model)
        return None

    def _quality_job(
        self,
        model: str,
        cells: list[Cell],
        images: list[ExposurePair],
        size: tuple[int, int],
        *,
        slow: bool,
    ) -> Job:
        assert self.asked.dataset is not None
        part_of = self.asked.limits.part_of if self.asked.limits else None
        alone = slow and part_of is not None and restores_part(model, cells[0].runtime)
        if alone:
            size = with_margin(model, size, part_of or 1)
        one = self._pass(model, size)
        formed, building = (
            predictions.in_form(one, cells[0].runtime, cells[0].precision) if one else (None, 0.0)
        )
        return Job(
            cells=tuple(cells),
            images=tuple(images),
            weights=weights_choice(model, self.asked.weights),
            area_fraction=1.0 / (part_of or 1) ** 2 if alone else 1.0,
            part_of=part_of,
            predicted_s=building + predictions.quality_s(formed, *size, len(cells)),
            predicted_bytes=predictions.quality_bytes(one, *size) if self.asked.device == "cpu" else None,
            synthetic=self.asked.dataset.synthetic,
            recipe=self.asked.dataset.recipe,
        )

    def _pass(self, model: str, size: tuple[int, int]) -> predictions.Pass | None:
        return predictions.one_pass(model, *size, self.asked.cores)

    def _is_slow(self, one: predictions.Pass | None, *, once: bool = False) -> bool:
        """Whether a pass is predicted to take longer than the tier allows to repeat, and to score in full."""
        tier = self.asked.limits
        if tier is None:
            return False
        limit = tier.once_pass_s if once and tier.once_pass_s is not None else tier.slow_pass_s
        return limit is not None and one is not None and self.asked.device == "cpu" and one.seconds > limit


def _with_the_rest(job: Job) -> Job:
    """Give the last round of brief processes the time of what the others leave to it."""
    if not job.brief or job.single_pass or job.round < job.rounds - 1 or job.predicted_s is None:
        return job
    return replace(job, predicted_s=2 * job.predicted_s)


def _why_no_profile(cell: Cell) -> str | None:
    """Say why a form cannot be taken apart into torch's operators; None if it can."""
    if baselines.spec(cell.model).kind == "classical":
        return f"{cell.model} is a classical method: it has no torch operators to profile"
    if cell.runtime not in IN_TORCH:
        return (
            f"{cell.runtime} is a single operator to torch's profiler: {' and '.join(IN_TORCH)} can be "
            "profiled"
        )
    if cell.device != "cpu":
        return "profiles are made on the CPU only"
    return None


def restores_part(model: str, runtime: str | None = "published") -> bool:
    """Whether a method may restore only the part.

    A network without statistics of the frame gives the same result as for the whole frame, as does one whose
    only statistic is its gain if that is the whole frame's, which its published form can be given. A
    classical method estimates its illumination from what it is given, and a table says so. Any other needs
    the whole frame.
    """
    declared = baselines.spec(model)
    gained = declared.amplified_margin is not None and runtime == "published"
    return declared.tile_safe or gained or declared.kind == "classical"


def with_margin(model: str, size: tuple[int, int], part_of: int) -> tuple[int, int]:
    """Rows and columns that a method restores to have the part exactly."""
    margin = baselines.spec(model).part_margin
    return min(size[0], size[0] // part_of + 2 * margin), min(size[1], size[1] // part_of + 2 * margin)


def images(dataset: Dataset, pairs: Iterable[Pair]) -> tuple[ExposurePair, ...]:
    """Name the files of pairs of a data set as a worker needs them."""
    return tuple(
        ExposurePair(pair.name, dataset.source(pair.short), dataset.source(pair.long), pair.ratio)
        for pair in pairs
    )


def weights_choice(model: str, given: Mapping[str, Path]) -> str:
    """Return what `baselines.create` is asked for: a given file, the shipped weights, or none."""
    if model in given:
        return str(given[model])
    declared = baselines.spec(model)
    # Classical methods have nothing to load, and a user's factory decides itself.
    settled = declared.kind == "classical" or declared.weights is None
    return "shipped" if settled or baselines.weights_path(model) is not None else "none"


def with_twins(jobs: Sequence[Job], paired: Collection[object] = ()) -> list[Job]:
    """Give each interleaved run its A/A pair and its order: every other round is reversed.

    The fastest method that is timed in every round, a network if there is one, has a second process in each,
    at the other end of the round, so that changes of the machine affect their ratio as they affect that of
    two methods. There and back, a steady drift cancels out of every ratio. What is timed once goes first,
    so that the others are adjacent.

    Args:
        jobs: what is timed, each process once.
        paired: runs whose pair is one of several rounds, elsewhere if not among these jobs: in them nothing
            that is timed once has a twin, which would take as long again.
    """
    single = sorted((job for job in jobs if not job.twin), key=lambda job: job.round)
    place = {cell: index for index, cell in enumerate(dict.fromkeys(job.cell for job in single))}
    runs = {run: index for index, run in enumerate(dict.fromkeys(run_of(job) for job in single))}
    hosts: dict[tuple[object, ...], Job] = {}
    for job in single:
        if job.single_pass and run_of(job) in paired:
            continue
        best = hosts.get(run_of(job))
        if best is None or _fitness(job) < _fitness(best):
            hosts[run_of(job)] = job
    twinned = {job.cell for job in hosts.values()}
    result: list[Job] = []
    for number in sorted({job.round for job in single}):
        in_round = [job for job in single if job.round == number]
        twins = [replace(job, twin=True, cells=job.cells[:1]) for job in in_round if job.cell in twinned]
        forth = sorted(
            [*in_round, *twins],
            key=lambda job: (runs[run_of(job)], not job.single_pass, job.twin, place[job.cell]),
        )
        result += forth if number % 2 == 0 else forth[::-1]
    return result


def _fitness(job: Job) -> tuple[bool, bool, float]:
    """Sort what is repeated before what is timed once, networks before others, the fast before the slow."""
    seconds = job.predicted_s if job.predicted_s is not None else float("inf")
    return job.single_pass, baselines.spec(job.cell.model).kind != "network", seconds


def run_of(job: Job) -> tuple[object, ...]:
    """Name what the cells of one interleaved run have in common: device, frame and threads."""
    cell = job.cell
    return cell.device, cell.height, cell.width, cell.threads
