"""What neighbouring fields do to an image before they compare it: cut its centre, align its brightness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.measure.inputs import centre
from bench.metrics.images import BAND_ROWS
from bench.metrics.quantise import quantise
from bench.metrics.windows import LUMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.records.image_protocols import Alignment, View


def seen(prediction: NDArray[Any], truth: NDArray[Any], view: View) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return an image and its truth as a protocol sees them before rounding to 8 bits.

    Args:
        prediction: (H, W, 3) uint8, uint16, or floats in [0, 1].
        truth: the same shape.
        view: the crop, a central square with both corners at even positions (smaller images are used
            whole), and the alignment, whose factor is computed on the cropped image.

    Returns:
        Both cropped; if the brightness is aligned, the prediction as float32 in [0, 1].
    """
    if view.crop != "whole":
        height, width = (min(side, view.crop) for side in truth.shape[:2])
        top, left = centre(truth.shape, height, width)
        prediction, truth = (
            np.ascontiguousarray(one[top : top + height, left : left + width]) for one in (prediction, truth)
        )
    if view.align != "none":
        floats = quantise(prediction, "none")
        scale = factor(floats, quantise(truth, "none"), view.align)
        prediction = np.clip(floats * np.float32(scale), 0, 1)
    return prediction, truth


def factor(prediction: NDArray[Any], truth: NDArray[Any], how: Alignment) -> float:
    """Return the number by which an image (H, W, 3) in [0, 1] is multiplied; 1 for one that is black.

    "scalar" is the best fit to its truth by least squares over all pixels and colours, as papers on noise
    models do with raws; "gt-mean" matches the truth's mean grey (BT.601), as papers on rendered images do.
    Values above white are clipped afterwards.
    """
    if how == "none":
        return 1.0
    if how == "gt-mean":
        grey, true_grey = (_mean_grey(one) for one in (prediction, truth))
        return true_grey / grey if grey > 0 else 1.0
    product = square = 0.0
    for first in range(0, len(truth), BAND_ROWS):
        own, wanted = (one[first : first + BAND_ROWS].astype(np.float64) for one in (prediction, truth))
        product += float(np.sum(own * wanted))
        square += float(np.sum(own * own))
    return product / square if square > 0 else 1.0


def _mean_grey(image: NDArray[Any]) -> float:
    return float(image.mean(axis=(0, 1), dtype=np.float64) @ np.array(LUMA))
