"""Results over time: one series for each cell, and where it changed for good.

A change point is where a series moves from one level to another and stays there, found by PELT (Killick,
Fearnhead and Eckley 2012) through the library `ruptures`. It is only shown and never blocks: the cause may be
the machine as well as the code.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import ruptures

from bench.judge.interleaved import round_medians
from bench.judge.results import number
from bench.judge.statistics import Estimate, exact, mean, over_rounds
from bench.machine.wording import plural
from bench.records import store
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bench.records.cells import Record

# A series shorter than this has no change points, and no level is held by fewer results than this.
FEWEST_POINTS, SHORTEST_LEVEL = 6, 3
# Times log(n) times the noise's variance is what a change has to gain: noise alone then shows a change in
# one to four of a hundred series (of 60 and of 12 results).
PENALTY = 6.0
# Relative noise that is assumed of any series at least, so that a steady one is not cut by trifles.
LEAST_NOISE = 0.005
# What stands before the points of a series: model, quantity, unit, setting, machine.
Key = tuple[str, str, str, str, str]
# Where in an entry of a history its cells lie: it is a results folder, or one that a gate left.
PLACES = (".", "head")


@dataclass(frozen=True)
class Point:
    """One figure of a series.

    Attributes:
        time: when it was measured, UTC, as 2026-01-31T12:00:00Z.
        commit: of what; None if it is not known.
        entry: name of the results folder.
        value: the figure with its interval.
    """

    time: str
    commit: str | None
    entry: str
    value: Estimate


@dataclass(frozen=True)
class Series:
    """One quantity of one cell over time.

    Attributes:
        model: the method.
        quantity: "latency", "memory", "gmac", "parameters" or "psnr".
        unit: of the values.
        setting: what distinguishes series of a method: device, runtime, size, protocol.
        machine: the CPU model; times of different machines make different series.
        points: in order of time.
        changes: indices of the points at which a new level begins.
    """

    model: str
    quantity: str
    unit: str
    setting: str
    machine: str
    points: tuple[Point, ...]
    changes: tuple[int, ...]

    def shift(self, change: int) -> float:
        """Relative change of the level at a change point."""
        ends = (0, *self.changes, len(self.points))
        at = ends.index(change)
        before, after = (
            statistics.fmean(point.value.value for point in self.points[first:last])
            for first, last in ((ends[at - 1], change), (change, ends[at + 1]))
        )
        return after / before - 1


def load(folder: Path) -> list[Series]:
    """Read every results folder inside a folder and join their cells into series.

    Raises:
        InputError: there is none, or one is damaged.
    """
    found: dict[Key, list[Point]] = {}
    for entry in sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ():
        for place in PLACES:
            if store.files(entry / place):
                _take(entry.name, store.load(entry / place), found)
    if not found:
        raise InputError(
            f"{folder} contains no results folders: put one there for each run, as written by --out"
        )
    made = []
    for key, points in found.items():
        points.sort(key=lambda point: (point.time, point.entry))
        made.append(Series(*key, tuple(points), change_points([point.value.value for point in points])))
    return sorted(made, key=lambda one: (one.model, one.quantity, one.setting, one.machine))


def change_points(values: Sequence[float]) -> tuple[int, ...]:
    """Find where a series changes its level for good: indices of the first values of new levels.

    The noise is taken from the differences of neighbours, which a few steps do not inflate.
    """
    if len(values) < FEWEST_POINTS or not all(map(math.isfinite, values)):
        return ()
    positive = min(values) > 0
    signal = np.log(values) if positive else np.asarray(values, dtype=float)
    noise = float(np.median(np.abs(np.diff(signal)))) / (0.6745 * math.sqrt(2))
    noise = max(noise, LEAST_NOISE if positive else LEAST_NOISE * float(np.abs(signal).max() or 1.0))
    search = ruptures.Pelt(model="l2", min_size=SHORTEST_LEVEL, jump=1).fit(signal.reshape(-1, 1))
    ends = search.predict(pen=PENALTY * math.log(len(values)) * noise**2)
    return tuple(int(end) for end in ends[:-1])


def _take(entry: str, records: Iterable[Record], found: dict[Key, list[Point]]) -> None:
    images: dict[Key, list[tuple[Record, float]]] = {}
    for record in records:
        if record.status != "ok":
            continue
        for quantity, unit, value in _figures(record):
            key = (record.cell.model, quantity, unit, _setting(record), _machine(record, quantity))
            if quantity == "psnr":
                images.setdefault(key, []).append((record, value.value))
            else:
                found.setdefault(key, []).append(_point(entry, record, value))
    for key, some in images.items():
        found.setdefault(key, []).append(_point(entry, some[0][0], mean([value for _, value in some])))


def _figures(record: Record) -> Iterable[tuple[str, str, Estimate]]:
    values, kind = record.values, record.cell.measurement
    if kind == "latency":
        medians = round_medians(values["samples_s"], values["round"])
        yield "latency", "s", over_rounds(medians)
    elif kind == "memory":
        yield "memory", "GB", exact(values["run_peak_bytes"] / 1e9)
    elif kind == "complexity":
        if values["gmac"] is not None:
            yield "gmac", "GMAC", exact(values["gmac"])
        yield "parameters", "", exact(values["parameters"])
    elif kind == "quality" and math.isfinite(number(values["psnr"])):
        yield "psnr", "dB", exact(number(values["psnr"]))


def _point(entry: str, record: Record, value: Estimate) -> Point:
    return Point(_time(record.environment), record.provenance.get("commit"), entry, value)


def _time(environment: dict[str, Any]) -> str:
    rounds = environment.get("rounds") or [environment]
    moment = rounds[-1].get("after") or {}
    return str(moment.get("utc", ""))


def _setting(record: Record) -> str:
    cell = record.cell
    size = f"{cell.height}x{cell.width}" if cell.height else None
    threads = plural(cell.threads, "thread") if cell.threads and cell.measurement != "quality" else None
    words = (cell.device, cell.runtime, cell.precision, size, threads, cell.dataset, cell.protocol)
    return " ".join(word for word in words if word)


def _machine(record: Record, quantity: str) -> str:
    cpu = record.environment.get("cpu")
    known = isinstance(cpu, dict) and quantity in {"latency", "memory"}
    return str(cpu.get("model") or "") if known and isinstance(cpu, dict) else ""
