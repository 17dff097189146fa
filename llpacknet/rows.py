"""Rows of an activation in passing: a network can go down a frame once, a few rows at a time, without a halo.

A 3x3 convolution needs one row above and one below the rows it gives. Where those of every activation are
kept, each row of each activation is computed once, whatever the frame's height, and what is worked on stays
in the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor


class Rows:
    """A window that moves down an activation (1, channels, total, width), with a row of zeros at either end.

    The buffer is channels-last: any range of its rows is one dense piece of memory, and a convolution can
    read and write it in place. Rows that no step needs any more are let go of.

    Args:
        channels: of the activation.
        total: its rows.
        width: its columns.
        dtype: number format.

    Attributes:
        total: rows of the activation.
        width: its columns.
        end: rows there are so far.

    """

    def __init__(self, channels: int, total: int, width: int, dtype: torch.dtype = torch.float32) -> None:
        self.total = total
        self.width = width
        self.end = 0
        self._first = -1
        self._buffer = torch.zeros(2, width, channels, dtype=dtype)
        self._readers: list[tuple[Step, int]] = []

    def restart(self) -> None:
        """Forget everything, for the next frame."""
        self.end = 0
        self._first = -1
        self._buffer[0].zero_()

    def read_by(self, step: Step, halo: int) -> None:
        """Keep rows until a step is past them by so many."""
        self._readers.append((step, halo))

    def reach(self, halo: int) -> int:
        """Rows that a step can give which needs so many (0 or 1) beyond them."""
        return self.total if self.end == self.total else max(self.end - halo, 0)

    def append(self, count: int) -> Tensor:
        """Make room for the next rows: (1, channels, count, width), holding anything, to be written."""
        start, self.end = self.end, self.end + count
        below = int(self.end == self.total)
        if self.end + below - self._first > len(self._buffer):
            self._make_room(start, self.end + below)
        if below:
            self._buffer[self.total - self._first].zero_()
        return self.window(start, self.end)

    def window(self, start: int, end: int) -> Tensor:
        """Rows start to end: (1, channels, rows, width); -1 is the zeros above, `total` those below."""
        return as_image(self._buffer[start - self._first : end - self._first])

    def _make_room(self, filled: int, end: int) -> None:
        kept = min((step.done - halo for step, halo in self._readers), default=filled)
        rows = self._buffer[kept - self._first : filled - self._first].clone()
        if end - kept > len(self._buffer):
            # Half as much again, so that rows are moved up every few bands only.
            self._buffer = self._buffer.new_empty(3 * (end - kept) // 2, *self._buffer.shape[1:])
        self._buffer[: len(rows)] = rows
        self._first = kept


class Step:
    """Gives the next rows of a result as soon as the rows that they are computed from are there.

    Args:
        work: called with a range of rows, to give them.
        most: rows at a time.
        near: activations of which it needs the row above and the row below too, as a 3x3 convolution does.
        at: activations of which it needs the same rows only.
        total: rows it has to give where it needs no activation.

    Attributes:
        done: rows given so far.

    """

    def __init__(
        self,
        work: Callable[[int, int], None],
        most: int,
        *,
        near: Sequence[Rows] = (),
        at: Sequence[Rows] = (),
        total: int = 0,
    ) -> None:
        self.done = 0
        self._total = total
        self._work = work
        self._most = most
        self._sources = [*((rows, 1) for rows in near), *((rows, 0) for rows in at)]
        for rows, halo in self._sources:
            rows.read_by(self, halo)

    def advance(self) -> None:
        """Give as many rows as possible now."""
        ready = min((rows.reach(halo) for rows, halo in self._sources), default=self._total)
        end = min(ready, self.done + self._most)
        if end > self.done:
            self._work(self.done, end)
            self.done = end


def as_image(buffer: Tensor) -> Tensor:
    """See a buffer (rows, width, channels) as (1, channels, rows, width), channels-last."""
    return buffer.permute(2, 0, 1).unsqueeze(0)
