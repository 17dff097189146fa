"""Power of the gate's verdicts on times, by simulation: 200 gates per line, with the gate's own decisions.

    python benchmarks/gate_power.py [--gates 200] [--machines quiet,shared,uneven,drifting,settling,heavy]

A gate is at most three attempts of eight sets, each of twelve turns of base, twin and head. A process's times
differ from another's by 0.8 % (what two shared cores of an AMD EPYC showed), its turns by 3 %; `shared` adds
what other programs do there: a turn in ten is longer, by half on average, on all sides alike; `uneven` makes
processes differ by 3 %; `drifting` becomes 30 % slower over three attempts; `settling` has a first set that
is 16 % slower, whose turns begin as much slower again; in `heavy`, turns scatter by Student's t with 3
degrees of freedom; in `short`, sets of the shared machine have four turns, as a slow start once left them.
All from one seed: the table is the same everywhere.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.gate.comparison import ATTEMPTS
from bench.judge import timing
from bench.judge.paired import by_round, faster_half, round_ratios, slower_half
from bench.judge.verdicts import EFFECT, EFFECT_TAIL, TIMES, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SETS, TURNS = 8, 12
SEED = 2020


@dataclass(frozen=True)
class Machine:
    """How times scatter.

    Attributes:
        processes: standard deviation of the logarithm of a process's time.
        turns: of a turn's within it.
        share: how many turns are longer.
        longer: by how much, on average, relatively.
        drift: by how much the machine becomes slower over all attempts, in logarithms.
        slow: by how much the first set of an attempt is slower, and its first turn once more.
        degrees: of freedom of the turns' distribution, Student's t; infinite for a normal one.
        count: turns of a process.
    """

    processes: float = 0.008
    turns: float = 0.03
    share: float = 0.0
    longer: float = 0.5
    drift: float = 0.0
    slow: float = 0.0
    degrees: float = math.inf
    count: int = TURNS


@dataclass(frozen=True)
class Change:
    """What the head does: it is slower by a factor in every turn, or in a share of turns taken at random."""

    factor: float = 1.0
    share: float = 1.0


MACHINES = {
    "quiet": Machine(),
    "shared": Machine(share=0.1),
    "uneven": Machine(processes=0.03),
    "drifting": Machine(drift=0.26),
    "settling": Machine(slow=0.16),
    "heavy": Machine(degrees=3),
    "short": Machine(share=0.1, count=4),
}
CHANGES = {
    "none": Change(),
    "+2 %": Change(1.02),
    "+3 %": Change(1.03),
    "+4 %": Change(1.04),
    "+5 %": Change(1.05),
    "+10 %": Change(1.10),
    "30 % of turns × 3": Change(3.0, 0.3),
    "40 % of turns × 2": Change(2.0, 0.4),
    "20 % of turns × 2": Change(2.0, 0.2),
    "10 % of turns × 3": Change(3.0, 0.1),
}


def times(
    machine: Machine, change: Change, random: np.random.Generator, place: int, number: int
) -> list[float]:
    """Draw the turns of one process.

    Args:
        machine: how they scatter.
        change: what makes them slower.
        random: draws.
        place: of the process among the three that take turns.
        number: of its set in the gate.
    """
    level, count = random.normal(0, machine.processes), machine.count
    heavy = math.isfinite(machine.degrees)
    noise = random.standard_t(machine.degrees, count) if heavy else random.normal(0, 1, count)
    found = np.exp(level + machine.turns * noise)
    found *= 1 + (random.random(count) < machine.share) * random.exponential(machine.longer, count)
    found *= np.where(random.random(count) < change.share, change.factor, 1.0)
    begun = number + (np.arange(count) + place / 3) / count
    found *= np.exp(machine.drift * begun / (ATTEMPTS * SETS))
    if number % SETS == 0:
        found *= np.where(np.arange(count) == 0, (1 + machine.slow) ** 2, 1 + machine.slow)
    return [float(one) for one in found]


def evidence(
    sides: dict[str, list[list[float]]],
    firsts: tuple[int, ...],
    half: Callable[[Sequence[float]], float],
) -> timing.Evidence:
    """Convert turns to the evidence for a verdict, as `bench.judge.timing.side_by_side` does with records."""
    figures = {
        side: by_round([t for one in sets for t in one], [n for n, one in enumerate(sets) for _ in one], half)
        for side, sets in sides.items()
    }
    ratios = round_ratios(figures["head"], figures["base"], figures["twin"])
    return timing.Evidence(ratios, round_ratios(figures["twin"], figures["base"]), firsts)


def gate(machine: Machine, change: Change, random: np.random.Generator) -> dict[str, str]:
    """Simulate one gate: the verdicts on the faster and the slower half of turns."""
    error = Limits().error / ATTEMPTS
    sides: dict[str, list[list[float]]] = {"base": [], "twin": [], "head": []}
    found: dict[str, str] = {}
    for attempt in range(ATTEMPTS):
        for number in range(attempt * SETS, (attempt + 1) * SETS):
            for side, sets in sides.items():
                place = (list(sides).index(side) + number) % len(sides)
                sets.append(times(machine, change if side == "head" else Change(), random, place, number))
        firsts = tuple(range(0, (attempt + 1) * SETS, SETS))
        halves = zip(TIMES, (faster_half, slower_half), (EFFECT, EFFECT_TAIL), strict=True)
        found = {
            name: timing.verdict(evidence(sides, firsts, half), effect, error).verdict
            for name, half, effect in halves
        }
        words = set(found.values())
        settled = "slower" in words and attempt > 0
        if settled or not {"slower", "inconclusive"} & words:
            break
    return found


def bound(count: int, gates: int) -> tuple[float, float]:
    """Exact 95 % interval of a share that was seen `count` times in `gates`."""
    from scipy.stats import binomtest

    low, high = binomtest(count, gates).proportion_ci()
    return float(low), float(high)


def line(machine: str, change: str, gates: int) -> tuple[int, Counter[str], Counter[str]]:
    """Simulate some gates: how many failed, and the verdicts on latency and tail."""
    random = np.random.default_rng([SEED, *map(ord, machine + change)])
    found = [gate(MACHINES[machine], CHANGES[change], random) for _ in range(gates)]
    latency, tail = (Counter(one[name] for one in found) for name in TIMES)
    return sum("slower" in one.values() for one in found), latency, tail


def main() -> int:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gates", type=int, default=200)
    parser.add_argument("--machines", default=",".join(MACHINES))
    arguments = parser.parse_args()
    gates = arguments.gates
    print("| machine | head | fails | 95 % interval | latency | tail |\n|---|---|---:|---|---|---|")
    for machine in arguments.machines.split(","):
        for change in CHANGES:
            failed, *halves = line(machine, change, gates)
            low, high = bound(failed, gates)
            low, high = math.floor(1000 * low) / 10, math.ceil(1000 * high) / 10
            words = [", ".join(f"{word} {number}" for word, number in half.most_common()) for half in halves]
            print(f"| {machine} | {change} | {failed} of {gates} | {low} to {high} % | {' | '.join(words)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
