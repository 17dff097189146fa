"""What a training run shows while it runs: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from types import TracebackType

LINE_EVERY_S = 60.0


class Reporter:
    """Reports steps, as a context manager.

    Args:
        title: what is trained.
        shown: False for every process but the first of several.
    """

    def __init__(self, title: str, shown: bool = True) -> None:
        self.title = title
        self.shown = shown
        self._bar: Progress | None = None
        self._last_lines: dict[str, float] = {}
        if shown and sys.stderr.isatty():
            self._bar = Progress(
                TextColumn(title),
                BarColumn(),
                TextColumn("{task.percentage:.1f} %"),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task("", total=1.0)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def step(self, name: str, number: int, done: float, seconds: float, loss: float, psnr: float) -> None:
        """Report a network's finished step.

        `done` is the share of the run, `seconds` its training time so far, `psnr` the best validation in dB,
        minus infinity before the first.
        """
        quality = "" if math.isinf(psnr) else f", validation {psnr:.2f} dB"
        whose = "" if name == self.title else f", {name}"
        text = f"step {number}{whose}, loss {loss:.4f}{quality}"
        if self._bar:
            self._bar.update(self._task, completed=done, description=text)
        elif self.shown and time.monotonic() - self._last_lines.get(name, -math.inf) > LINE_EVERY_S:
            self._last_lines[name] = time.monotonic()
            left = seconds * (1 - done) / done if done > 0 else 0.0
            print(
                f"{self.title}: {100 * done:.1f} %, {text}, {seconds / 60:.1f} min, {left / 60:.0f} min left",
                file=sys.stderr,
                flush=True,
            )

    def say(self, text: str) -> None:
        """Print one line."""
        if self._bar:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        elif self.shown:
            print(text, file=sys.stderr, flush=True)
