"""Compiled inner loops of PSNR and SSIM. Each handles one band of rows and holds a few rows of scratch.

A picture (H, W, C) comes as (H, W*C), so that the neighbour of the same colour is C entries away.
Nothing is reordered (`fastmath` is off): a band's sum is the same on every run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def squared_difference(a: Any, b: Any) -> int:
    """Sum of (a - b)^2 of two integer arrays (H, N), exact."""
    total = np.int64(0)
    for y in range(a.shape[0]):
        for j in range(a.shape[1]):
            difference = np.int64(a[y, j]) - np.int64(b[y, j])
            total += difference * difference
    return int(total)


@njit(nogil=True, cache=True)
def box_ssim(a: Any, b: Any, columns: Any, c1: float, c2: float) -> float:
    """Sum of SSIM over all 7x7 windows inside integer arrays (H, N) of three colours; sample covariance.

    Window sums are exact integers that slide down the rows; only the last division is inexact.

    Args:
        a: prediction, (H, N).
        b: truth, (H, N).
        columns: scratch (4, N), int32 for 8 bits and int64 for 16.
        c1: (0.01 * data range)^2.
        c2: (0.03 * data range)^2.
    """
    height, n = a.shape
    out = n - 18
    columns[:] = 0
    totals = np.zeros(out)
    one = c1 * 2401.0  # the formula times 49^2 in the means and 49 * 48 in the covariances
    two = c2 * 2352.0
    for y in range(height):
        for j in range(n):
            p = np.int64(a[y, j])
            q = np.int64(b[y, j])
            columns[0, j] += p
            columns[1, j] += q
            columns[2, j] += p * p + q * q
            columns[3, j] += p * q
        if y < 6:
            continue
        for j in range(out):
            sums_a = columns[0, j]
            sums_b = columns[1, j]
            sums_squares = columns[2, j]
            sums_product = columns[3, j]
            for k in range(j + 3, j + 21, 3):
                sums_a += columns[0, k]
                sums_b += columns[1, k]
                sums_squares += columns[2, k]
                sums_product += columns[3, k]
            s = np.float64(sums_a)
            t = np.float64(sums_b)
            cross = s * t
            squares = s * s + t * t
            numerator = (2.0 * cross + one) * (2.0 * (49.0 * np.float64(sums_product) - cross) + two)
            totals[j] += numerator / ((squares + one) * (49.0 * np.float64(sums_squares) - squares + two))
        for j in range(n):
            p = np.int64(a[y - 6, j])
            q = np.int64(b[y - 6, j])
            columns[0, j] -= p
            columns[1, j] -= q
            columns[2, j] -= p * p + q * q
            columns[3, j] -= p * q
    total = 0.0
    for j in range(out):
        total += totals[j]
    return total


@njit(nogil=True, cache=True)
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
    columns = np.zeros((4, n))
    across = np.zeros((4, out))
    means = np.zeros((4, out))
    totals = np.zeros(out)
    for y in range(a.shape[0] - taps + 1):
        _weigh_down(a, b, y, weights, columns)
        _weigh_across(columns, weights, colours, across)
        _blend(across, mix, means)
        for j in range(out):
            p = means[0, j]
            q = means[1, j]
            cross = p * q
            squares = p * p + q * q
            numerator = (2.0 * cross + c1) * (2.0 * correction * (means[3, j] - cross) + c2)
            totals[j] += numerator / ((squares + c1) * (correction * (means[2, j] - squares) + c2))
    total = 0.0
    for j in range(out):
        total += totals[j]
    return total


@njit(nogil=True, cache=True)
def _weigh_down(a: Any, b: Any, y: int, weights: Any, columns: Any) -> None:
    """Column means of a, b, a^2 + b^2 and ab over the window's rows from y on, into `columns` (4, N)."""
    columns[:] = 0.0
    for t in range(weights.shape[0]):
        w = weights[t]
        for j in range(a.shape[1]):
            p = a[y + t, j]
            q = b[y + t, j]
            columns[0, j] += w * p
            columns[1, j] += w * q
            columns[2, j] += w * (p * p + q * q)
            columns[3, j] += w * (p * q)


@njit(nogil=True, cache=True)
def _weigh_across(columns: Any, weights: Any, colours: int, across: Any) -> None:
    across[:] = 0.0
    for i in range(4):
        for t in range(weights.shape[0]):
            w = weights[t]
            for j in range(across.shape[1]):
                across[i, j] += w * columns[i, j + t * colours]


@njit(nogil=True, cache=True)
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
