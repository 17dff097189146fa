"""How often the intervals that the suite prints cover the truth, by simulation.

    python benchmarks/interval_coverage.py                     # every n from 2 to 60
    python benchmarks/interval_coverage.py --write docs/intervals.md

The intervals are made by `bench.judge.statistics` itself. Noise has shapes that were seen in
measurements: normal; heavy tails (Student's t with 3 degrees of freedom); skewed (lognormal, sigma 1); two
levels, equally or unequally often (peaks of memory do that); a first round that is 16 % slow. Under drift
the truth is the mean over the run's duration. With a trend no coverage is promised: what counts is how often
the trend is seen, so that a range stands for an interval.
"""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.judge import statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.judge.statistics import Estimate

# Relative: noise of a round, slowness of the first, drift over a run, distance of two levels.
NOISE, SLOW, DRIFT, JUMP = 0.02, 0.16, 0.26, 0.16
SHOWN = (2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 30, 60)
BEGIN, END = "<!-- begin: made by benchmarks/interval_coverage.py -->\n", (
    "<!-- end: made by benchmarks/interval_coverage.py -->\n"
)  # fmt: skip
Draw = np.ndarray


@dataclass(frozen=True)
class Case:
    """Noise of one shape around 0.

    Attributes:
        name: as printed.
        draw: from a generator and n to n values in order of time.
        median: of their distribution, slow first values apart.
        mean: likewise.
        trend: whether the values drift; the truth is then the mean over the duration.
    """

    name: str
    draw: Callable[[np.random.Generator, int], Draw]
    median: float
    mean: float
    trend: bool = False


@cache
def deviation(case: Case) -> float:
    """Return the standard deviation of one value, from a large draw."""
    return float(case.draw(np.random.default_rng(0), 200_000).std())


def _normal(random: np.random.Generator, n: int) -> Draw:
    return random.normal(0, NOISE, n)


def _levels(often: float) -> Callable[[np.random.Generator, int], Draw]:
    def draw(random: np.random.Generator, n: int) -> Draw:
        return JUMP * (random.random(n) < often) + random.normal(0, 0.002, n)

    return draw


def _slow_first(random: np.random.Generator, n: int) -> Draw:
    values = _normal(random, n)
    values[0] += SLOW
    return values


def _linear(random: np.random.Generator, n: int) -> Draw:
    return DRIFT * (np.arange(n) + 0.5) / n - DRIFT / 2 + _normal(random, n)


def _settling(random: np.random.Generator, n: int) -> Draw:
    return DRIFT * np.exp(-4 * (np.arange(n) + 0.5) / n) - DRIFT * (1 - math.exp(-4)) / 4 + _normal(random, n)


def _middle_of_two_levels(often: float) -> float:
    """Median of a mixture of two narrow levels: within the commoner one, or half-way between equal ones."""
    return JUMP / 2 if often == 0.5 else float(np.median(_levels(often)(np.random.default_rng(0), 2_000_001)))


CASES = (
    Case("normal", _normal, 0, 0),
    Case("heavy tails", lambda random, n: NOISE * random.standard_t(3, n), 0, 0),
    Case("skewed", lambda random, n: NOISE * random.lognormal(size=n), NOISE, NOISE * math.exp(0.5)),
    Case("two levels, 1 : 1", _levels(0.5), _middle_of_two_levels(0.5), JUMP / 2),
    Case("two levels, 1 : 3", _levels(0.25), _middle_of_two_levels(0.25), JUMP / 4),
    Case("slow first round", _slow_first, 0, 0),
    Case("linear drift", _linear, 0, 0, trend=True),
    Case("settling", _settling, 0, 0, trend=True),
)


@dataclass(frozen=True)
class Interval:
    """An interval that the suite prints.

    Attributes:
        name: as printed.
        make: from values around 0 in order of time to the interval.
        truth: what it should cover.
        in_time: whether the values follow each other in time; of scenes and seeds none is the first, and none
            drifts.
        least: fewest values it is used for.
        most: most values it is used for.
        promised: whether it is to cover as often as an interval has to.
    """

    name: str
    make: Callable[[Draw, Case], Estimate]
    truth: Callable[[Case], float]
    in_time: bool
    least: int = 2
    most: int = 60
    promised: bool = True


def _rounds(values: Draw, case: Case) -> Estimate:  # noqa: ARG001
    return statistics.over_rounds(dict(enumerate(values)))


def _scene_median(values: Draw, case: Case) -> Estimate:  # noqa: ARG001
    return statistics.median(values)


def _scene_mean(values: Draw, case: Case) -> Estimate:  # noqa: ARG001
    return statistics.mean(values)


