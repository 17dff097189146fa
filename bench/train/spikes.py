"""Watch the loss of a run for spikes, by which a training loses what it had learned."""

from __future__ import annotations

import math
import statistics
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# A single batch of dark or bright patches may cost three times the usual; a mean over so many does not.
MEAN_OVER = 20
MEDIAN_OVER = 500
# Before so many steps the loss falls too fast to have a median.
FROM = 200
FACTOR = 3.0


class SpikeWatch:
    """Says when the loss spikes: its mean over 20 steps above three times its median over 500.

    Args:
        losses: of the previous steps, oldest first, for a resumed run.
    """

    def __init__(self, losses: Iterable[float] = ()) -> None:
        self._losses = deque(losses, MEDIAN_OVER)

    def spikes(self, loss: float) -> bool:
        """Take the loss of a step; True if it is a spike, or not finite."""
        if not math.isfinite(loss):
            return True
        self._losses.append(loss)
        if len(self._losses) < FROM:
            return False
        recent = list(self._losses)[-MEAN_OVER:]
        return statistics.fmean(recent) > FACTOR * statistics.median(self._losses)

    @property
    def losses(self) -> list[float]:
        """What a resumed run needs."""
        return list(self._losses)
