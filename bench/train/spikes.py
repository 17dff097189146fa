"""Watch the loss of a run for spikes, by which a training loses what it had learned."""

from __future__ import annotations

import math
import statistics
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Patches, and no fewer than FROM steps for the median. A few dark or bright ones may cost three times the
# usual; a mean over so many does not.
MEAN_OVER = 80
MEDIAN_OVER = 2000
# Steps before which the loss falls too fast to have a median.
FROM = 200
FACTOR = 3.0


class SpikeWatch:
    """Says when the loss spikes: its mean over 80 patches above three times its median over 2,000.

    Args:
        batch: patches in a step.
        losses: of the previous steps, oldest first, for a resumed run.
    """

    def __init__(self, batch: int, losses: Iterable[float] = ()) -> None:
        self._recent = math.ceil(MEAN_OVER / batch)
        self._losses = deque(losses, max(math.ceil(MEDIAN_OVER / batch), FROM))

    def spikes(self, loss: float) -> bool:
        """Take the loss of a step; True if it is a spike, or not finite."""
        if not math.isfinite(loss):
            return True
        self._losses.append(loss)
        if len(self._losses) < FROM:
            return False
        recent = list(self._losses)[-self._recent :]
        return statistics.fmean(recent) > FACTOR * statistics.median(self._losses)

    @property
    def losses(self) -> list[float]:
        """What a resumed run needs."""
        return list(self._losses)
