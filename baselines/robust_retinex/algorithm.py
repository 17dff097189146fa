"""Robust Retinex as a method of the suite: the value of rawpy's rendering, decomposed and recomposed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from baselines.robust_retinex.decomposition import Decomposition, Parameters, decompose
from llpacknet.raw.render import render_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llpacknet.raw.frame import RawFrame


@dataclass(frozen=True)
class RobustRetinex:
    """Li et al.'s method with its parameters; `repr` prints them all.

    Attributes:
        parameters: of the model and its minimisation.
        gamma: the illumination is raised to 1/gamma before the parts are put together again.
    """

    parameters: Parameters = field(default_factory=Parameters)
    gamma: float = 2.2

    def __call__(self, frame: RawFrame, gain: float = 1.0) -> NDArray[np.float32]:
        """Restore a raw frame; `gain` is not used, the method finds the brightening itself.

        Returns:
            (H, W, 3) float32 sRGB-encoded in [0, 1].
        """
        del gain
        image = render_frame(frame).astype(np.float32)
        image /= np.float32(65535)
        return self.enhance(image)[0]

    def enhance(self, image: NDArray[np.float32]) -> tuple[NDArray[np.float32], Decomposition]:
        """Enhance an image (H, W, 3) in [0, 1], and return the decomposition of its value channel.

        Only V of HSV changes, to R ∘ L^(1/γ) without the noise N: hue and saturation stay when R, G and B are
        scaled alike. A black pixel has neither and becomes grey.
        """
        value = image.max(axis=2)
        parts = decompose(value, self.parameters)
        brightened = np.maximum(parts.illumination, 0)
        np.power(brightened, np.float32(1 / self.gamma), out=brightened)
        brightened *= parts.reflectance
        np.clip(brightened, 0, 1, out=brightened)
        black = value <= 0
        factor = np.divide(brightened, np.where(black, np.float32(1), value), dtype=np.float32)
        enhanced = np.multiply(image, factor[..., None], dtype=np.float32)
        enhanced[black] = brightened[black, None]
        np.clip(enhanced, 0, 1, out=enhanced)
        return enhanced, parts
