"""The logarithmic bins in which both of the authors' amplifications look at a raw."""

from __future__ import annotations

import numpy as np
import torch


def logarithmic_edges(bins: int) -> torch.Tensor:
    """(bins+1,) float32 edges (2**linspace(0, 8, bins+1) - 1) / 255 of half-open bins from 0 to 1.

    They are rounded up to float32: comparing a float32 pixel with them then gives what comparing it with the
    exact edges in float64 gives.
    """
    exact = (2.0 ** np.linspace(0, 8, bins + 1) - 1) / 255
    rounded = exact.astype(np.float32)
    upwards = np.nextafter(rounded, np.float32(np.inf))
    return torch.from_numpy(np.where(rounded < exact, upwards, rounded))
