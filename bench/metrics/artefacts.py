"""Artefacts that are obvious to a viewer but hardly change PSNR: a grid in even areas, and lamps turned dark.

Both compare a restored image with its truth, (H, W, 3) of one kind, and look only at selected places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from bench.metrics import images
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bench.metrics.images import Image

# Side of the areas that are looked at for a grid, in pixels: whole blocks of 8 and of 16.
TILE = 64
# An area is even where the truth's standard deviation is at most this share of the range, in every colour.
EVEN = 0.02
# And neither black nor white, where clipping hides what lies beneath.
INSIDE = (0.02, 0.98)

SATURATED = 0.99
SMALLEST_LAMP = 9
RING = 8
GAP = 2


@dataclass(frozen=True)
class Lamp:
    """A saturated spot of the truth.

    Attributes:
        row: of its centre.
        column: of its centre.
        pixels: how many are saturated.
        inside: mean luminance of the restored image there, 1 is white.
        around: the same of a ring around it, which the truth has darker.
        dark: how many of its pixels are darker than the ring's mean.
    """

    row: int
    column: int
    pixels: int
    inside: float
    around: float
    dark: int

    @property
    def is_dark(self) -> bool:
        """Whether the restored lamp is darker than its surroundings."""
        return self.inside < self.around


def grid_energy(prediction: Image, truth: Image, period: int = 8, data_range: float | None = None) -> float:
    """Amplitude of a pattern that repeats with a period, in the even areas of an image.

    The error (prediction - truth) of each even area of 64 x 64 pixels is freed of all that varies slowly (its
    mean over period x period pixels around each is subtracted, which leaves every pattern of that period as
    it is) and averaged over the area's blocks. So that noise does not count, the blocks are halved like the
    squares of a chessboard: the energy is the mean product of the two halves' patterns, which for independent
    noise is zero on average. It is averaged over the areas and colours.

    Args:
        prediction: (H, W, 3) uint8, uint16 or float.
        truth: the same shape and kind, without noise.
        period: side of a block, 8 or 16; blocks begin at pixel (0, 0).
        data_range: distance from black to white; 255 and 65535 for integers if None, required for floats.

    Returns:
        Root mean square of the pattern in percent of the range, 0 and up, lower is better; not a number where
        the truth has no even area.

    Raises:
        InputError: a period that does not fit, or images that cannot be compared.
    """
    if period < 2 or TILE % (2 * period):
        raise InputError(f"a grid's period of {period} does not divide areas of {TILE}: give 4, 8 or 16")
    peak = images.checked_range(prediction, truth, data_range)
    energies = [
        _energy((tile - even) / peak, period)
        for tile, even in _even_tiles(images.as_array(prediction), images.as_array(truth), peak)
    ]
    return 100 * math.sqrt(max(0.0, float(np.mean(energies)))) if energies else math.nan


def _even_tiles(
    prediction: Image, truth: Image, peak: float
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Areas of both images in which the truth is even."""
    height, width = truth.shape[:2]
    for row in range(0, height - TILE + 1, TILE):
        for column in range(0, width - TILE + 1, TILE):
            place = (slice(row, row + TILE), slice(column, column + TILE))
            even = truth[place].astype(np.float64)
            mean, spread = even.mean(axis=(0, 1)) / peak, even.std(axis=(0, 1)) / peak
            if spread.max() <= EVEN and INSIDE[0] <= mean.min() and mean.max() <= INSIDE[1]:
                yield prediction[place].astype(np.float64), even


def _energy(error: NDArray[np.float64], period: int) -> float:
    """Mean product of the patterns of the two halves of an area's blocks; about zero for noise."""
    slow = ndimage.uniform_filter(error, (period, period, 0), mode="wrap")
    # The mean over a period is right where it does not reach over the area's border.
    inner = (error - slow)[period:-period, period:-period]
    count = TILE // period - 2
    blocks = inner.reshape(count, period, count, period, 3).transpose(0, 2, 1, 3, 4)
    odd = np.indices((count, count)).sum(axis=0) % 2 == 1
    one, other = (blocks[half].mean(axis=0) for half in (odd, ~odd))
    one, other = (each - each.mean(axis=(0, 1)) for each in (one, other))
    return float((one * other).mean())


def lamps(prediction: Image, truth: Image, data_range: float | None = None) -> list[Lamp]:
    """Find the lamps of an image's truth, and how bright the restored image is there.

    A lamp is a connected spot of at least nine pixels that are saturated in all three colours; its
    surroundings are a ring 8 pixels wide, 2 pixels away, without other saturated pixels. Spots at the
    image's border and those without such a ring are left out.

    Args:
        prediction: (H, W, 3) uint8, uint16 or float.
        truth: the same shape and kind.
        data_range: distance from black to white; 255 and 65535 for integers if None, required for floats.

    Raises:
        InputError: the images cannot be compared.
    """
    peak = images.checked_range(prediction, truth, data_range)
    wanted, restored = images.as_array(truth), images.as_array(prediction)
    saturated = np.asarray((wanted >= SATURATED * peak).all(axis=2))
    labels, _ = ndimage.label(saturated, np.ones((3, 3)))
    found = []
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        window = tuple(slice(max(0, each.start - GAP - RING), each.stop + GAP + RING) for each in place)
        lamp = np.asarray(labels[window] == number)
        near = ndimage.binary_dilation(lamp, iterations=GAP)
        ring = ndimage.binary_dilation(near, iterations=RING) & ~near & ~saturated[window]
        at_border = any(
            each.start == 0 or each.stop == side for each, side in zip(place, saturated.shape, strict=True)
        )
        if lamp.sum() >= SMALLEST_LAMP and ring.any() and not at_border:
            light = _luminance(restored[window]) / peak
            centre = [(each.start + each.stop) // 2 for each in place]
            inside, around = light[lamp], float(light[ring].mean())
            dark = int((inside < around).sum())
            found.append(Lamp(centre[0], centre[1], inside.size, float(inside.mean()), around, dark))
    return found


def _luminance(rgb: NDArray[Any]) -> NDArray[np.float64]:
    """BT.709 luminance of (H, W, 3) values after the tone curve, (H, W)."""
    return np.asarray(rgb.astype(np.float64) @ np.array([0.2126, 0.7152, 0.0722]))
