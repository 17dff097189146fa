"""Peaks: how fast this machine multiplies matrices and copies memory, as torch gets it to.

The roofs of a roofline. They are measured rather than taken from a data sheet, in the same process setting
(threads, device) as the networks: a network cannot be expected to do better than one large product does.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

SIDE = 2048
"""Rows and columns of the matrices: 17 GFLOP a product, from 50 MB."""
COPIED = 1 << 26
"""Numbers that are copied: 268 MB read and as many written, more than caches hold."""
ROUNDS = 5


def measured(device: str = "cpu", dtype: torch.dtype = torch.float32) -> dict[str, list[float]]:
    """Measure both peaks, one value a round, after one call of each that is not counted.

    Args:
        device: "cpu" or "cuda".
        dtype: number format.

    Returns:
        `product_flops`: floating-point operations a second of a matrix product (a multiply-accumulate is
        two); `copy_bytes`: bytes read and written a second by a copy.
    """
    with torch.inference_mode():
        return {"product_flops": product(device, dtype), "copy_bytes": copy(device, dtype)}


def product(device: str, dtype: torch.dtype) -> list[float]:
    """Floating-point operations a second of a square matrix product, one value a round."""
    first, second = (torch.ones(SIDE, SIDE, device=device, dtype=dtype) for _ in range(2))
    out = torch.empty_like(first)
    return _rates(lambda: torch.mm(first, second, out=out), 2.0 * SIDE**3, device)


def copy(device: str, dtype: torch.dtype) -> list[float]:
    """Bytes read and written a second by a copy within memory, one value a round."""
    source = torch.ones(COPIED * 4 // dtype.itemsize, device=device, dtype=dtype)
    target = torch.empty_like(source)
    return _rates(lambda: target.copy_(source), 2.0 * source.numel() * source.element_size(), device)


def _rates(call: Callable[[], Tensor], amount: float, device: str) -> list[float]:
    call()
    rates = []
    for _ in range(ROUNDS):
        _wait(device)
        start = time.perf_counter()
        call()
        _wait(device)
        rates.append(amount / (time.perf_counter() - start))
    return rates


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
