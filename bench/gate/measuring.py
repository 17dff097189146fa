"""Measure two revisions for the gate, or one beside the reference workload, into result files.

`<out>/base` and `<out>/head` are results folders like any other. Samples of the two that stand at the same
place of the same round of the same run were taken next to each other.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Self

from bench.gate import fixed_scenes, instructions
from bench.gate.comparison import LEAST_SETS
from bench.gate.seats import Nursery, Occupant, Seat, SeatError
from bench.gate.sequence import Cadence, Sitting
from bench.gate.shares import Share
from bench.machine.environment import machine, moment
from bench.records import protocols, provenance, store
from bench.records.cells import REFERENCE, Cell, Record
from bench.run.turns import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    from bench.data.folder.pairs import Pair
    from bench.gate.comparison import Comparison
    from bench.gate.trees import Tree

OUTPUTS = "outputs"
MEMORY_SEATS = 3
# Seats of a set: head, base and its twin (or the head, its twin and the reference workload).
THREE = 3
# Where a fifth of an attempt has fewer turns than these, it is spent on the fewest sets. Each set costs the
# start of three processes. In a simulation of two shared cores (0.8 % between processes, 3 % between turns)
# five sets of six turns call half of the revisions that do not differ equivalent, eight of two next to
# none, and of those slowed by 5 % they find 34 of 60 against 18.
CYCLES = 12
# An attempt has fewer sets where starting their processes makes it so many times as long as its turns.
SLOWEST_START = 3


class Measuring:
    """One run of the gate, in as many attempts as its verdicts ask for; a context, which ends its processes.

    Args:
        comparison: what to measure.
        head: the revision under test.
        base: what it is compared with; None to measure the head beside the reference workload.
        out: a folder for `base`, `head` and `also`, results folders.
        say: is called with one line about each step.
        also: a second base.
    """

    def __init__(
        self,
        comparison: Comparison,
        head: Tree,
        base: Tree | None,
        out: Path,
        say: Callable[[str], None],
        also: Tree | None = None,
    ) -> None:
        self._comparison = comparison
        sides = {"head": head, "base": base, "also": also}
        self._sides = {side: tree for side, tree in sides.items() if tree is not None}
        self._lost: set[str] = set()
        self._out = out.absolute()  # seats stand elsewhere, and a user's code may wander
        self._say = say
        self._run = secrets.token_hex(8)
        self._machine = machine()
        self._shares: dict[tuple[str, str], Share] = {}
        self._attempts = 0
        self._nursery = Nursery(comparison.threads)

    def __enter__(self) -> Self:
        self._nursery.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._nursery.__exit__(kind, error, trace)

    def attempt(self, models: Sequence[str]) -> None:
        """Measure models; later attempts add to what the earlier ones found.

        A model that cannot be measured on a side leaves records that say why; what was measured before stays
        where it was not the head that failed.
        """
        self._attempts += 1
        for model in models:
            while not self._try(model, self._measure):
                pass

    def look_again(self, models: Sequence[str]) -> None:
        """Add the peak memory of more processes to what was found of some models."""
        for model in models:
            while not self._try(
                model, lambda model: self._look_at(model, self._occupants(model), again=True)
            ):
                pass

    def _try(self, model: str, measure: Callable[[str], None]) -> bool:
        """Measure a model; False if the second base failed; the model is then tried again without it."""
        try:
            measure(model)
        except SeatError as error:
            self._fail(model, error)
            if error.label == "also":
                self._lost.add(model)
                return False
        return True

    def _measure(self, model: str) -> None:
        occupants = self._occupants(model)
        if self._attempts == 1:
            self._look_at(model, occupants)
        if "latency" not in self._comparison.measures:
            return
        self._share(model, "head").cut_short = None
        # About so long for three in turns; each has as many of a fourth beside it.
        sets, seconds = self._comparison.sets, self._comparison.seconds * max(len(occupants), THREE) / THREE
        late = time.monotonic() + SLOWEST_START * seconds
        for number in range(sets):
            if number == 1 and self._cycles(model) < CYCLES:
                sets = LEAST_SETS
            over = seconds <= 0 or time.monotonic() > late
            if number >= sets or (over and number >= LEAST_SETS):
                break  # slow calls, or a busy machine: fewer sets rather than more time
            self._say(f"{model}: attempt {self._attempts}, set {number + 1} of {sets}")
            left = LEAST_SETS if number == 0 else sets - number
            seconds -= self._one_set(model, occupants, max(seconds / left, 0.0), first=number == 0)

    def _cycles(self, model: str) -> int:
        return len(self._share(model, "head").samples[-1])

    def _occupants(self, model: str) -> dict[str, Occupant]:
        cell, weights = self._comparison.cell(model), self._comparison.weights.get(model, "shipped")
        found = {side: Occupant(side, tree, cell, weights) for side, tree in self._sides.items()}
        if model in self._lost:
            del found["also"]
        twin = "base" if "base" in self._sides else "head"
        found["twin"] = replace(found[twin], label="twin")
        if "base" not in self._sides:
            found["reference"] = replace(
                found["head"], label="reference", cell=self._comparison.cell(REFERENCE), weights="none"
            )
        return found

    def _one_set(self, model: str, occupants: dict[str, Occupant], seconds: float, *, first: bool) -> float:
        """Measure one set; returns the seconds that its turns took."""
        number = len(self._share(model, "head").samples)
        labels = list(occupants)
        order = labels[number % len(labels) :] + labels[: number % len(labels)]
        before = moment()
        cadence = Cadence(seconds)
        seats = {label: Sitting(occupants[label], self._nursery, cadence) for label in order}
        side_by_side(list(seats.values()))
        spent = cadence.spent_s
        for label in labels:
            owner, seat = self._share(model, self._owner(label)), seats[label]
            owner.opened(seat.opened, before)
            if label in {"twin", "reference"}:
                (owner.twin if label == "twin" else owner.reference).append(seat.samples)
                continue
            owner.cold_s.append(seat.opened["cold_s"])
            owner.samples.append(seat.samples)
            owner.calls.append(cadence.calls)
            owner.firsts += [number] if first else []
        for side in {self._owner(label) for label in labels}:
            self._write(side, self._share(model, side).latency())
        return spent

    def _look_at(self, model: str, occupants: dict[str, Occupant], *, again: bool = False) -> None:
        """Measure what needs no turns: peak memory, counts, images; of these only memory once more."""
        wanted = {"memory"} if again else set(self._comparison.measures)
        pairs = fixed_scenes.scenes() if "quality" in wanted else []
        seats = MEMORY_SEATS if "memory" in wanted else int(bool({"complexity", "quality"} & wanted))
        sides = [side for side in self._sides if side in occupants]
        what = "memory again" if again else "memory, counts and images"
        for number in range(seats):
            for side in sides:
                self._say(f"{model}: {what}, {side}, {number + 1} of {seats}")
                before = moment()
                seat = Seat(replace(occupants[side], for_memory=True), self._nursery)
                seat.wait()
                share = self._share(model, side)
                share.opened(seat.opened, before)
                share.peaks.append(seat.opened["memory"])
                if number == 0 and not again:
                    self._count_and_restore(share, seat, side, pairs)
                seat.close()
        for side in sides if "memory" in wanted else ():
            self._write(side, self._share(model, side).memory())

    def _count_and_restore(self, share: Share, seat: Seat, side: str, pairs: Sequence[Pair]) -> None:
        if "complexity" in self._comparison.measures:
            height, width = self._comparison.size
            cell = Cell(share.cell.model, "complexity", height=height, width=width)
            counted = seat.ask(do="count", cell=asdict(cell))
            if self._comparison.instructions:
                self._say(f"counting instructions, {side} (minutes)")
                counted["instructions"] = instructions.count(self._sides[side].paths)
            self._write(side, share.record(cell, counted))
        for pair in pairs:
            self._write(side, self._restored(share, seat, side, pair))

    def _restored(self, share: Share, seat: Seat, side: str, pair: Pair) -> Record:
        height, width = fixed_scenes.SIZE
        cell = replace(
            share.cell, measurement="quality", dataset=fixed_scenes.NAME, protocol=protocols.default().name,
            image=pair.name, height=height, width=width,
        )  # fmt: skip
        image = outputs(self._out, side, share.cell.model) / f"{pair.name}.npy"
        values = seat.ask(
            do="restore", short=str(pair.short), long=str(pair.long), ratio=pair.ratio, image=str(image)
        )
        record = share.record(cell, values)
        record.provenance["synthetic"] = True
        return record

    def _owner(self, label: str) -> str:
        """Name the share that a seat's samples go to."""
        return label if label in self._sides else "base" if "base" in self._sides else "head"

    def _share(self, model: str, side: str) -> Share:
        key = (model, side)
        if key not in self._shares:
            tree = self._sides[side]
            origin = {
                **provenance.base(),
                "code_sha256": None,
                "data_sha256": None,
                "settings": {},
                **tree.revision,
            }
            self._shares[key] = Share(self._comparison.cell(model), self._run, dict(self._machine), origin)
        return self._shares[key]

    def _fail(self, model: str, error: SeatError) -> None:
        side = self._owner(error.label)
        self._say(f"{model}: {error}")
        now = {"before": moment(), "after": moment()}
        share, head = self._share(model, side), self._share(model, "head")
        share.environment = {**now, **share.environment}
        if side == "also" and share.samples:
            return
        if head.samples and (side == "base" or error.label == "reference"):
            # What was found of the head does not rest on whether the other side can be measured once more.
            head.cut_short = f"{error.label}: {error.status}: {error.reason}"
            self._write("head", head.latency())
            return
        hint = self._sides[side].hint
        reason = f"{error.reason}; {hint}" if hint else error.reason
        lacking = {"lacks": error.lacks} if error.lacks else {}
        done = {"memory"} if len(share.peaks) >= MEMORY_SEATS else set()
        kinds = [kind for kind in ("latency", "memory") if kind in set(self._comparison.measures) - done]
        for measurement in kinds or ["latency"]:
            cell = replace(share.cell, measurement=measurement)
            whose = "the reference workload: " if error.label == "reference" else ""
            self._write(side, share.record(cell, lacking, error.status, f"{whose}{reason}"))

    def _write(self, side: str, record: Record) -> None:
        store.write(self._out / side, record)


def outputs(out: Path, side: str, model: str) -> Path:
    """Folder of the images that a side's model made of the scenes."""
    return out / side / OUTPUTS / model.replace(":", "-")
