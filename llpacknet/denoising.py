"""Restore dark raw photographs with a network from raw to raw: the result is a raw photograph again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from llpacknet.errors import InputError
from llpacknet.raw.render import render_frame
from llpacknet.restoring import TURNS, Placed, Restored, Restorer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llpacknet.raw.frame import RawFrame


class Denoiser(Restorer):
    """A network from an amplified Bayer mosaic to a denoised one, in one form; LibRaw renders its images.

    Arguments as for `Restorer`. A frame stays in its own camera's colours, which LibRaw renders.
    """

    def place(self, frame: RawFrame, ev: float = 0.0, mosaic: NDArray[np.float32] | None = None) -> Placed:
        """Normalise a frame, clip it at saturation, and amplify it; arguments as for `Restorer.place`."""
        self.check_bracket(ev)
        mosaic = np.minimum(self._normalised(frame, mosaic), 1)
        placed = self.place_mosaic(mosaic, turns=TURNS.get(frame.flip, 0), ev=ev)
        return replace(placed, frame=frame)

    def run(self, placed: Placed, bits: Literal[8, 16] = 8) -> Restored:
        """Run the network on a prepared photograph; returns the denoised raw frame and its image.

        Raises:
            InputError: the network does not return a mosaic of the frame's size, or LibRaw cannot render it.
        """
        assert placed.frame is not None
        with torch.inference_mode():
            output = self._form(placed.mosaic)
        _check_mosaic(output, placed.mosaic.shape)
        raw = placed.frame.recorded(output[0, 0].float().clamp(0, 1).cpu().numpy())
        image: NDArray[Any] = render_frame(raw)
        if bits == 8:
            image = np.rint(image / np.float32(257)).astype(np.uint8)
        return Restored(np.ascontiguousarray(np.rot90(image, placed.turns)), placed.gain, raw)


def _check_mosaic(output: Any, shape: torch.Size) -> None:
    """Refuse output that is not a mosaic of its input."""
    if not isinstance(output, torch.Tensor) or output.shape != shape:
        found = tuple(getattr(output, "shape", ())) or type(output).__name__
        raise InputError(f"the network gives {found}, not a mosaic of the frame's size {tuple(shape)}")
    if not bool(torch.isfinite(output).all()):
        raise InputError("the network gives NaN or infinity")
