"""Latency cells in the making: what each process of an interleaved run contributed, put together at the end."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bench.cells import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.cells import Cell
    from bench.jobs import Job


@dataclass
class _Shares:
    """Contributions to one cell."""

    expected: int
    own: list[tuple[int, Record]] = field(default_factory=list)
    twin: list[tuple[int, Record]] = field(default_factory=list)
    twin_reason: str | None = None


class Rounds:
    """Collects the rounds of all latency cells of one execution, which is one interleaved run."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.run = secrets.token_hex(6)
        counts = Counter(job.cell for job in jobs if job.measurement == "latency")
        self._shares = {cell: _Shares(count) for cell, count in counts.items()}

    def wants(self, job: Job) -> bool:
        """Whether a latency job still counts: its cell has not failed, nor proved to be slow, in an earlier round."""
        shares = self._shares.get(job.cell)
        if shares is None:
            return False
        slow = any(record.values["single_pass"] for _, record in shares.own)
        return not (slow or (job.twin and shares.twin_reason))

    def add(self, job: Job, record: Record) -> Record | None:
        """Take what a process measured; returns the cell's record once it is finished, or has failed."""
        shares = self._shares[job.cell]
        if record.status == "ok":
            (shares.twin if job.twin else shares.own).append((job.round, record))
        elif job.twin:
            # The cell's own measurement stands: what failed is a second look at the same thing.
            shares.twin_reason = f"round {job.round + 1}: {record.status}: {record.reason}"
        else:
            del self._shares[job.cell]
            return replace(record, reason=f"round {job.round + 1}: {record.reason}")
        shares.expected -= 1
        slow = bool(shares.own) and shares.own[-1][1].values["single_pass"]
        return self._finish(job.cell) if shares.expected <= 0 or slow else None

    def _finish(self, cell: Cell) -> Record:
        shares = self._shares.pop(cell)
        first = shares.own[0][1]
        values: dict[str, Any] = {
            **_joined(shares.own),
            "run": self.run,
            "single_pass": first.values["single_pass"],
            "cold_s": first.values["cold_s"],
            "cold_samples_s": [record.values["cold_s"] for _, record in shares.own],
            "scopes": _joined_scopes(record for _, record in shares.own),
        }
        if shares.twin:
            values |= {f"twin_{key}": value for key, value in _joined(shares.twin).items()}
        if shares.twin_reason:
            values["twin_reason"] = shares.twin_reason
        moments = [
            {"round": number, "before": record.environment["before"], "after": record.environment["after"]}
            for number, record in shares.own
        ]
        environment = {
            key: value for key, value in first.environment.items() if key not in {"before", "after"}
        }
        return Record(
            cell,
            "ok",
            values=values,
            environment={**environment, "rounds": moments},
            provenance=first.provenance,
        )


def _joined(shares: list[tuple[int, Record]]) -> dict[str, list[Any]]:
    samples = [(number, time) for number, record in shares for time in record.values["samples_s"]]
    return {"samples_s": [time for _, time in samples], "round": [number for number, _ in samples]}


def _joined_scopes(records: Iterable[Record]) -> dict[str, list[float]]:
    joined: dict[str, list[float]] = {}
    for record in records:
        for name, times in record.values["scopes"].items():
            joined.setdefault(name, []).extend(times)
    return joined
