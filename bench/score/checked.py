"""The outcome of measuring a result again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.records.cells import Cell

AGREES, DIFFERS, NOT_COMPARED = "agrees", "differs", "not compared"


@dataclass(frozen=True)
class Checked:
    """The outcome for one cell.

    Attributes:
        cell: which.
        word: "agrees", "differs" or "not compared".
        reason: the figures, or why there are none.
    """

    cell: Cell
    word: str
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)
