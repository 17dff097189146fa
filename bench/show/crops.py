"""Predicted pictures for the report: before and after, method by method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from bench.judge.results import Results


def slides(out: Path, results: Results) -> list[dict[str, Any]]:
    """Pictures to compare in the report; empty where no predictions were kept."""
    return []


def grid(out: Path, results: Results) -> None:
    """Draw crops."""
    return
