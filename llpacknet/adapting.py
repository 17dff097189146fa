"""Convert another camera's frame to the colours that the networks were trained on, and back.

All networks here were trained for one camera, SID's Sony A7S II, and turn its mosaic before white balance
into sRGB; white balance and colour matrix of that camera are inside their weights. For linear camera RGB c
with white balance w and matrix M (white-balanced camera RGB to linear sRGB), the A7S II would have seen c_A =
diag(1/w_A) M_A^-1 M diag(w) c. A mosaic holds one colour per pixel, so that only the diagonal part, w / w_A,
can be applied to it; the rest, M M_A^-1, is applied to the network's image in linear light. Its rows sum to
1: what is grey stays grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from llpacknet.raw.dng import A7S2_XYZ_TO_CAMERA
from llpacknet.raw.read import color_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from llpacknet.raw.frame import RawFrame

# Multipliers of R, G1, G2, B: the median of SID's test scenes, the middle of what training draws from.
TRAINED_BALANCE = np.array([2.09, 1.0, 1.0, 2.43])
# Colour matrices closer than this in every entry are one camera's, written with other rounding.
SAME_CAMERA = 2e-3
_SATURATED = 0.995
_ROWS = 256
# The tone curve of the images trained on, rawpy's default (BT.709).
_KNEE, _SLOPE, _POWER, _OFFSET = 0.018054, 4.5, 2.222, 0.0993


@dataclass(frozen=True)
class Adaptation:
    """Factors that convert a camera's mosaic to the trained colours, and the image back to its own.

    Attributes:
        scale: (4,) factors of R, G1, G2, B before the network.
        correction: (3, 3) on linear sRGB after it; rows sum to 1.
    """

    scale: NDArray[np.float64]
    correction: NDArray[np.float64]

    def apply(self, mosaic: NDArray[np.float32]) -> None:
        """Scale the planes of a normalised RGGB mosaic (H, W) in place; saturated pixels stay saturated."""
        for index, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            plane = mosaic[row::2, column::2]
            # A lamp clips in all colours at once: scaled, it would be of the colour of the scales.
            clipped = plane >= _SATURATED
            plane *= np.float32(self.scale[index])
            np.minimum(plane, 1, out=plane)
            plane[clipped] = 1

    def correct(self, rgb: Tensor) -> None:
        """Convert an image (3, H, W) in [0, 1] from the trained camera's colours to its own, in place."""
        matrix = torch.from_numpy(self.correction).to(rgb.dtype).to(rgb.device)
        for top in range(0, rgb.shape[1], _ROWS):
            band = rgb[:, top : top + _ROWS]
            linear = _linear(band)
            turned = torch.tensordot(matrix, linear, dims=1).clamp_(0, 1)
            band.copy_(_toned(turned))


def adaptation(frame: RawFrame) -> Adaptation | None:
    """Return how to convert a frame to the trained colours; None if it comes from the trained camera."""
    if float(np.abs(frame.xyz_to_camera - A7S2_XYZ_TO_CAMERA).max()) < SAME_CAMERA:
        return None
    correction = frame.color_matrix @ np.linalg.inv(color_matrix(A7S2_XYZ_TO_CAMERA))
    return Adaptation(frame.white_balance / TRAINED_BALANCE, correction)


def _linear(value: Tensor) -> Tensor:
    """Undo the tone curve."""
    curved = ((value + _OFFSET) / (1 + _OFFSET)).pow_(_POWER)
    return torch.where(value < _SLOPE * _KNEE, value / _SLOPE, curved)


def _toned(linear: Tensor) -> Tensor:
    """Apply the tone curve."""
    curved = linear.pow(1 / _POWER).mul_(1 + _OFFSET).sub_(_OFFSET)
    return torch.where(linear < _KNEE, linear * _SLOPE, curved)
