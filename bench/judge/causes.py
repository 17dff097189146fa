"""Differences between the conditions of two sets of results, the likeliest cause of different times first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.records.cells import Record

# Ordered by how much each has been seen to move a time: from a factor to a few per cent.
_CELLS = ("device", "runtime", "precision", "height", "width", "threads")
_ENVIRONMENT: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("GPU", ("gpu",), True),
    ("CPU", ("cpu", "model"), True),
    ("CPU flags", ("cpu", "flags"), True),
    ("instruction set that torch uses", ("capability",), True),
    ("usable cores", ("cpu", "affinity"), True),
    ("core quota", ("cpu", "quota_cores"), True),
    ("architecture", ("system", "architecture"), True),
    ("torch", ("libraries", "torch"), False),
    ("oneDNN", ("onednn",), False),
    ("BLAS", ("blas",), False),
    ("onnxruntime", ("libraries", "onnxruntime"), False),
    ("openvino", ("libraries", "openvino"), False),
    ("thread variables", ("variables",), False),
    ("allocator", ("allocator",), False),
    ("huge pages", ("memory", "huge_pages"), False),
    ("subnormal numbers flushed to 0", ("flushes_subnormals",), False),
    ("matrix precision", ("matmul_precision",), False),
    ("clock governor", ("cpu", "governor"), False),
    ("memory", ("memory", "total_bytes"), False),
    ("kernel", ("system", "kernel"), False),
    ("Python", ("python", "version"), False),
    ("rawpy", ("libraries", "rawpy"), False),
    ("numpy", ("libraries", "numpy"), False),
)
_PROVENANCE = ("libraw", "weights_sha256", "data_sha256", "code_sha256", "commit")


@dataclass(frozen=True)
class Cause:
    """A condition that differs.

    Attributes:
        name: what it is.
        base: what it was for the base; several values with commas between.
        head: what it was for the head.
        machine: whether it makes them different machines, whose times are not comparable.
    """

    name: str
    base: str
    head: str
    machine: bool = False

    def __str__(self) -> str:
        """Say it in a few words."""
        return f"{self.name}: {self.base} | {self.head}"


def causes(base: Iterable[Record], head: Iterable[Record]) -> list[Cause]:
    """List what differs between two sets of results, the likeliest cause of a difference in time first.

    Only what both have counts: the cells that both measured and, of a measurement of a method of which they
    share no cell, all of its cells, whose conditions then say why.
    """
    sides = [list(base), list(head)]
    one, other = _in_both(*sides), _in_both(*sides[::-1])
    found: list[Cause] = []
    for axis in _CELLS:
        found += _differing(axis, *_apart(one, other, axis), machine=False)
    for name, path, machine in _ENVIRONMENT:
        values = [_values(records, "environment", path) for records in (one, other)]
        found += _differing(name, values[0], values[1], machine=machine)
    for key in _PROVENANCE:
        values = [_values(records, "provenance", (key,)) for records in (one, other)]
        found += _differing(key.removesuffix("_sha256"), values[0], values[1], machine=False)
    return found


def _in_both(mine: list[Record], theirs: list[Record]) -> list[Record]:
    cells = {one.cell for one in mine} & {one.cell for one in theirs}
    apart = {_subject(one) for one in theirs} - {(cell.model, cell.measurement) for cell in cells}
    return [one for one in mine if one.cell in cells or _subject(one) in apart]


def _subject(record: Record) -> tuple[str, str]:
    return record.cell.model, record.cell.measurement


def _apart(base: list[Record], head: list[Record], axis: str) -> list[set[str]]:
    """Values of both sides on an axis, from what was nowhere measured at the same value."""
    sides: list[dict[tuple[str, str], set[str]]] = [{}, {}]
    for side, records in zip(sides, (base, head), strict=True):
        for one in records:
            value = getattr(one.cell, axis)
            if value is not None:
                side.setdefault(_subject(one), set()).add(str(value))
    alien = [one for one in sides[0] if one in sides[1] and sides[0][one].isdisjoint(sides[1][one])]
    return [set().union(*(side[one] for one in alien)) for side in sides]


def _values(records: list[Record], part: str, path: tuple[str, ...]) -> set[str]:
    found = set()
    for record in records:
        value: Any = getattr(record, part)
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if value not in (None, [], {}):
            found.add(_text(value))
    return found


def _differing(name: str, base: set[str], head: set[str], *, machine: bool) -> list[Cause]:
    # What one side does not tell is no difference.
    if not base or not head or base == head:
        return []
    if name == "CPU flags":
        flags = [set(" ".join(side).split()) for side in (base, head)]
        base, head = ({" ".join(sorted(mine - theirs))} for mine, theirs in (flags, flags[::-1]))
    shown = [", ".join(sorted(side)).strip() or "none more" for side in (base, head)]
    return [Cause(name, shown[0], shown[1], machine)]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={part}" for key, part in sorted(value.items()) if part is not None)
    if isinstance(value, list):
        return " ".join(_text(part) for part in value)
    return str(value)[:12] if len(str(value)) == 64 else str(value)
