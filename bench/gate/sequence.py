"""Whose turn it is: seats compute one after another, in an order that favours none of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.gate.seats import Seat

TURN_S = 0.1
"""A turn lasts at least so long: short calls are made several times in it."""
WARM_UP_CALLS = 1
"""The cold call came before; a first turn that is slow still falls to the slower half."""
FEWEST, MOST = 2, 100
Samples = dict[str, list[float]]


@dataclass(frozen=True)
class Taken:
    """What the seats of one set measured.

    Attributes:
        samples: per seat one value for each cycle, in seconds a call: cycles stand at the same place.
        calls: calls in a turn, over which a value is the mean.
    """

    samples: Samples
    calls: int


def take_turns(seats: Mapping[str, Seat], seconds: float) -> Taken:
    """Warm the seats up and let them take turns for about `seconds`.

    A cycle gives each seat one turn. Of three seats none follows itself, and each follows each of the others
    equally often, A B C A C B: what a turn leaves in the caches is worth some per cent to its own next one.
    """
    end = time.monotonic() + seconds
    warm = [seat.ask(do="turn", calls=WARM_UP_CALLS)["samples_s"] for seat in seats.values()]
    calls = max(1, round(TURN_S / max(min(map(min, warm)), 1e-9)))
    orders = _orders(tuple(seats))
    samples: Samples = {label: [] for label in seats}
    cycle = 0
    # An odd number has its middle turn in the faster half, and half a sequence at its end.
    while cycle < FEWEST or cycle % 2 or (cycle < MOST and time.monotonic() < end):
        for label in orders[cycle % 2]:
            taken = seats[label].ask(do="turn", calls=calls)["samples_s"]
            samples[label].append(fmean(taken))
        cycle += 1
    return Taken(samples, calls)


def _orders(labels: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the two orders that cycles change between."""
    return labels, (labels[0], *reversed(labels[1:]))
