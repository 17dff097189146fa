"""The subsets of SID's Sony pairs that published protocols are scored on, as rules that fit any data set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.machine.wording import plural
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.data.folder.pairs import Pair

# Test scenes whose long exposure is shifted against the short ones; SID's authors leave them out.
MISALIGNED = frozenset({"10034", "10045", "10172"})


def _first(pair: Pair) -> bool:
    return pair.frame == "00"


# Each with the first digit of the ids that it takes: 0 for training, 1 for test, 2 for validation.
RULES: dict[str, tuple[str, Callable[[Pair], bool]]] = {
    "all": ("1", lambda _: True),
    "first": ("1", _first),
    "first-0.1s": ("1", lambda pair: _first(pair) and math.isclose(pair.short_s, 0.1)),
    "aligned": ("1", lambda pair: pair.scene not in MISALIGNED),
    "first-aligned": ("1", lambda pair: _first(pair) and pair.scene not in MISALIGNED),
    "first-minus-10172": ("1", lambda pair: _first(pair) and pair.scene != "10172"),
    "validation": ("2", lambda _: True),
    "training": ("0", lambda _: True),
}
SUBSETS = tuple(RULES)


@dataclass(frozen=True)
class Count:
    """How many pairs a subset has, how many of them first frames, and how many at each exposure ratio."""

    pairs: int
    first_frames: int | None = None
    ratios: tuple[int, int, int] | None = None


RATIOS = (100, 250, 300)
# Counts of the complete SID Sony set, from its own lists.
PUBLISHED = {
    "all": Count(598, 93, (182, 180, 236)),
    "first": Count(93, 93, (29, 29, 35)),
    "first-0.1s": Count(50, 50, (29, 0, 21)),
    "aligned": Count(562, 88, (160, 176, 226)),
    "first-aligned": Count(88, 88, (27, 27, 34)),
    "first-minus-10172": Count(92, 92, None),
    "validation": Count(234, 36, None),
    "training": Count(1865, 280, None),
}


def select(pairs: Iterable[Pair], subset: str, split: str | None = None) -> tuple[Pair, ...]:
    """Keep the pairs of a subset, in their order; there may be none.

    Args:
        pairs: the pairs.
        subset: name of the rule.
        split: first digit of the ids that are taken, instead of the rule's own.

    Raises:
        InputError: there is no such subset.
    """
    if subset not in RULES:
        raise InputError(f"there is no subset {subset!r}: choose one of {', '.join(SUBSETS)}")
    own, rule = RULES[subset]
    return tuple(pair for pair in pairs if pair.scene.startswith(split or own) and rule(pair))


def count(pairs: Iterable[Pair], subset: str) -> Count:
    """Count a subset's pairs, first frames and pairs at ratios 100, 250 and 300."""
    chosen = select(pairs, subset)
    at = tuple(sum(round(pair.ratio) == ratio for pair in chosen) for ratio in RATIOS)
    return Count(len(chosen), sum(pair.frame == "00" for pair in chosen), (at[0], at[1], at[2]))


def deviations(pairs: Iterable[Pair]) -> list[str]:
    """Return a line for each subset whose counts differ from the published ones; none for complete SID."""
    everything = tuple(pairs)
    lines = []
    for subset, published in PUBLISHED.items():
        found = count(everything, subset)
        if found.pairs != published.pairs or published.first_frames not in {None, found.first_frames}:
            lines.append(
                f"subset {subset} has {plural(found.pairs, 'pair')} "
                f"({plural(found.first_frames or 0, 'first frame')}), "
                f"in SID it has {published.pairs} ({published.first_frames})"
            )
        elif published.ratios not in {None, found.ratios}:
            lines.append(
                f"subset {subset} has {found.ratios} pairs at ratios {RATIOS}, in SID it has "
                f"{published.ratios}"
            )
    return lines
