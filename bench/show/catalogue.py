"""The tables beside Table 1; each is left out where the results hold nothing for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.show.layout import Table, Column, word, dash, Entry, Part

if TYPE_CHECKING:
    from bench.judge.results import Results


def tables(results: Results) -> list[Table]:
    """Every further table that these results can fill."""
    return []
