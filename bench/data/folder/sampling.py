"""Choose a few representative pairs, and find the frame size of a data set."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bench.machine.address import local
from llpacknet.errors import InputError
from llpacknet.raw.read import open_raw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.data.folder.pairs import Dataset, Pair


def spread(pairs: Sequence[Pair], limit: int | None) -> tuple[Pair, ...]:
    """Take at most `limit` pairs, of as many exposure ratios and scenes as there are; all of them if None.

    Each pick has the ratio, then the scene, that was picked least so far; ties go to the first in order.
    """
    if limit is None or len(pairs) <= limit:
        return tuple(pairs)
    left, taken = list(pairs), []
    ratios: Counter[int] = Counter()
    scenes: Counter[str] = Counter()
    for _ in range(limit):
        pick = min(left, key=lambda pair: (ratios[round(pair.ratio)], scenes[pair.scene]))
        left.remove(pick)
        taken.append(pick)
        ratios[round(pick.ratio)] += 1
        scenes[pick.scene] += 1
    return tuple(sorted(taken))


def frame_size(dataset: Dataset) -> tuple[int, int] | None:
    """Rows and columns of the first frame that can be opened, even; None if none of the first few can."""
    for pair in dataset.pairs[:5]:
        try:
            with open_raw(local(dataset.source(pair.short))) as raw:
                return int(raw.sizes.height) // 2 * 2, int(raw.sizes.width) // 2 * 2
        except (OSError, InputError):
            continue
    return None
