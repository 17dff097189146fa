"""The environments behind a results folder: what was the same for all cells, and what was not."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.judge.results import Results

VOLATILE = ("before", "after", "load", "pressure", "time", "started", "finished", "duration")
"""Parts of an environment's keys that change from cell to cell and say nothing of the machine."""


def environment_rows(results: Results) -> list[tuple[str, str]]:
    """Key and value of everything recorded of machine and versions; several values with their counts."""
    found: dict[str, Counter[str]] = {}
    for record in results.records:
        for key, value in _leaves({**record.environment, **record.provenance}, ""):
            if not any(word in key.lower() for word in VOLATILE):
                found.setdefault(key, Counter())[value] += 1
    return [(key, _values(found[key])) for key in sorted(found)]


def _values(counted: Counter[str]) -> str:
    if len(counted) == 1:
        return next(iter(counted))
    listed = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{value} ({count} cells)" for value, count in listed[:6]]
    return "; ".join(shown) + (f"; {len(listed) - 6} more" if len(listed) > 6 else "")


def _leaves(value: dict[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        name = f"{above}{key}"
        if isinstance(inner, dict):
            yield from _leaves(inner, f"{name}.")
        elif isinstance(inner, list):
            yield name, ", ".join(str(item) for item in inner)
        elif inner is not None:
            yield name, str(inner)
