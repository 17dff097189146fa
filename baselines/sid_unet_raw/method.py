"""SID's U-Net from raw to raw, and its restored mosaic through the camera pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from baselines.sid_unet.network import SidUNet
from llpacknet.raw.render import render_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from llpacknet.raw.frame import RawFrame


class RawDenoiser:
    """Denoises an amplified raw frame raw to raw, then renders it as `gain-only` does.

    Args:
        network: from an amplified mosaic (B, 1, H, W) to a restored one; SID's U-Net, with torch's own
            initialisation, if None. Any of its forms may stand here.
        device: where it is called.

    """

    def __init__(
        self, network: Callable[[Tensor], Tensor] | None = None, device: str | torch.device = "cpu"
    ) -> None:
        self.network = SidUNet(channels=1) if network is None else network
        self.device = device

    def __call__(self, frame: RawFrame, gain: float = 1.0) -> NDArray[np.float32]:
        """Restore a frame: the mosaic is clipped to [0, 1] before and after the gain, and after the network.

        Returns:
            (H, W, 3) float32 in [0, 1], sRGB primaries with rawpy's default tone curve.

        Raises:
            InputError: a frame that the network does not take, or LibRaw does not render (sides below 22).

        """
        mosaic = np.minimum(np.minimum(frame.normalised(), 1) * np.float32(gain), 1)
        with torch.inference_mode():
            restored = self.network(torch.from_numpy(mosaic)[None, None].to(self.device))
        image = render_frame(frame.recorded(restored[0, 0].float().clamp(0, 1).cpu().numpy()))
        return image.astype(np.float32) / np.float32(65535)
