"""The windows of SSIM: how each definition that papers have used looks at an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Definition = Literal["uniform", "gaussian", "gaussian-population", "wang-luma", "matlab-rgb"]
# ITU-R BT.601's luma of R, G, B, kept as a real number, never rounded to 8 bits.
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Window:
    """How one definition looks at an image.

    Attributes:
        weights: (K,) weights along one side of the square window, sum 1.
        correction: factor of the covariances: n / (n - 1) for n pixels, or 1 for the population's.
        luma: whether colours are reduced to luma first.
        volume: whether the colours are the window's third dimension, with replicated borders all round.
    """

    weights: NDArray[np.float64]
    correction: float = 1.0
    luma: bool = False
    volume: bool = False

    @property
    def mix(self) -> NDArray[np.float64]:
        """(C, C) weights of the colours in each other's windows; beyond the last colour it is replicated."""
        if self.luma:
            return np.eye(1)
        if not self.volume:
            return np.eye(3)
        radius = len(self.weights) // 2
        mix = np.zeros((3, 3))
        for colour in range(3):
            for tap, weight in enumerate(self.weights):
                mix[colour, min(max(colour + tap - radius, 0), 2)] += weight
        return mix


def _gaussian(radius: int = 5, sigma: float = 1.5) -> NDArray[np.float64]:
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    normalised: NDArray[np.float64] = weights / weights.sum()
    return normalised


WINDOWS: dict[Definition, Window] = {
    "uniform": Window(np.full(7, 1 / 7), correction=49 / 48),
    "gaussian": Window(_gaussian(), correction=121 / 120),
    "gaussian-population": Window(_gaussian()),
    "wang-luma": Window(_gaussian(), luma=True),
    "matlab-rgb": Window(_gaussian(), volume=True),
}
