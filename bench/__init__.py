"""Measuring, judging and showing: the benchmark around the networks.

`bench.load(folder)` reads the results of a run into a pandas data frame; all else is reached by its room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.judge.dataframe import load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    # Found on first use, so that the command line does not pay for importing pandas.
    if name != "load":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bench.judge.dataframe import load

    return load
