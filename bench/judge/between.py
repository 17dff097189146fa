"""How a method's mean moves from one protocol to another, as far as the results of a folder can tell.

A run scores whole protocols, not those between them; but several protocols may share the score of an
image. Of all orders in which the settings can be changed, the one with the most single steps is taken whose
means are all known; settings that the results cannot tell apart are changed in one step.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from bench.judge.results import number
from bench.judge.waterfall import AXES, Step, Waterfall, bears_on
from bench.records import image_protocols, protocols

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.judge.results import Results
    from bench.judge.waterfall import Quantity
    from bench.records.cells import Record
    from bench.records.protocols import Protocol

Changed = frozenset[str]


class Judged:
    """One method's images under every protocol, asked for the mean under any setting between them."""

    def __init__(self, results: Results, model: str) -> None:
        known = protocols.load()
        published = [name for name in results.protocols if name in known and not known[name].control_of]
        self._by = {name: results.scored(model, name).ok for name in published}
        self._by = {name: ok for name, ok in self._by.items() if ok}
        self._known = known

    @property
    def names(self) -> tuple[str, ...]:
        """Protocols under which it was scored, the default one first."""
        default = protocols.default().name
        return tuple(sorted(self._by, key=lambda name: (name != default, list(self._known).index(name))))

    def fall(self, start: str, end: str, quantity: Quantity) -> Waterfall | None:
        """Return the steps from one protocol to another; None if a mean of either is not known."""
        first, last = (image_protocols.of(self._known[name]) for name in (start, end))
        images = {one.subset: sorted(self._by[one.name]) for one in (last, first)}
        axes = [
            axis for axis in AXES if getattr(first, axis) != getattr(last, axis) and bears_on(axis, quantity)
        ]
        means: dict[Changed, float] = {}
        for changed in _subsets(axes):
            between = replace(first, **{axis: getattr(last, axis) for axis in changed})
            mean = self._mean(between, images[between.subset], quantity)
            if mean is not None:
                means[changed] = mean
        none, everything = frozenset[str](), frozenset(axes)
        if none not in means or everything not in means:
            return None
        steps, reached = [], none
        for changed in _longest(means, everything, axes):
            names = [axis for axis in axes if axis in changed - reached]
            steps.append(
                Step(
                    "+".join(names),
                    ", ".join(str(getattr(first, axis)) for axis in names),
                    ", ".join(str(getattr(last, axis)) for axis in names),
                    means[changed],
                    means[changed] - means[reached],
                )
            )
            reached = changed
        return Waterfall(quantity, start, end, means[none], means[everything], tuple(steps))

    def _mean(self, protocol: Protocol, images: Iterable[str], quantity: Quantity) -> float | None:
        found = []
        for image in images:
            value = self._value(protocol, image, quantity)
            if value is None or not math.isfinite(value):
                return None
            found.append(value)
        return statistics.fmean(found) if found else None

    def _value(self, protocol: Protocol, image: str, quantity: Quantity) -> float | None:
        """Return an image's score under any protocol that scored it from the same input."""
        for name, ok in self._by.items():
            other = self._known[name]
            if other.given == protocol.given and image in ok:
                value = _score(ok[image], other, protocol, quantity)
                if value is not None:
                    return value
        return None


def _score(record: Record, judged: Protocol, wanted: Protocol, quantity: Quantity) -> float | None:
    """Read a score from a record that was scored under one protocol as another wants it, where it says so."""
    if record.values.get("area_fraction") != 1:
        return None
    same_steps = judged.quantise == wanted.quantise
    if quantity == "psnr" and not same_steps:
        value = record.values.get("psnr_by_step", {}).get(wanted.quantise)
    elif same_steps and (quantity == "psnr" or getattr(judged, quantity) == getattr(wanted, quantity)):
        value = record.values.get(quantity)
    else:
        value = None
    return None if value is None else number(value)


def _subsets(axes: list[str]) -> list[Changed]:
    return [frozenset(some) for size in range(len(axes) + 1) for some in combinations(axes, size)]


def _longest(means: dict[Changed, float], everything: Changed, axes: list[str]) -> list[Changed]:
    """Chain of known means with the most links, from nothing changed to everything, in the order of AXES."""
    chains: dict[Changed, list[Changed]] = {frozenset(): []}
    for reached in _subsets(axes)[1:]:
        if reached in means:
            before = [known for known in chains if known < reached]
            best = max(before, key=lambda known: (len(chains[known]), -_rank(reached - known, axes)))
            chains[reached] = [*chains[best], reached]
    return chains[everything]


def _rank(changed: Changed, axes: list[str]) -> int:
    """Prefer to change axes in the order of AXES: the last step is then the last axis."""
    return -max(axes.index(axis) for axis in changed)
