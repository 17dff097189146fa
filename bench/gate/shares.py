"""Combine the sets of a gate's run: one record for each cell and side."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bench.machine.environment import moment
from bench.records.cells import Cell, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.records.cells import Status


@dataclass
class Share:
    """One side of one model while it is measured: what each set contributed.

    Attributes:
        cell: the latency cell; the other cells follow from it.
        run: id of the run, the same on both sides: records with the same id were measured in the same turns.
        environment: of the machine; completed by each seat.
        provenance: of the revision.
        samples: seconds per call, one list per set.
        twin: the same of the twin seat; empty for the side that has none.
        reference: the same of the reference workload that took turns with this side; empty without it.
        cut_short: why later sets are missing: another process of the run failed; None if none did.
        firsts: the number of the first set of each attempt.
    """

    cell: Cell
    run: str
    environment: dict[str, Any]
    provenance: dict[str, Any]
    samples: list[list[float]] = field(default_factory=list)
    twin: list[list[float]] = field(default_factory=list)
    reference: list[list[float]] = field(default_factory=list)
    cut_short: str | None = None
    firsts: list[int] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    cold_s: list[float] = field(default_factory=list)
    peaks: list[dict[str, Any]] = field(default_factory=list)

    def opened(self, answer: dict[str, Any], before: dict[str, Any]) -> None:
        """Add what a seat reported when it was opened, and the machine's state from before until now."""
        self.environment |= answer["environment"]
        self.environment |= {"before": self.environment.get("before", before), "after": moment()}
        if answer["weights_sha256"] is not None:
            self.provenance["weights_sha256"] = answer["weights_sha256"]

    def record(
        self, cell: Cell, values: dict[str, Any], status: Status = "ok", reason: str | None = None
    ) -> Record:
        """Return the record of a cell of this method."""
        return Record(cell, status, reason, values, dict(self.environment), dict(self.provenance))

    def latency(self) -> Record:
        """Return the latency record so far."""
        return self.record(self.cell, self._latency())

    def memory(self) -> Record:
        """Return the memory record: the middle of several processes."""
        return self.record(replace(self.cell, measurement="memory"), self._memory())

    def _latency(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            **_joined("", self.samples),
            "cold_s": self.cold_s[0],
            "cold_samples_s": list(self.cold_s),
            "run": self.run,
            "single_pass": False,
            "attempts": list(self.firsts),
            "calls_per_sample": list(self.calls),
        }
        for prefix, sets in (("twin_", self.twin), ("reference_", self.reference)):
            values |= _joined(prefix, sets) if sets else {}
        return values | ({"cut_short": self.cut_short} if self.cut_short else {})

    def _memory(self) -> dict[str, Any]:
        keys = ("run_peak_bytes", "load_peak_bytes", "process_peak_bytes")
        middle = {key: round(statistics.median(peak[key] for peak in self.peaks)) for key in keys}
        every = {"run_peak_samples_bytes": [peak["run_peak_bytes"] for peak in self.peaks]}
        return {**middle, **every, "method": self.peaks[0]["method"], "blocks": "mapped one by one"}


def _joined(prefix: str, sets: Sequence[Sequence[float]]) -> dict[str, list[Any]]:
    return {
        f"{prefix}samples_s": [sample for one in sets for sample in one],
        f"{prefix}round": [number for number, one in enumerate(sets) for _ in one],
    }
