"""From a method's output to the values compared: the rounding to 8 bits on which protocols disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from bench.metrics.images import BAND_ROWS
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Quantisation = Literal["truncate", "round", "none"]


def quantise(image: NDArray[Any], how: Quantisation) -> NDArray[np.uint8] | NDArray[np.float32]:
    """Convert an image to the depth at which a protocol compares.

    Args:
        image: (H, W, 3); float with black 0 and white 1 (clipped to that range), uint16 with white 65535,
            or uint8, which is used unchanged.
        how: "truncate" to floor(255 x), "round" to the nearest of the 256 levels, or "none".

    Returns:
        uint8 for "truncate" and "round"; float32 in [0, 1] for "none", whatever the depth was.

    Raises:
        InputError: unknown kind of numbers or name, or NaN in the image.
    """
    if how not in get_args(Quantisation):
        raise InputError(f"there is no quantisation {how!r}: choose from {', '.join(get_args(Quantisation))}")
    if image.dtype == np.uint8 and how != "none":
        return image
    if image.dtype.kind not in "uf" or image.dtype.itemsize > 8 or image.dtype in (np.uint32, np.uint64):
        raise InputError(f"an image is {image.dtype}: pass uint8, uint16 or floats in [0, 1]")
    result = np.empty(image.shape, np.float32 if how == "none" else np.uint8)
    for first in range(0, len(image), BAND_ROWS):
        rows = slice(first, first + BAND_ROWS)
        result[rows] = (
            _of_floats(image[rows], how) if image.dtype.kind == "f" else _of_integers(image[rows], how)
        )
    return result


def _of_integers(band: NDArray[Any], how: Quantisation) -> NDArray[Any]:
    """Step of 16 bits, and of 8 to floats. 65535 = 257 * 255, so nothing is rounded twice."""
    result: NDArray[Any]
    if how == "none":
        result = band.astype(np.float32) / np.float32(np.iinfo(band.dtype).max)
    else:
        result = band // 257 if how == "truncate" else (band.astype(np.uint32) + 128) // 257
    return result


def _of_floats(band: NDArray[Any], how: Quantisation) -> NDArray[Any]:
    clipped: NDArray[Any] = np.clip(band, 0, 1)
    if np.isnan(np.sum(clipped)):
        raise InputError("an image contains NaN: fix the method that produced it")
    if how == "none":
        return clipped
    levels: NDArray[Any] = np.trunc(clipped * 255) if how == "truncate" else np.rint(clipped * 255)
    return levels
