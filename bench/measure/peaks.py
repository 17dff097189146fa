"""Peaks: how fast this machine multiplies and copies, as far as torch, NumPy and a loop of our own get it to.

The roofs of a roofline. They are measured rather than taken from a data sheet, in the same process setting
(threads, device) as the networks. No single kernel is the roof: BLAS libraries choose older instructions on
processors that they do not know, so that the fastest of several compute-bound kernels counts, and what the
vector instructions allow (`bench.measure.registers`) is measured beside them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F

from bench.measure import registers
from llpacknet.runtimes.processor import lacks

if TYPE_CHECKING:
    from collections.abc import Callable

# Rows and columns of the matrices: 17 GFLOP a product, from 50 MB.
SIDE = 2048
# 3x3 convolutions: inputs, outputs, rows, columns; their inputs and outputs stay near the caches.
CONVOLVED = ((64, 64, 96, 256), (128, 128, 96, 256), (192, 64, 96, 256))
# An inner product: rows, inputs, outputs.
INNER = (4096, 1024, 1024)
# Numbers that are copied: 268 MB read and as many written, more than caches hold.
COPIED = 1 << 26
ROUNDS = 5
# Names of the loop within the registers, and of cores x lanes x 2 x units x clock.
REGISTERS, LIMIT = "registers", "limit"
DTYPES = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.int8: "int8"}


def measured(device: str = "cpu", dtype: torch.dtype = torch.float32) -> dict[str, list[float]]:
    """Measure the peaks, one value per round, after one call of each that is not counted.

    Args:
        device: "cpu" or "cuda".
        dtype: number format.

    Returns:
        `product_flops`: operations per second of a matrix product by torch (a multiply-accumulate is two);
        `numpy_product_flops`, `convolution_INPUTS_OUTPUTS_flops`, `inner_product_flops`, `registers_flops`:
        the same of other kernels, on the CPU; `limit_flops` and `clock_hz` beside the registers' loop;
        `copy_bytes`: bytes read and written per second by a copy.
    """
    with torch.inference_mode():
        found = {f"{name}_flops": rates for name, rates in kernels(device, dtype).items()}
        if device == "cpu":
            found |= of_instructions(DTYPES[dtype], torch.get_num_threads())
        return {**found, "copy_bytes": copy(device, dtype)}


def of_few_digits() -> dict[str, dict[str, list[float]]]:
    """Return the peaks of bf16 and int8, by key of a `kernels` cell, if there are instructions for them."""
    formats = {precision: dtype for dtype, precision in DTYPES.items() if precision != "fp32"}
    return {
        f"peaks_{precision}": measured("cpu", dtype)
        for precision, dtype in formats.items()
        if not lacks(precision)
    }


def kernels(device: str, dtype: torch.dtype) -> dict[str, list[float]]:
    """Operations per second of every compute-bound kernel of the libraries, by name, one value per round."""
    if dtype == torch.int8:
        return {"product": int8_product()}
    found = {"product": product(device, dtype)}
    if device != "cpu":
        return found
    if dtype == torch.float32:
        found["numpy_product"] = numpy_product()
    for inputs, outputs, rows, columns in CONVOLVED:
        found[f"convolution_{inputs}_{outputs}"] = convolution(inputs, outputs, rows, columns, dtype)
    return {**found, "inner_product": inner_product(dtype)}


def of_instructions(precision: str, threads: int) -> dict[str, list[float]]:
    """Rates of the loop within the registers, of the clock, and of what both together allow; none without."""
    bound = registers.bound(precision, threads)
    if bound is None:
        return {}
    return {
        f"{REGISTERS}_flops": [bound.flops],
        f"{LIMIT}_flops": [bound.limit_flops],
        "clock_hz": [bound.clock_hz],
    }


def product(device: str, dtype: torch.dtype) -> list[float]:
    """Floating-point operations per second of a square matrix product, one value per round."""
    first, second = (torch.ones(SIDE, SIDE, device=device, dtype=dtype) for _ in range(2))
    out = torch.empty_like(first)
    return _rates(lambda: torch.mm(first, second, out=out), 2.0 * SIDE**3, device)


def numpy_product() -> list[float]:
    """Operations a second of NumPy's product: its library is not torch's, and either can be the faster."""
    first = np.ones((SIDE, SIDE), np.float32)
    out = np.empty_like(first)
    return _rates(lambda: np.matmul(first, first, out=out), 2.0 * SIDE**3, "cpu")


def int8_product() -> list[float]:
    """Operations a second of torch's product of signed bytes into 32-bit sums."""
    first = torch.ones(SIDE, SIDE, dtype=torch.int8)
    return _rates(lambda: torch._int_mm(first, first), 2.0 * SIDE**3, "cpu")  # noqa: SLF001


def convolution(inputs: int, outputs: int, rows: int, columns: int, dtype: torch.dtype) -> list[float]:
    """Operations a second of a 3x3 convolution, channels-last, without what it does at its edges."""
    x = torch.ones(1, inputs, rows + 2, columns + 2, dtype=dtype)
    weight = torch.ones(outputs, inputs, 3, 3, dtype=dtype)
    x, weight = (one.contiguous(memory_format=torch.channels_last) for one in (x, weight))
    return _rates(lambda: F.conv2d(x, weight), 2.0 * 9 * inputs * outputs * rows * columns, "cpu", calls=2)


def inner_product(dtype: torch.dtype) -> list[float]:
    """Operations a second of a linear layer."""
    rows, inputs, outputs = INNER
    x, weight = torch.ones(rows, inputs, dtype=dtype), torch.ones(outputs, inputs, dtype=dtype)
    return _rates(lambda: F.linear(x, weight), 2.0 * rows * inputs * outputs, "cpu")


def copy(device: str, dtype: torch.dtype) -> list[float]:
    """Bytes read and written per second by a copy within memory, one value per round."""
    source = torch.ones(COPIED * 4 // dtype.itemsize, device=device, dtype=dtype)
    target = torch.empty_like(source)
    return _rates(lambda: target.copy_(source), 2.0 * source.numel() * source.element_size(), device)


def _rates(call: Callable[[], Any], amount: float, device: str, calls: int = 1) -> list[float]:
    """Amount per second in each round of a number of calls."""
    call()
    rates = []
    for _ in range(ROUNDS):
        _wait(device)
        start = time.perf_counter()
        for _ in range(calls):
            call()
        _wait(device)
        rates.append(calls * amount / (time.perf_counter() - start))
    return rates


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
