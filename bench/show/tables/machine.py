"""The environments behind a results folder: what was the same for all cells, and what was not."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from bench.machine.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.judge.results import Results

# Parts of an environment that change from cell to cell and say nothing of the machine.
MOMENT = {"before", "after", "rounds"}
# More values than this are counted, not listed.
MANY = 6


def environment_rows(results: Results) -> list[tuple[str, str]]:
    """Key and value of everything recorded of machine and versions; several values with their counts."""
    found: dict[str, Counter[str]] = {}
    for record in results.records:
        for part in (record.environment, record.provenance):
            for key, value in _leaves({key: part[key] for key in part if key not in MOMENT}, ""):
                found.setdefault(key, Counter())[value] += 1
    return [(key, _values(found[key])) for key in sorted(found)]


def _values(counted: Counter[str]) -> str:
    if len(counted) == 1:
        return next(iter(counted))
    if len(counted) > MANY:
        return f"{len(counted)} different values"
    listed = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return "; ".join(f"{value} ({plural(count, 'cell')})" for value, count in listed)


def _leaves(value: dict[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        name = f"{above}{key}"
        if isinstance(inner, dict):
            yield from _leaves(inner, f"{name}.")
        elif isinstance(inner, list):
            yield name, ", ".join(_inline(item) for item in inner) or "none"
        elif inner is not None:
            yield name, str(inner)


def _inline(item: Any) -> str:
    return " ".join(f"{key} {value}" for key, value in item.items()) if isinstance(item, dict) else str(item)
