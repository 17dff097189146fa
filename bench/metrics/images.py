"""What every metric requires of its two images, and how an image is split into bands of rows."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

Image = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32] | NDArray[np.float64]
# Rows of a band. A result is the sum of the bands' sums in their order, so it depends on this number in its
# last digit and on the number of threads not at all.
BAND_ROWS = 64


def checked_range(prediction: Any, truth: Any, data_range: float | None) -> float:
    """Refuse images that cannot be compared; return the largest value that their kind can take.

    Args:
        prediction: (H, W, 3) uint8, uint16 or floating array or tensor.
        truth: the same shape and kind.
        data_range: distance from black to white; needed for floats, else 255 or 65535 if None.

    Raises:
        InputError: shapes, channels or kinds differ, a kind is not supported, or floats have no range.
    """
    for name, image in (("prediction", prediction), ("truth", truth)):
        if len(image.shape) != 3 or image.shape[2] != 3:
            raise InputError(f"{name} has shape {tuple(image.shape)}: pass a colour image (height, width, 3)")
    if tuple(prediction.shape) != tuple(truth.shape):
        raise InputError(
            f"prediction is {size(prediction)} and truth is {size(truth)} (width x height): "
            "compare images of equal size"
        )
    kinds = kind(prediction), kind(truth)
    if kinds[0] != kinds[1]:
        raise InputError(
            f"prediction is {kinds[0]} and truth is {kinds[1]}: convert both to the same depth first"
        )
    known = {"uint8": 255.0, "uint16": 65535.0, "float32": None, "float64": None}
    if kinds[0] not in known:
        raise InputError(f"images are {kinds[0]}: pass uint8, uint16, float32 or float64")
    chosen = known[kinds[0]] if data_range is None else data_range
    if chosen is None:
        raise InputError(
            "images are floats: pass data_range, the distance from black to white (1.0 for [0, 1])"
        )
    if not (chosen > 0 and math.isfinite(chosen)):
        raise InputError(f"data_range is {chosen}: pass a positive number")
    return chosen


def kind(image: NDArray[Any] | torch.Tensor) -> str:
    """Name of an image's number type, the same for arrays and tensors."""
    return str(image.dtype).removeprefix("torch.")


def size(image: NDArray[Any] | torch.Tensor) -> str:
    """Width x height, as people write it."""
    return f"{image.shape[1]}x{image.shape[0]}"


def is_cuda(image: object) -> TypeGuard[torch.Tensor]:
    """Whether this is a tensor in a GPU's memory; asks without importing torch."""
    return bool(getattr(image, "is_cuda", False))


def as_array(image: Any) -> Image:
    """Array of an image that may be a tensor in main memory; shares its memory where it can.

    Raises:
        InputError: the image lies on a GPU, and its partner does not, or it would have been scored there.
    """
    if is_cuda(image):
        raise InputError("one image lies on a GPU and the other in main memory: move both to the same device")
    array: Image = np.ascontiguousarray(image.numpy() if hasattr(image, "numpy") else image)
    return array


def sum_of_bands(rows: int, band: Callable[[int, int], float], threads: int | None) -> float:
    """Sum `band(first, last)` over all bands of `rows` rows, exactly the same with any number of threads.

    Args:
        rows: number of rows to cut up.
        band: gives the sum of its rows; runs without the interpreter's lock where it is compiled.
        threads: how many bands at once; None for the processors that this process may use.

    Raises:
        InputError: the sum is not a finite number, so an image holds NaN or infinity.
    """
    bounds = [(first, min(first + BAND_ROWS, rows)) for first in range(0, rows, BAND_ROWS)]
    workers = min(len(bounds), threads or len(os.sched_getaffinity(0)))
    if workers == 1:
        sums = [band(first, last) for first, last in bounds]
    else:
        with ThreadPoolExecutor(workers) as pool:
            sums = list(pool.map(lambda bound: band(*bound), bounds))
    # Python's own fsum refuses infinities of both signs; they are bad input here, not a fault.
    if not all(math.isfinite(value) for value in sums):
        raise InputError(
            "an image contains NaN, infinity or values too large to square: clip it to its range first"
        )
    return math.fsum(sums)
