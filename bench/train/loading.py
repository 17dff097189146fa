"""Batches, prepared ahead of time by worker processes."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from bench.train.patches import Patch

# Batches that each worker makes in advance.
AHEAD = 4


class Batch(NamedTuple):
    """The data of one training step.

    Attributes:
        mosaic: (B, 1, S, S) unamplified, negative where noise lies below black.
        truth: (B, 3, S, S).
        ratio: (B,) exposure ratios.
        frame: (B, 1, s, s) sample of the frame around each patch, not negative.
    """

    mosaic: Tensor
    truth: Tensor
    ratio: Tensor
    frame: Tensor

    def on(self, device: torch.device) -> Batch:
        """Return the same on a device."""
        return Batch(*(each.to(device, non_blocking=True) for each in self))


class PatchSource(Protocol):
    """Where training pairs come from: photographs through the camera model, or a real data set."""

    def patch(self, step: int, index: int) -> Patch:
        """Return patch `index` of a step; a pure function of both."""


def batch_of(patches: list[Patch]) -> Batch:
    """Stack patches."""
    mosaics = torch.from_numpy(np.stack([each.mosaic for each in patches]))
    truths = torch.from_numpy(np.stack([each.truth for each in patches]))
    frames = [np.maximum(each.mosaic if each.frame is None else each.frame, 0) for each in patches]
    ratios = torch.tensor([each.ratio for each in patches], dtype=torch.float32)
    return Batch(mosaics, truths, ratios, torch.from_numpy(np.stack(frames)))


class _Steps(Dataset[Batch]):
    """One item is one step's whole batch; `rank` says which share of it this process trains on."""

    def __init__(self, source: PatchSource, share: int, rank: int) -> None:
        self.source, self.share, self.rank = source, share, rank

    def __getitem__(self, step: int) -> Batch:
        start = self.rank * self.share
        with threadpool_limits(1):
            return batch_of([self.source.patch(step, start + index) for index in range(self.share)])


class _From(Sampler[int]):
    """Step numbers from `start` on, without end."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __iter__(self) -> Iterator[int]:
        step = self.start
        while True:
            yield step
            step += 1


def batches(
    source: PatchSource, share: int, first_step: int, rank: int, workers: int | None, pinned: bool
) -> Generator[Batch, None, None]:
    """Batches of `share` patches from `first_step` on, without end and in order; close it to end the workers.

    Args:
        source: makes the patches.
        share: patches of one batch that this process trains on.
        first_step: the step to begin with.
        rank: which share of each batch.
        workers: processes that make patches; None for half the cores; 0 to make them in this process.
        pinned: whether to put them in page-locked memory, for a GPU.
    """
    if workers is None:
        workers = max(1, (os.cpu_count() or 1) // 2)
    loader = DataLoader(
        _Steps(source, share, rank),
        batch_size=None,
        sampler=_From(first_step),
        num_workers=workers,
        prefetch_factor=AHEAD if workers else None,
        pin_memory=pinned,
        worker_init_fn=_leave_signals_to_the_parent,
    )
    ahead = iter(loader)
    try:
        yield from ahead
    finally:
        # With the last reference goes the loader's own orderly end of its workers. Left to the end of the
        # interpreter, which asks them to end by a signal that they ignore, they would be waited for for ever.
        del ahead


def _leave_signals_to_the_parent(_: int) -> None:
    """Protect workers from signals to the whole group until the parent has saved; they end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
