"""Kernels: the published forms of UnPack and PixelShuffle, timed in turn and compared bit for bit.

All forms get the same channels and are timed one after another in rounds of one process, each round beginning
with another form, so that what the machine does meanwhile hits all alike. The present form is timed twice per
round: the ratio of the two ought to be 1 and is this cell's own noise floor. What the machine can do at most
(`bench.measure.peaks`) is measured beside them.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import pixel_shuffle

from bench.machine import trace
from bench.measure import peaks
from llpacknet.packing import pixelshuffle_order, unpack, unpack_2020, unpack_2020_batched, unpack_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from bench.records.cells import Cell
    from bench.records.jobs import Order

# LLPackNet's last step: 192 channels to RGB.
FACTOR, COLOURS = 8, 3
# Rounds, as many within these limits as `ROUNDS_S` allows.
FEWEST, MOST = 3, 9
ROUNDS_S = 6.0
# Images, and rows and columns before UnPack, of the comparison of batches, for which size has no meaning.
BATCH, SMALL = 2, 16
SEED = 2020

Form = tuple[str, "Callable[[Tensor], Tensor]"]
# Forms that are timed; PixelShuffle takes the same channels for other pixels, which costs the same.
TIMED: tuple[Form, ...] = (
    ("loop", unpack_loop),
    ("unpack_2020", unpack_2020),
    ("unpack", partial(unpack, factor=FACTOR)),
    ("pixelshuffle", partial(pixel_shuffle, upscale_factor=FACTOR)),
    ("unpack_twin", partial(unpack, factor=FACTOR)),
)


def begin(order: Order) -> Callable[[int], dict[str, Any]]:
    """Begin a job; returns what measures each cell."""

    def measure(index: int) -> dict[str, Any]:
        with trace.span("method: kernels"):
            return values(order.job.cells[index])

    return measure


def values(cell: Cell) -> dict[str, Any]:
    """Time and compare all forms on the channels of one picture of the cell's size.

    Returns:
        `seconds`: by form, a time per round; `largest_difference`: by form, from the loop of Algorithm 1, on
        one picture of that size; `batch`: what each form makes of a batch of two, see `of_a_batch`;
        `peaks`: the machine's own, see `bench.measure.peaks.measured`.

    """
    assert cell.height is not None
    assert cell.width is not None
    rows, columns = -(-cell.height // FACTOR), -(-cell.width // FACTOR)
    device = str(cell.device)
    channels = noise(1, rows, columns).to(device)
    with torch.inference_mode():
        differences = from_the_loop(channels)
        seconds = timed(channels)
        batch = of_a_batch(noise(BATCH, SMALL, SMALL).to(device))
    return {
        "seconds": seconds,
        "largest_difference": differences,
        "batch_size": BATCH,
        "batch": batch,
        "peaks": peaks.measured(device),
    }


def noise(batch: int, rows: int, columns: int) -> Tensor:
    """(batch, 192, rows, columns) of normal noise, the same at every call."""
    generator = torch.Generator().manual_seed(SEED)
    return torch.randn(batch, COLOURS * FACTOR**2, rows, columns, generator=generator)


def timed(channels: Tensor) -> dict[str, list[float]]:
    """Seconds of each form per round, after one call of each that is not counted."""
    for _, form in TIMED:
        _seconds(form, channels)
    found: dict[str, list[float]] = {name: [] for name, _ in TIMED}
    started = time.perf_counter()
    for number in range(MOST):
        if number >= FEWEST and time.perf_counter() - started > ROUNDS_S:
            break
        first = number % len(TIMED)
        for name, form in (*TIMED[first:], *TIMED[:first]):
            found[name].append(_seconds(form, channels))
    return found


def from_the_loop(channels: Tensor) -> dict[str, float]:
    """Give the largest difference of each form's picture from that of the loop; 0 only where all bits agree.

    PixelShuffle gets the channels in its own order (`llpacknet.packing.pixelshuffle_order`).
    """
    reference = unpack_loop(channels)
    order = pixelshuffle_order(FACTOR, COLOURS).to(channels.device)
    return {
        "unpack_2020": _difference(unpack_2020(channels), reference),
        "unpack": _difference(unpack(channels, FACTOR), reference),
        "pixelshuffle_permuted": _difference(pixel_shuffle(channels[:, order], FACTOR), reference),
    }


def of_a_batch(channels: Tensor) -> dict[str, dict[str, Any]]:
    """Say what each form makes of several pictures at once, against the loop picture by picture.

    By form: `error` where it raises, else `largest_difference`, and under `mixed` whether the first picture
    changes when only the last one does.
    """
    order = pixelshuffle_order(FACTOR, COLOURS).to(channels.device)
    forms: tuple[Form, ...] = (
        ("loop", unpack_loop),
        ("unpack_2020", unpack_2020),
        ("unpack_2020_batched", unpack_2020_batched),
        ("unpack", partial(unpack, factor=FACTOR)),
        ("pixelshuffle_permuted", lambda x: pixel_shuffle(x[:, order], FACTOR)),
    )
    reference = torch.cat([unpack_loop(one[None]) for one in channels])
    return {name: _of_a_batch(form, channels, reference) for name, form in forms}


def _of_a_batch(form: Callable[[Tensor], Tensor], channels: Tensor, reference: Tensor) -> dict[str, Any]:
    try:
        pictures = form(channels)
    except RuntimeError as error:
        return {"error": str(error).partition("\n")[0]}
    other = channels.clone()
    other[-1] += 1
    mixed = not torch.equal(form(other)[0], pictures[0])
    return {"largest_difference": _difference(pictures, reference), "mixed": mixed}


def _difference(picture: Tensor, reference: Tensor) -> float:
    if torch.equal(picture.view(torch.int32), reference.view(torch.int32)):
        return 0.0
    # Zeros of different sign have other bits and no difference: that counts as one all the same.
    return max(float((picture - reference).abs().max()), torch.finfo(reference.dtype).tiny)


def _seconds(form: Callable[[Tensor], Tensor], channels: Tensor) -> float:
    _wait(channels)
    start = time.perf_counter()
    picture = form(channels)
    _wait(channels)
    seconds = time.perf_counter() - start
    del picture
    return seconds


def _wait(channels: Tensor) -> None:
    if channels.device.type == "cuda":
        torch.cuda.synchronize()
