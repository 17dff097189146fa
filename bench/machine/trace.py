"""Where the time of a run went: one JSON line per step in `<out>/trace.jsonl`, not part of the results.

A process collects spans in memory and writes them between steps, never inside a timed call.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "trace.jsonl"
_spans: defaultdict[str, float] = defaultdict(float)
# For each open span, the seconds of the spans inside it that have ended.
_inner: list[float] = []


@contextlib.contextmanager
def span(name: str) -> Iterator[None]:
    """Count the time of a block under a name; spans inside it count only under their own names."""
    start = time.perf_counter()
    _inner.append(0.0)
    try:
        yield
    finally:
        whole = time.perf_counter() - start
        _spans[name] += whole - _inner.pop()
        if _inner:
            _inner[-1] += whole


def write(out: Path, step: str, **facts: Any) -> None:
    """Append a line with the spans since the last one; if the disk is full, the line is lost but not the run.

    Args:
        out: the results folder.
        step: what ended: "cell", "round", "worker" or "command".
        facts: further facts about it.
    """
    line = {"step": step, **facts, "spans": {name: round(seconds, 4) for name, seconds in _spans.items()}}
    _spans.clear()
    with contextlib.suppress(OSError), (out / FILE).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


def read(out: Path) -> list[dict[str, Any]]:
    """Read the lines of a folder's trace, complete ones only; empty if there is none."""
    lines = []
    with contextlib.suppress(OSError):
        for text in (out / FILE).read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                lines.append(json.loads(text))
    return lines
