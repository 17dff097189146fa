"""Older result files, read as if this release had written them: one step from each version to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.records.cells import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable


def upgraded(raw: Any) -> Any:
    """Bring a decoded result file to the present schema; what has no known version stays as it is.

    Nothing is made up: a step only says in the present form what the older one meant.
    """
    for version in range(1, SCHEMA_VERSION):
        if isinstance(raw, dict) and raw.get("schema_version") == version:
            raw = {**STEPS[version](raw), "schema_version": version + 1}
    return raw


def _one_turn_a_round(raw: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew no turns: a process took all its samples of a round in one go."""
    values = raw.get("values")
    cell = raw.get("cell")
    if not (isinstance(values, dict) and isinstance(cell, dict) and cell.get("measurement") == "latency"):
        return raw
    added = {
        f"{whose}turn": [0] * len(values[f"{whose}samples_s"])
        for whose in ("", "twin_")
        if isinstance(values.get(f"{whose}samples_s"), list)
    }
    return {**raw, "values": {**values, **added}}


STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _one_turn_a_round}
