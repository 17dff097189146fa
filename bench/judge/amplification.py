"""The value of knowing the exposure ratio: the same images at gains that know more and more about it."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import baselines
from bench.judge.evidence import CONSTANT, WITH, WITHOUT
from bench.judge.results import number
from bench.records import protocols

if TYPE_CHECKING:
    from bench.judge.results import Results
    from bench.records.cells import Record

OWN = "own"
# What a gain knows, by the protocol that gives it; a network's own amplifier is judged with the estimate.
SOURCES: dict[str, str] = {
    CONSTANT: "one gain for all",
    "paper2020-level": "from the mean level",
    WITHOUT[0]: "RED's estimate",
    OWN: "its own amplifier",
    WITH[0]: "the true ratio",
}
CONTROLS = tuple(name for name in SOURCES if name != OWN and protocols.get(name).control_of)


@dataclass(frozen=True)
class At:
    """One method at gains of one source.

    Attributes:
        psnr: mean over the images, in dB.
        stops: rms brightness error of its images, in stops; None
            where the records do not hold it.
        behind: the records.
    """

    psnr: float
    stops: float | None
    behind: tuple[Record, ...]


@dataclass(frozen=True)
class Worth:
    """Every method at every source of a gain, on images that all of them have."""

    images: tuple[str, ...]
    methods: dict[str, dict[str, At]]


def worth(results: Results) -> Worth | None:
    """Compare the sources of a gain; None if no method was scored under a control."""
    found = {model: _judged(results, model) for model in results.models}
    found = {model: sources for model, sources in found.items() if sources}
    if not any(set(sources) & set(CONTROLS) for sources in found.values()):
        return None
    images = set.intersection(*(set(ok) for sources in found.values() for ok in sources.values()))
    if not images:
        return None
    common = tuple(sorted(images))
    methods = {
        model: {source: _at([ok[image] for image in common]) for source, ok in sources.items()}
        for model, sources in found.items()
    }
    return Worth(common, methods)


def _judged(results: Results, model: str) -> dict[str, dict[str, Record]]:
    """Images by source of a method that was scored under a control, or has an amplifier of its own."""
    if ":" not in model and model not in baselines.names():
        return {}  # measured where more methods are registered than here
    declared = baselines.spec(model)
    if not declared.needs_gain:
        ok = results.scored(model, WITHOUT[0]).ok
        return {OWN: ok} if ok and declared.kind != "classical" else {}
    by = {source: results.scored(model, source).ok for source in SOURCES if source != OWN}
    by = {source: ok for source, ok in by.items() if ok}
    return by if set(by) & set(CONTROLS) else {}


def _at(records: list[Record]) -> At:
    off = [record.values.get("brightness_stops") for record in records]
    known = [float(one) for one in off if one is not None]
    stops = math.sqrt(statistics.fmean(one**2 for one in known)) if len(known) == len(off) else None
    return At(statistics.fmean(number(r.values["psnr"]) for r in records), stops, tuple(records))
