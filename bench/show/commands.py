"""The exact command behind each figure, from its cell."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.cells import Cell, Record


def of_cell(cell: Cell) -> str:
    """Return the `llbench run` line that measures a cell; DIR and OUT stand for the reader's own folders."""
    words = ["llbench", "run", "--models", cell.model, "--measure", cell.measurement]
    if cell.measurement == "quality":
        words += ["--dataset", "DIR", "--protocol", cell.protocol or ""]
    axes = (("--device", cell.device), ("--runtime", cell.runtime), ("--precision", cell.precision))
    words += [word for option, value in axes if value is not None for word in (option, value)]
    if cell.measurement != "quality" and cell.height and cell.width:
        words += ["--size", f"{cell.height}x{cell.width}"]
    if cell.threads is not None:
        words += ["--threads", str(cell.threads)]
    return " ".join(shlex.quote(word) for word in [*words, "--out", "OUT"])


def of_records(records: Iterable[Record]) -> list[str]:
    """Distinct commands behind records that are ok, sorted; a quality command covers all its images."""
    return sorted({of_cell(record.cell) for record in records if record.status == "ok"})
