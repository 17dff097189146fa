"""The seats of one set in turns (see `bench.run.turns`): how long a turn is, and how many there are."""

from __future__ import annotations

import contextlib
import time
from statistics import fmean
from typing import TYPE_CHECKING, Any

from bench.gate.seats import Seat

if TYPE_CHECKING:
    from bench.gate.seats import Nursery, Occupant

# A turn lasts at least so long: short calls are made several times in it.
TURN_S = 0.1
# Nor need one of a much slower revision last longer: what three times as long shows, three hundred would not.
LONGEST_TURN_S = 3 * TURN_S
# The cold call came before; a first turn that is slow still falls to the slower half.
WARM_UP_CALLS = 1
FEWEST, MOST = 2, 100


class Cadence:
    """What the seats of one set have in common, so that each has as many turns of as many calls.

    Args:
        seconds: how long after the first turn no further ones begin: how long the seats took to start must
            not leave them fewer turns.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begun = time.monotonic()
        self._quickest, self._slowest = float("inf"), 0.0
        self._goes_on: list[bool] = []

    def saw(self, seconds: float) -> None:
        """Take note of a warm call."""
        self._quickest, self._slowest = min(self._quickest, seconds), max(self._slowest, seconds)

    @property
    def spent_s(self) -> float:
        """Seconds since the first turn."""
        return time.monotonic() - self._begun

    @property
    def calls(self) -> int:
        """How many calls a turn has, over which a sample is the mean."""
        enough = TURN_S / max(self._quickest, 1e-9)
        return max(1, round(min(enough, LONGEST_TURN_S / max(self._slowest, 1e-9))))

    def goes_on(self, taken: int) -> bool:
        """Whether a seat that has taken this many turns takes another: decided once, for all seats alike."""
        if taken == len(self._goes_on):
            if taken == 0:
                self._begun = time.monotonic()
            # An odd number of turns would have its middle one in the faster half, and end amid a sequence.
            few = taken < FEWEST or taken % 2 == 1
            self._goes_on.append(few or (taken < MOST and self.spent_s < self._seconds))
        return self._goes_on[taken]


class Sitting:
    """A seat from its start to its end, for one set: a `bench.run.turns.Member`.

    Args:
        occupant: what the seat holds.
        nursery: gives the seat.
        cadence: that of the set.

    Attributes:
        opened: what the seat reported once it had its method.
        samples: one for each turn, in seconds per call; those of all seats have the same index.
    """

    def __init__(self, occupant: Occupant, nursery: Nursery, cadence: Cadence) -> None:
        self._occupant = occupant
        self._nursery = nursery
        self._cadence = cadence
        self._held = contextlib.ExitStack()
        self.opened: dict[str, Any] = {}
        self.samples: list[float] = []

    def start(self) -> None:
        """Start the seat, which builds its method and makes the cold call beside the others."""
        self._seat = Seat(self._occupant, self._nursery)
        self._held.callback(self._seat.close)

    def arrive(self) -> None:
        """Wait until it has."""
        self._seat.wait()
        self.opened = self._seat.opened

    def warm_up(self) -> None:
        """Let it make a call by itself."""
        self._cadence.saw(min(self._call(WARM_UP_CALLS)))

    @property
    def wants(self) -> bool:
        """Whether it wants a turn."""
        return self._cadence.goes_on(len(self.samples))

    def turn(self, number: int) -> None:  # noqa: ARG002 -- a seat need not know which turn it is
        """Let it make the calls of a turn, and keep their mean; SeatError if it fails."""
        self.samples.append(fmean(self._call(self._cadence.calls)))

    def finish(self) -> None:
        """Ask for nothing more: all that a seat does is done in its turns."""

    def close(self) -> None:
        """End the seat, if it was started."""
        self._held.close()

    def _call(self, calls: int) -> list[float]:
        samples: list[float] = self._seat.ask(do="turn", calls=calls)["samples_s"]
        return samples
