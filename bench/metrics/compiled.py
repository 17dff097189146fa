"""Compiled inner loops of PSNR and SSIM. Each handles one band of rows and holds a few rows of scratch.

An image (H, W, C) comes as (H, W*C), so that the neighbour of the same colour is C entries away.
Nothing is reordered (`fastmath` is off): a band's sum is the same on every run.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.machine.compiling import kernel


@kernel
def squared_difference(a: Any, b: Any) -> int:
    """Sum of (a - b)^2 of two integer arrays (H, N), exact."""
    total = np.int64(0)
    for y in range(a.shape[0]):
        for j in range(a.shape[1]):
            difference = np.int64(a[y, j]) - np.int64(b[y, j])
            total += difference * difference
    return int(total)


@kernel
def box_ssim(a: Any, b: Any, columns: Any, windows: Any, c1: float, c2: float) -> float:
    """Sum of SSIM over all 7x7 windows inside integer arrays (H, N) of three colours; sample covariance.

    Window sums are exact integers that slide down the rows; only the last division is inexact.

    Args:
        a: prediction, (H, N).
        b: truth, (H, N).
        columns: scratch (4, N), int32 for 8 bits and int64 for 16.
        windows: scratch (4, N - 18) of the same kind.
        c1: (0.01 * data range)^2.
        c2: (0.03 * data range)^2.
    """
    totals = np.zeros(a.shape[1] - 18)
    columns[:] = 0
    for y in range(a.shape[0]):
        _slide(a, b, y, 1, columns[0], columns[1], columns[2], columns[3])
        if y >= 6:
            for i in range(4):
                _sum_of_seven(columns[i], windows[i])
            # The formula times 49^2 in the means and 49 * 48 in the covariances.
            _add_boxes(windows[0], windows[1], windows[2], windows[3], c1 * 2401.0, c2 * 2352.0, totals)
            _slide(a, b, y - 6, -1, columns[0], columns[1], columns[2], columns[3])
    total = 0.0
    for j in range(totals.shape[0]):
        total += totals[j]
    return total


@kernel
def _slide(a: Any, b: Any, y: int, sign: int, sum_a: Any, sum_b: Any, squares: Any, products: Any) -> None:
    """Add row y to the column sums (N,) of a, b, a^2 + b^2 and ab, or take it away.

    One flat loop over separate rows: the form that the compiler turns into vector instructions.
    """
    for j in range(sum_a.shape[0]):
        p = np.int32(a[y, j])
        q = np.int32(b[y, j])
        sum_a[j] += sign * p
        sum_b[j] += sign * q
        squares[j] += sign * (p * p + q * q)
        products[j] += sign * (p * q)


@kernel
def _sum_of_seven(c: Any, out: Any) -> None:
    for j in range(out.shape[0]):
        out[j] = c[j] + c[j + 3] + c[j + 6] + c[j + 9] + c[j + 12] + c[j + 15] + c[j + 18]


@kernel
def _add_boxes(
    sum_a: Any, sum_b: Any, squares: Any, products: Any, c1: float, c2: float, totals: Any
) -> None:
    for j in range(totals.shape[0]):
        p = np.float64(sum_a[j])
        q = np.float64(sum_b[j])
        cross = p * q
        own = p * p + q * q
        numerator = (2.0 * cross + c1) * (2.0 * (49.0 * np.float64(products[j]) - cross) + c2)
        totals[j] += numerator / ((own + c1) * (49.0 * np.float64(squares[j]) - own + c2))


@kernel
def weighted_ssim(a: Any, b: Any, weights: Any, mix: Any, correction: float, c1: float, c2: float) -> float:
    """Sum of SSIM over all windows inside float64 arrays (H, N), with separable weights.

    Args:
        a: prediction, (H, N), with whatever border the definition asks for already around it.
        b: truth, (H, N).
        weights: (K,) the window's weights along one side, sum 1; used down and across.
        mix: (C, C) weights of the colours in each other's windows; the identity where each stands alone.
        correction: factor of the covariances, 1 for the population's.
        c1: (0.01 * data range)^2.
        c2: (0.03 * data range)^2.
    """
    n = a.shape[1]
    taps = weights.shape[0]
    colours = mix.shape[0]
    out = n - (taps - 1) * colours
    columns = np.empty((4, n))
    across = np.empty((4, out))
    means = np.empty((4, out))
    totals = np.zeros(out)
    for y in range(a.shape[0] - taps + 1):
        columns[:] = 0.0
        for t in range(taps):
            _weigh_row(a, b, y + t, weights[t], columns[0], columns[1], columns[2], columns[3])
        across[:] = 0.0
        for i in range(4):
            for t in range(taps):
                _weigh_shifted(columns[i], t * colours, weights[t], across[i])
        _blend(across, mix, means)
        _add_weighted(means[0], means[1], means[2], means[3], correction, c1, c2, totals)
    total = 0.0
    for j in range(out):
        total += totals[j]
    return total


@kernel
def _weigh_row(
    a: Any, b: Any, y: int, w: float, mean_a: Any, mean_b: Any, squares: Any, products: Any
) -> None:
    for j in range(mean_a.shape[0]):
        p = a[y, j]
        q = b[y, j]
        mean_a[j] += w * p
        mean_b[j] += w * q
        squares[j] += w * (p * p + q * q)
        products[j] += w * (p * q)


@kernel
def _weigh_shifted(column: Any, shift: int, w: float, out: Any) -> None:
    for j in range(out.shape[0]):
        out[j] += w * column[j + shift]


@kernel
def _blend(across: Any, mix: Any, means: Any) -> None:
    colours = mix.shape[0]
    means[:] = 0.0
    for i in range(4):
        for c in range(colours):
            for d in range(colours):
                w = mix[c, d]
                if w != 0.0:
                    for j in range(0, means.shape[1], colours):
                        means[i, j + c] += w * across[i, j + d]


@kernel
def _add_weighted(
    mean_a: Any,
    mean_b: Any,
    squares: Any,
    products: Any,
    correction: float,
    c1: float,
    c2: float,
    totals: Any,
) -> None:
    for j in range(totals.shape[0]):
        p = mean_a[j]
        q = mean_b[j]
        cross = p * q
        own = p * p + q * q
        numerator = (2.0 * cross + c1) * (2.0 * correction * (products[j] - cross) + c2)
        totals[j] += numerator / ((own + c1) * (correction * (squares[j] - own) + c2))
