"""Progress of a job that counts its steps: a bar with the time left in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINE_EVERY_S = 10.0


@contextmanager
def counting(title: str) -> Iterator[Callable[[int, int], None]]:
    """Provide a function to call with the numbers of steps done and in total; writes to standard error."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    yield _lines(title)


def _lines(title: str) -> Callable[[int, int], None]:
    started = time.monotonic()
    last = started

    def show(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= LINE_EVERY_S and done:
            left = (now - started) / done * (total - done)
            print(f"{title}: {done} of {total}, about {left:.0f} s left", file=sys.stderr, flush=True)
            last = now

    return show
