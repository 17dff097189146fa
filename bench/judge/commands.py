"""The exact command behind a figure, from the cells that it rests on.

Methods that were timed in one interleaved run share a command, because their ratios hold within one run only.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.records.tiers import TIERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.records.cells import Cell, Record
    from bench.records.tiers import TierName

# What `llbench run` takes where nothing else is said.
USUAL_ROUNDS = 5
COSTS = ("latency", "memory")
# Tiers that time a slow method once and judge it on the central part alone, that with fewer images first.
CUTTING: tuple[TierName, TierName] = ("quick", "standard")

Setting = tuple[tuple[str, Any], ...]


def of_records(records: Iterable[Record]) -> list[str]:
    """Return the commands that measure these cells again, sorted.

    DIR and OUT stand for the reader's own folders. What a tier shortens (a slow method's single pass, or the
    central part of an image) is only measured so by that tier; what is compared with it belongs in the same
    run.
    """
    settings: dict[Setting, dict[str, set[str]]] = {}
    done = [record for record in records if record.status == "ok"]
    short = {_kind(record.cell) for record in done if _cut(record)}
    tier = _cutting_tier(done)
    done = _one_a_setting(done)
    timed = (record for record in done if record.cell.measurement == "latency")
    rounds = {replace(record.cell, measurement="memory"): _rounds(record) for record in timed}
    for record in done:
        if _kind(record.cell) not in short:
            # A memory cell is measured by the latency job of its setting, where there is one.
            _note(settings, record.cell, _rounds(record) or rounds.get(record.cell))
    lines = [_line(setting, kinds) for setting, found in settings.items() for kinds in _merged(found)]
    models = sorted({record.cell.model for record in done if _kind(record.cell) in short})
    if models:
        lines.append(_words("llbench", "reproduce", "--tier", tier, "--models", ",".join(models)))
    return sorted(set(lines))


def _one_a_setting(records: list[Record]) -> list[Record]:
    """Keep one record of those that differ only in their image."""
    found = {}
    for record in records:
        cell = record.cell
        form = (cell.device, cell.runtime, cell.precision, cell.threads, cell.height, cell.width)
        found[cell.measurement, cell.model, cell.protocol, form] = record
    return list(found.values())


def _cut(record: Record) -> bool:
    return bool(record.values.get("single_pass")) or record.values.get("area_fraction", 1) != 1


def _cutting_tier(records: list[Record]) -> TierName:
    """Return the shortest tier that scores this many images."""
    judged = len({record.cell.image for record in records if record.cell.measurement == "quality"})
    few, many = CUTTING
    return few if judged <= (TIERS[few].images or judged) else many


def _kind(cell: Cell) -> str:
    return "cost" if cell.measurement in COSTS else cell.measurement


def of_cells(cells: Iterable[Cell]) -> list[str]:
    """Return the commands that would measure these cells, sorted."""
    settings: dict[Setting, dict[str, set[str]]] = {}
    for cell in cells:
        _note(settings, cell, None)
    return sorted(_line(setting, kinds) for setting, found in settings.items() for kinds in _merged(found))


def _rounds(record: Record) -> int | None:
    return len(set(record.values.get("round", ()))) or None


def _note(settings: dict[Setting, dict[str, set[str]]], cell: Cell, rounds: int | None) -> None:
    """Sort a cell under what it shares with others: everything but method, image and kind of cost."""
    size = f"{cell.height}x{cell.width}" if cell.height and cell.measurement != "quality" else None
    usual = rounds is None or rounds == USUAL_ROUNDS
    setting = {
        "kind": _kind(cell),
        "--protocol": cell.protocol,
        "--device": cell.device,
        "--runtime": cell.runtime,
        "--precision": cell.precision,
        "--size": size,
        "--threads": cell.threads,
        "--rounds": None if usual else rounds,
    }
    settings.setdefault(tuple(setting.items()), {}).setdefault(cell.measurement, set()).add(cell.model)


def _merged(found: dict[str, set[str]]) -> list[tuple[str, set[str]]]:
    """Kinds of measurement with their methods; kinds that all have the same methods are one."""
    if len({frozenset(models) for models in found.values()}) == 1:
        return [(",".join(sorted(found)), next(iter(found.values())))]
    return sorted(found.items())


def _line(setting: Setting, kinds: tuple[str, set[str]]) -> str:
    measured, models = kinds
    words = ["llbench", "run", "--models", ",".join(sorted(models)), "--measure", measured]
    options = dict(setting)
    if options.pop("kind") == "quality":
        words += ["--dataset", "DIR"]
    words += [word for option, value in options.items() if value is not None for word in (option, str(value))]
    return _words(*words)


def _words(*words: str) -> str:
    return " ".join(shlex.quote(word) for word in [*words, "--out", "OUT"])
