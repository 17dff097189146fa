"""Cells whose measurement ended their worker, counted in the results folder.

A worker cannot say that it is being killed. It writes a mark before it begins a cell and removes it at the
end, so that remaining marks show how often a worker died after beginning a cell. Dask counts too,
but for every task that a lost worker had been given, begun or not.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from bench.records import store

if TYPE_CHECKING:
    from pathlib import Path

    from bench.records.cells import Cell

FOLDER = "attempts"
# A cell that has cost so many workers is not tried again.
MOST = 3


class Strikes:
    """Marks of the cells of one results folder; see `bench.run.outcome.Watch`."""

    def __init__(self, out: Path) -> None:
        self._folder = out / FOLDER
        self.seen = 0

    def count(self, cell: Cell) -> int:
        """How often the work on a cell was begun and not ended."""
        with contextlib.suppress(FileNotFoundError):
            return self._file(cell).stat().st_size
        return 0

    def condemned(self, cell: Cell) -> str | None:
        """Say why a cell must not be tried again, if so."""
        count = self.count(cell)
        self.seen += count
        return f"{count} workers died on this task: not tried again" if count >= MOST else None

    def begin(self, cell: Cell) -> None:
        """Leave a mark."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._file(cell).open("ab") as stream:
            stream.write(b".")

    def end(self, cell: Cell) -> None:
        """Remove the marks of a cell that has an end."""
        self._file(cell).unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget what an earlier run left: whoever was at work then may have been stopped on purpose."""
        for path in self._folder.glob("*"):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def _file(self, cell: Cell) -> Path:
        return self._folder / store.file_name(cell).removesuffix(".json")
