"""Incomplete latency cells: what each process of an interleaved run contributed.

A run that is measured in stages has the first round before the others: its records are written again with
each stage, and say in their settings how many rounds they hold, so that none is mistaken for a complete one.

Every contribution is stored as soon as it exists, so that an interrupted run is continued at the first
round that is not complete: ratios between methods are made round by round, and a round that was split by
an interruption would compare a machine with itself at another time.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from bench.records import store
from bench.records.cells import Cell, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from bench.records.jobs import Job

FOLDER = "rounds"
# What the first process says of all.
KEPT = ("computes", "note", "banded", "page_faults")


@dataclass(frozen=True)
class Contribution:
    """What one process contributed to a cell: its round, whether as the A/A twin, and what it measured."""

    round: int
    twin: bool
    record: Record


class Rounds:
    """The rounds of all latency cells of one interleaved run.

    Args:
        jobs: all jobs of the run, in order; those of other measurements have no rounds.
        out: the results folder.
        stands: whether a stored contribution was made from the same code, weights and data as a job would.
    """

    def __init__(self, jobs: Sequence[Job], out: Path, stands: Callable[[Job, Record], bool]) -> None:
        self.run = secrets.token_hex(6)
        self._folder = out / FOLDER
        self._jobs = [job for job in jobs if job.measurement == "latency"]
        self._expected: dict[Cell, set[tuple[int, bool]]] = {}
        for job in self._jobs:
            self._expected.setdefault(job.cell, set()).add((job.round, job.twin))
        self._shares: dict[Cell, list[Contribution]] = {cell: [] for cell in self._expected}
        self._planned = {job.cell: job.rounds for job in jobs}
        self._twin_reason: dict[Cell, str] = {}
        self._take_up(self._jobs, stands)

    def left(self, jobs: Iterable[Job]) -> list[Job]:
        """Leave out latency cells whose contribution is stored; a memory cell of the same job may be left."""
        cut = [job.only(range(1, len(job.cells))) if self._has(job) else job for job in jobs]
        return [job for job in cut if job.cells]

    def wants(self, job: Job) -> bool:
        """Whether a job still counts: in no earlier round did its cell fail, or prove too slow to repeat."""
        return job.cell in self._shares and (job.round, job.twin) in self._due(job.cell)

    def add(self, job: Job, record: Record) -> Record | None:
        """Take what a process measured; returns the cell's record once it is finished, or has failed."""
        cell = job.cell
        if record.status != "ok" and not job.twin:
            self._drop(cell)
            return replace(record, reason=f"round {job.round + 1}: {record.reason}")
        if record.status == "ok":
            self._shares[cell].append(Contribution(job.round, job.twin, record))
            self._keep(cell)
        else:
            # The cell's own measurement stands: what failed is a second look at the same thing.
            self._twin_reason[cell] = f"round {job.round + 1}: {record.status}: {record.reason}"
        return self._finish(cell) if self._complete(cell) else None

    def complete(self) -> list[tuple[Job, Record]]:
        """Complete the cells whose contributions were all stored when a run was interrupted."""
        jobs = {job.cell: job for job in reversed(self._jobs)}
        return [(jobs[cell], self._finish(cell)) for cell in self._shares if self._complete(cell)]

    def close(self, cell: Cell) -> None:
        """Forget the contributions to a cell whose record is stored, unless more rounds are to follow."""
        if cell in self._shares and not self._more_follow(cell):
            self._drop(cell)

    def _more_follow(self, cell: Cell) -> bool:
        """Whether a later stage of the run measures more rounds of a cell."""
        own = [share for share in self._shares[cell] if not share.twin]
        once = any(share.record.values["single_pass"] for share in own)
        return 0 < len({share.round for share in own}) < self._planned[cell] and not once

    def _complete(self, cell: Cell) -> bool:
        return {(share.round, share.twin) for share in self._shares[cell]} >= self._due(cell)

    def _due(self, cell: Cell) -> set[tuple[int, bool]]:
        """Name the rounds that a cell needs: all, or the first if it is slow; no twin once one has failed."""
        due = self._expected[cell]
        if any(share.record.values["single_pass"] for share in self._shares[cell]):
            first = min(number for number, _ in due)
            due = {(number, twin) for number, twin in due if number == first}
        if cell in self._twin_reason:
            due = {(number, twin) for number, twin in due if not twin}
        return due

    def _has(self, job: Job) -> bool:
        return any(
            (share.round, share.twin) == (job.round, job.twin) for share in self._shares.get(job.cell, ())
        )

    def _take_up(self, jobs: Sequence[Job], stands: Callable[[Job, Record], bool]) -> None:
        runs: Counter[str] = Counter()
        stored: list[tuple[str, Cell, Contribution]] = []
        for cell, example in {job.cell: job for job in jobs}.items():
            for run, share in self._stored(cell):
                if stands(example, share.record):
                    runs[run] += 1
                    stored.append((run, cell, share))
        if not runs:
            return
        self.run = runs.most_common(1)[0][0]
        for run, cell, share in stored:
            if run == self.run:
                self._shares[cell].append(share)
        self._forget_incomplete(jobs)

    def _forget_incomplete(self, jobs: Sequence[Job]) -> None:
        for number in sorted({job.round for job in jobs}):
            if all(self._has(job) for job in jobs if job.round == number and self.wants(job)):
                continue
            for cell, shares in self._shares.items():
                self._shares[cell] = [share for share in shares if share.round < number]
            return

    def _stored(self, cell: Cell) -> list[tuple[str, Contribution]]:
        try:
            raw = json.loads((self._folder / store.file_name(cell)).read_text(encoding="utf-8"))
            return [
                (
                    raw["run"],
                    Contribution(one["round"], one["twin"], Record(**{**one["record"], "cell": cell})),
                )
                for one in raw["shares"]
            ]
        except (OSError, ValueError, LookupError, TypeError):
            # Absent, or not whole: what it held is measured again.
            return []

    def _keep(self, cell: Cell) -> None:
        shares = [asdict(share) for share in self._shares[cell]]
        text = json.dumps({"run": self.run, "shares": shares}, allow_nan=False)
        store.replace(self._folder / store.file_name(cell), text)

    def _drop(self, cell: Cell) -> None:
        del self._shares[cell]
        with contextlib.suppress(OSError):
            (self._folder / store.file_name(cell)).unlink(missing_ok=True)
            self._folder.rmdir()

    def _finish(self, cell: Cell) -> Record:
        own = [share for share in self._shares[cell] if not share.twin]
        twin = [share for share in self._shares[cell] if share.twin]
        first = own[0].record
        values: dict[str, Any] = {
            **_joined(own),
            "run": self.run,
            "single_pass": first.values["single_pass"],
            "cold_s": first.values["cold_s"],
            "cold_samples_s": [share.record.values["cold_s"] for share in own],
            "run_peak_samples_bytes": [share.record.values.get("run_peak_bytes") for share in own],
            "scopes": _joined_scopes(share.record for share in own),
            **{key: first.values[key] for key in KEPT if key in first.values},
        }
        values |= {f"twin_{key}": value for key, value in _joined(twin).items()} if twin else {}
        if cell in self._twin_reason:
            values["twin_reason"] = self._twin_reason[cell]
        moments = [
            {"round": share.round, **{key: share.record.environment[key] for key in ("before", "after")}}
            for share in own
        ]
        constant = {key: part for key, part in first.environment.items() if key not in {"before", "after"}}
        return Record(
            cell,
            "ok",
            values=values,
            environment={**constant, "rounds": moments},
            provenance=self._origin(cell, first),
        )

    def _origin(self, cell: Cell, first: Record) -> dict[str, Any]:
        if not self._more_follow(cell):
            return first.provenance
        there = len({share.round for share in self._shares[cell]})
        return {**first.provenance, "settings": {**first.provenance.get("settings", {}), "rounds": there}}


def _joined(shares: Sequence[Contribution]) -> dict[str, list[Any]]:
    joined: dict[str, list[Any]] = {"samples_s": [], "round": [], "turn": []}
    for share in shares:
        samples = share.record.values["samples_s"]
        joined["samples_s"] += samples
        joined["round"] += [share.round] * len(samples)
        joined["turn"] += share.record.values["turn"]
    return joined


def _joined_scopes(records: Iterable[Record]) -> dict[str, list[float]]:
    joined: dict[str, list[float]] = {}
    for record in records:
        for name, times in record.values["scopes"].items():
            joined.setdefault(name, []).extend(times)
    return joined
