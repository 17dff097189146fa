"""What a run has not measured yet, so that a table can tell an open cell from one not requested."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.records import store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "pending.json"
# Measurement and method.
Key = tuple[str, str]


def write(out: Path, left: Mapping[Key, float]) -> None:
    """Write `<out>/pending.json`: by measurement and method, the seconds that it is predicted to take.

    If nothing is left, the file is removed. Raises InputError when the folder cannot be written.
    """
    path = out / FILE
    if left:
        rows = [{"measurement": kind, "model": model, "seconds": s} for (kind, model), s in left.items()]
        store.replace(path, json.dumps(rows, indent=1) + "\n")
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise store.unwritable(out, error) from error


def read(out: Path) -> dict[Key, float]:
    """Read what `write` wrote; nothing where there is no such file, or it is not whole."""
    try:
        rows = json.loads((out / FILE).read_text(encoding="utf-8"))
        return {(str(row["measurement"]), str(row["model"])): float(row["seconds"]) for row in rows}
    except (OSError, ValueError, LookupError, TypeError):
        return {}
