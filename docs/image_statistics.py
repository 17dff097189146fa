# ruff: noqa: INP001 - a script, no package
"""Two numbers on which photographs agree: slope of the power spectrum, kurtosis of gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Spatial frequencies, in cycles per pixel, between which the slope is fitted.
BANDS = (0.005, 0.25)

_LUMA = (0.2126, 0.7152, 0.0722)


def luminance(image: NDArray[Any]) -> NDArray[np.float64]:
    """(H, W) weighted sum of an image's encoded (H, W, 3) values, 0 to 1; uint8, uint16 or float."""
    scale = np.iinfo(image.dtype).max if np.issubdtype(image.dtype, np.integer) else 1
    weighted = sum(weight * image[..., k].astype(np.float64) for k, weight in enumerate(_LUMA))
    return np.asarray(weighted / scale)


def power_spectrum(plane: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Power over spatial frequency, averaged over directions and over squares of the image.

    A square is a quarter of the shorter side.

    Returns:
        frequencies in cycles per pixel, and the power there in arbitrary units; 40 bands, evenly spaced in
        the logarithm. Squares carry a Hann window and overlap by half.
    """
    side = max(16, min(plane.shape) // 4)
    window = np.hanning(side)[:, None] * np.hanning(side)
    total = np.zeros((side, side // 2 + 1))
    for top in range(0, plane.shape[0] - side + 1, side // 2):
        for left in range(0, plane.shape[1] - side + 1, side // 2):
            square = plane[top : top + side, left : left + side]
            total += np.abs(np.fft.rfft2((square - square.mean()) * window)) ** 2
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    edges = np.geomspace(1.5 / side, 0.5, 41)
    which = np.digitize(radius.ravel(), edges) - 1
    counts = np.bincount(np.clip(which, -1, 40) + 1, minlength=42)[1:41]
    sums = np.bincount(np.clip(which, -1, 40) + 1, weights=total.ravel(), minlength=42)[1:41]
    filled = counts > 0
    return np.sqrt(edges[1:] * edges[:-1])[filled], sums[filled] / counts[filled]


def spectrum_slope(plane: NDArray[np.float64]) -> float:
    """Slope of log power over log frequency between `BANDS`; about -2 to -3 for photographs."""
    frequency, power = power_spectrum(plane)
    inside = (frequency >= BANDS[0]) & (frequency <= BANDS[1]) & (power > 0)
    return float(np.polyfit(np.log(frequency[inside]), np.log(power[inside]), 1)[0])


def gradient_kurtosis(plane: NDArray[np.float64]) -> float:
    """Kurtosis of horizontal and vertical differences: 3 for a normal, far more for photographs."""
    differences = np.concatenate([np.diff(plane, axis=axis).ravel() for axis in (0, 1)])
    centred = differences - differences.mean()
    return float((centred**4).mean() / (centred**2).mean() ** 2)
