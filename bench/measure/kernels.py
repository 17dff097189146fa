"""Kernels: the published forms of UnPack and PixelShuffle, timed in turn and compared bit for bit.

All forms get the same channels, in processes of their own (`bench.measure.kernel_rounds`). What the machine
can do at most (`bench.measure.peaks`) is measured beside them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import pixel_shuffle

from bench.machine import trace
from bench.measure import kernel_rounds, peaks
from bench.measure.kernel_rounds import COLOURS, FACTOR, noise
from llpacknet.packing import (
    pack,
    pack_loop,
    pixelshuffle_order,
    unpack,
    unpack_2020,
    unpack_2020_batched,
    unpack_loop,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from bench.measure.kernel_rounds import Tensors
    from bench.records.cells import Cell
    from bench.records.jobs import Order

# Images, and rows and columns before UnPack, of the comparison of batches, for which size has no meaning.
BATCH, SMALL = 2, 16

Form = tuple[str, "Callable[[Tensor], Tensor]"]


def begin(order: Order) -> Callable[[int], dict[str, Any]]:
    """Begin a job; returns what measures each cell."""

    def measure(index: int) -> dict[str, Any]:
        with trace.span("method: kernels"):
            return values(order.job.cells[index], order.job.rounds)

    return measure


def values(cell: Cell, processes: int = 1) -> dict[str, Any]:
    """Time and compare all forms on the channels of one image of the cell's size.

    Args:
        cell: says the size, the device and the threads.
        processes: how many time the forms, one after another.

    Returns:
        `seconds`: by form, a time per process; `processes`: how many these were; `largest_difference`: by
        form, from the loop of Algorithm 1, on one image of that size; `batch`: what each form makes of a
        batch of two, see `of_a_batch`; `peaks`: the machine's own, see `bench.measure.peaks.measured`;
        on a processor `peaks_bf16` and `peaks_int8` too, where it has instructions for these formats.

    """
    assert cell.height is not None
    assert cell.width is not None
    device = str(cell.device)
    seconds = kernel_rounds.in_processes(cell.height, cell.width, device, cell.threads or 1, processes)
    given = kernel_rounds.tensors(cell.height, cell.width, device)
    with torch.inference_mode():
        differences = from_the_loop(given)
        batch = of_a_batch(noise(BATCH, SMALL, SMALL).to(device))
    return {
        "seconds": seconds,
        "processes": processes,
        "largest_difference": differences,
        "batch_size": BATCH,
        "batch": batch,
        "peaks": peaks.measured(device),
        **(peaks.of_few_digits() if device == "cpu" else {}),
    }


def from_the_loop(given: Tensors) -> dict[str, float]:
    """Return the largest difference of each form's image from the loop's; 0 only if all bits agree.

    PixelShuffle gets the channels in its own order (`llpacknet.packing.pixelshuffle_order`).
    """
    channels = given.channels
    reference = unpack_loop(channels)
    order = pixelshuffle_order(FACTOR, COLOURS).to(channels.device)
    return {
        "unpack_2020": _difference(unpack_2020(channels), reference),
        "unpack": _difference(unpack(channels, FACTOR), reference),
        "pixelshuffle_permuted": _difference(pixel_shuffle(channels[:, order], FACTOR), reference),
        "loop_kept": _difference(kernel_rounds.unpack_loop_kept(given), reference),
        "unpack_kept": _difference(kernel_rounds.unpack_kept(given), reference),
        "pack": _difference(pack(given.planes, FACTOR), pack_loop(given.planes, FACTOR)),
    }


def of_a_batch(channels: Tensor) -> dict[str, dict[str, Any]]:
    """Say what each form makes of several images at once, against the loop image by image.

    By form: `error` where it raises, else `largest_difference`, and under `mixed` whether the first image
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
        images = form(channels)
    except RuntimeError as error:
        return {"error": str(error).partition("\n")[0]}
    other = channels.clone()
    other[-1] += 1
    mixed = not torch.equal(form(other)[0], images[0])
    return {"largest_difference": _difference(images, reference), "mixed": mixed}


def _difference(image: Tensor, reference: Tensor) -> float:
    if torch.equal(image.view(torch.int32), reference.view(torch.int32)):
        return 0.0
    # Zeros of different sign have other bits and no difference: that counts as one all the same.
    return max(float((image - reference).abs().max()), torch.finfo(reference.dtype).tiny)