def _seeds(spread: float = 1.0) -> Callable[[Draw, Case], Estimate]:
    """Differences whose spread over seeds is so many times the stated one."""

    def make(values: Draw, case: Case) -> Estimate:
        scale = spread * statistics.SEED_SPREAD_DB * math.sqrt(2) / deviation(case)
        return statistics.over_seeds(values * scale).scaled(1 / scale)

    return make


def _two_way(values: Draw, case: Case) -> Estimate:
    """Scenes of the given shape, three seeds whose levels are normal with the stated spread."""
    spread = statistics.SEED_SPREAD_DB * math.sqrt(2)
    random = np.random.default_rng(abs(int(values[0] * 1e12)))
    scenes = {str(index): 50 * (value - case.median) for index, value in enumerate(values)}
    levels = random.normal(0, spread, 3)
    return statistics.two_way(
        {seed: {scene: value + level for scene, value in scenes.items()} for seed, level in enumerate(levels)}
    )


INTERVALS = (
    Interval("median over rounds", _rounds, lambda case: 0 if case.trend else case.median, in_time=True),
    Interval("median over scenes", _scene_median, lambda case: case.median, in_time=False),
    Interval("mean over scenes", _scene_mean, lambda case: case.mean, in_time=False),
    Interval(
        "mean over fewer than five seeds", _seeds(), lambda case: case.mean, in_time=False, least=1, most=4
    ),
    Interval(
        "the same, seeds that spread twice as far as stated",
        _seeds(2.0),
        lambda case: case.mean,
        in_time=False,
        most=4,
        promised=False,
    ),
    Interval("median over scenes, three seeds", _two_way, lambda _: 0.0, in_time=False),
)


@dataclass(frozen=True)
class Found:
    """What simulation says of an interval in one case.

    Attributes:
        printed: how often it is called an interval.
        covered: how often that holds the truth; None if it never is.
    """

    printed: float
    covered: float | None


def trial(interval: Interval, case: Case, n: int, trials: int) -> Found:
    """Make an interval so many times."""
    random = np.random.default_rng([2020, n, INTERVALS.index(interval), CASES.index(case)])
    truth, held, made = interval.truth(case), 0, 0
    for _ in range(trials):
        found = interval.make(case.draw(random, n), case)
        if found.decides and found.low is not None and found.high is not None:
            made += 1
            held += found.low <= truth <= found.high
    return Found(made / trials, held / made if made else None)


def cases_of(interval: Interval) -> list[Case]:
    """Cases that an interval can meet."""
    in_time_only = {"slow first round", "linear drift", "settling"}
    return [case for case in CASES if interval.in_time or case.name not in in_time_only]


def table(intervals: Iterable[Interval], trials: int, shown: Iterable[int] = SHOWN) -> str:
    """Return the coverage as Markdown: a row for each interval and case; a dash where a range is printed."""
    columns = list(shown)
    head = f"| interval | noise | {' | '.join(f'n = {n}' for n in columns)} |"
    lines = [head, "| :--- | :--- |" + " ---: |" * len(columns)]
    for interval in intervals:
        for case in cases_of(interval):
            cells = [_cell(interval, case, n, trials) for n in columns]
            lines.append(f"| {interval.name} | {case.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(interval: Interval, case: Case, n: int, trials: int) -> str:
    if not interval.least <= n <= interval.most:
        return ""
    found = trial(interval, case, n, trials)
    if found.covered is None:
        return "–"
    text = f"{100 * found.covered:.1f}"
    return text if found.printed > 0.99 or not case.trend else f"{text} ({100 * found.printed:.0f})"


def shortfalls(trials: int, counts: Iterable[int]) -> list[str]:
    """List what covers less than promised in a case without trend, beyond the noise of so many trials."""
    allowed = statistics.LEAST_COVERAGE - 3 * math.sqrt(0.07 * 0.93 / trials)
    found = []
    for interval in filter(lambda one: one.promised, INTERVALS):
        for case in cases_of(interval):
            for n in counts:
                if case.trend or not interval.least <= n <= interval.most:
                    continue
                covered = trial(interval, case, n, trials).covered
                if covered is not None and covered < allowed:
                    found.append(f"{interval.name}, {case.name}, n = {n}: {covered:.3f}")
    return found


def main() -> None:
    """Print the table, or write it into a page; end with status 1 where an interval falls short."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=4000, help="intervals of each kind, case and n")
    parser.add_argument("--write", type=Path, help="page to put the table into")
    options = parser.parse_args()
    made = table(INTERVALS, options.trials)
    print(made)
    if options.write:
        place = re.compile(f"(?<={re.escape(BEGIN)}).*(?={re.escape(END)})", re.DOTALL)
        text = options.write.read_text(encoding="utf-8")
        options.write.write_text(place.sub(lambda _: "\n" + made + "\n", text), encoding="utf-8")
    short = shortfalls(options.trials, range(1, 61))
    raise SystemExit("\n".join(short) or None)


if __name__ == "__main__":
    main()
