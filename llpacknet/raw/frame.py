"""A raw frame as a camera recorded it, with everything needed to interpret it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class RawFrame:
    """One Bayer frame in RGGB phase.

    Attributes:
        mosaic: (H, W) uint16, digital numbers as recorded; H and W even; pixel (0, 0) is red.
        black: (4,) float64, black level of R, G1, G2, B in digital numbers.
        white: saturation level in digital numbers.
        white_balance: (4,) float64, multipliers of R, G1, G2, B, scaled so that green is 1.
        color_matrix: (3, 3) float64, white-balanced camera RGB to linear sRGB; rows sum to 1.
        xyz_to_camera: (3, 3) float64, XYZ (D65) to camera RGB, as DNG's ColorMatrix1.
        path: the file it was read from, if any.
        flip: how the image is to be turned, in LibRaw's code (0 none, 3 by 180, 5 left, 6 right).
        notes: what the file leaves open, or asks for without effect, a phrase each, to follow the name of
            the file.
        masked: mean of the sensor's masked pixels above black, in digital numbers; None if the file has
            none.
    """

    mosaic: NDArray[np.uint16]
    black: NDArray[np.float64]
    white: int
    white_balance: NDArray[np.float64]
    color_matrix: NDArray[np.float64]
    xyz_to_camera: NDArray[np.float64]
    path: Path | None = None
    flip: int = 0
    notes: tuple[str, ...] = ()
    masked: float | None = None

    def normalised(self, *, keeps_negatives: bool = False) -> NDArray[np.float32]:
        """(H, W) float32 mosaic, max(raw - black, 0) / (white - black): 0 is black, 1 is saturation.

        Args:
            keeps_negatives: keep values that noise takes below black as negative numbers.
        """
        plane = np.empty(self.mosaic.shape, np.float32)
        for index, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            black = np.float32(self.black[index])
            above = self.mosaic[row::2, column::2].astype(np.float32) - black
            if not keeps_negatives:
                np.maximum(above, 0, out=above)
            plane[row::2, column::2] = above / np.float32(self.white - black)
        return plane

    def recorded(self, mosaic: NDArray[np.float32]) -> RawFrame:
        """Return the frame with a normalised mosaic (H, W) in [0, 1] in place of its own.

        It is rounded to the digital numbers of the frame, whose black and white levels stay.
        """
        numbers = np.empty_like(self.mosaic)
        for index, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            black = np.float32(self.black[index])
            plane = black + mosaic[row::2, column::2] * np.float32(self.white - black)
            numbers[row::2, column::2] = np.rint(plane).astype(np.uint16)
        return replace(self, mosaic=numbers)
