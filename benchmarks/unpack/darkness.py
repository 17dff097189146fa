"""How much of a restored image stays too dark: what the README's "underexposed regions" can mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import avg_pool2d

from bench.train.loading import batch_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from bench.train.patches import Patch

# Our reading: a block of so many pixels a side, which the truth shows at this or brighter (where 1 is white,
# after the tone curve), and the restoration at less than this share of the truth.
BLOCK, SHOWN, LEFT = 16, 0.1, 0.25


def dark_share(restored: Tensor, truth: Tensor) -> float | None:
    """Share of an image's blocks that stay too dark, among those that the truth shows.

    Args:
        restored: (B, 3, H, W), clipped to [0, 1] here.
        truth: (B, 3, H, W) in [0, 1].

    Returns:
        the share, 0 to 1; None where the truth shows nothing.
    """
    ours, theirs = (avg_pool2d(image.mean(1, keepdim=True), BLOCK) for image in (restored.clamp(0, 1), truth))
    shown = theirs >= SHOWN
    if not shown.any():
        return None
    return float((ours[shown] < LEFT * theirs[shown]).double().mean())


def mean_dark_share(network: nn.Module, patches: Sequence[Patch]) -> float | None:
    """Mean of `dark_share` over the images that a trunk restores from amplified mosaics; None of none."""
    found = []
    with torch.inference_mode():
        for patch in patches:
            batch = batch_of([patch])
            amplified = batch.mosaic.clamp(min=0) * batch.ratio.view(-1, 1, 1, 1)
            share = dark_share(network(amplified), batch.truth)
            found += [] if share is None else [share]
    return float(np.mean(found)) if found else None
