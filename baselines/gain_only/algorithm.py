"""Gain only: amplify above the black level, clip at saturation, render."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llpacknet.raw.render import render_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llpacknet.raw.frame import RawFrame


class GainOnly:
    """The amplified raw, rendered by rawpy and otherwise unchanged."""

    def __call__(self, frame: RawFrame, gain: float = 1.0) -> NDArray[np.float32]:
        """Render `frame` with its digital numbers above black multiplied by `gain`.

        Returns:
            (H, W, 3) float32 in [0, 1], sRGB primaries with rawpy's default tone curve.
        """
        return render_frame(frame, gain).astype(np.float32) / np.float32(65535)
