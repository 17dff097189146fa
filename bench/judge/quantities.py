"""Quantities that claims and tables speak of, each computed from the records alone, with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from baselines.paper import FULL_SIZE
from bench.judge import statistics
from bench.judge.results import RUNTIMES, Results, describe, number, scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.judge.statistics import Estimate
    from bench.records.cells import Record

GB = 1e9
"""Bytes in the gigabyte of every table."""
PEAK_REPEATABILITY = 0.03
"""Relative repeatability of one process's peak memory: what the memory measurement is tested to."""
FEWEST_IMAGES = 3
"""Images needed before a mean over images is given an interval."""


@dataclass(frozen=True)
class Measured:
    """One quantity as found in the results.

    Attributes:
        estimate: the figure; None where the results do not hold it.
        reason: why there is none.
        marks: what a reader must know of the figure: "single-pass", "sampled" (memory), "quarter-area",
            "eager" (not the published form), "incomplete" (images missing), "unfinished" (weights of an
            unfinished training).
        synthetic: whether it rests on made pictures.
        rests_on: the cells behind it, in words.
        behind: the records of these cells.
    """

    estimate: Estimate | None
    reason: str = ""
    marks: tuple[str, ...] = ()
    synthetic: bool = False
    rests_on: tuple[str, ...] = ()
    behind: tuple[Record, ...] = ()


def latency(results: Results, model: str, **setting: Any) -> Measured:
    """Seconds a pass: median over rounds of the median of each round.

    Args:
        results: the records.
        model: the method.
        setting: device, frame, runtimes, precision as in `Results.cost`.
    """
    record = results.cost("latency", model, **setting)
    if isinstance(record, str):
        return Measured(None, record)
    value = statistics.estimate(list(rounds(record).values()), "median")
    return Measured(value, marks=cost_marks(record), rests_on=(_name(record),), behind=(record,))


def latency_ratio(results: Results, above: str, below: str, **setting: Any) -> Measured:
    """How many times as long `above` takes as `below`, round by round of one interleaved run.

    The interval is never narrower than the run's noise floor; a method timed once has no spread of its own,
    so that its ratio needs that floor.
    """
    pair = _both(results, "latency", (above, below), setting)
    if isinstance(pair, Measured):
        return pair
    return record_ratio(results, *pair)


def record_ratio(results: Results, first: Record, second: Record) -> Measured:
    """Ratio of two latency records of one interleaved run (see `latency_ratio`)."""
    if first.values.get("run") != second.values.get("run"):
        return Measured(
            None, f"{first.cell.model} and {second.cell.model} were not timed in one interleaved run"
        )
    value = _ratio(first, second)
    if value is None:
        return Measured(None, f"{first.cell.model} and {second.cell.model} share no round of their run")
    floor = noise_floor(results, first.values.get("run"))
    if floor is None and value.count == 1:
        return Measured(None, "timed in a single round, and the run has no twin from which to tell its noise")
    if floor is not None:
        value = value.at_least(floor)
    marks = tuple(sorted({*cost_marks(first), *cost_marks(second)}))
    pairs = tuple(f"A/A pair: {_name(one)}" for one in twins(results, first.values.get("run")))
    return Measured(
        value, marks=marks, rests_on=(_name(first), _name(second), *pairs), behind=(first, second)
    )


def ratios(first: Record, second: Record) -> dict[int, float]:
    """Ratio of two latency records in each round that both have, turn by turn."""
    return statistics.ratios_by_turn(turns(first), turns(second))


def _ratio(first: Record, second: Record) -> Estimate | None:
    """Ratio turn by turn where both were repeated in common rounds; else of their medians."""
    by_round = ratios(first, second)
    upper, lower = rounds(first), rounds(second)
    if len(by_round) > 1 or (by_round and len(upper) == len(lower) == 1):
        return statistics.estimate(list(by_round.values()), "median")
    return statistics.ratio_by_round(upper, lower)


def noise_floor(results: Results, run: object = None) -> float | None:
    """Relative difference below which nothing is called one, from a method and its own twin.

    Args:
        results: the records.
        run: id of an interleaved run; any run if None.

    Returns:
        The largest floor of the A/A pairs (see `statistics.noise_floor`), or None without a twin.
    """
    floors = []
    for record in results.of("latency"):
        ratios = twin_ratios(record)
        if ratios and run in {None, record.values.get("run")}:
            floors.append(statistics.noise_floor(ratios))
    return max(floors, default=None)


def twins(results: Results, run: object) -> list[Record]:
    """Latency records of a run that hold an A/A pair, from which its noise floor comes."""
    timed = results.of("latency")
    return [one for one in timed if one.values.get("twin_samples_s") and one.values.get("run") == run]


def twin_ratios(record: Record) -> list[float]:
    """Ratio of a method to its identical twin in each round of a run; empty for a method without one."""
    if record.status != "ok" or not record.values.get("twin_samples_s"):
        return []
    return list(statistics.ratios_by_turn(turns(record), turns(record, "twin_")).values())


def memory(results: Results, model: str, **setting: Any) -> Measured:
    """Peak bytes of the forward pass."""
    record = results.cost("memory", model, **setting)
    if isinstance(record, str):
        return Measured(None, record)
    return peak(results, record)


def peak(results: Results, record: Record) -> Measured:
    """Peak bytes of one memory record's forward pass, with its spread over the rounds of the timing run."""
    repeated = _peaks(results, record)
    if not repeated:
        return Measured(None, "its record holds no peak")
    if len(repeated) > 1:
        value = statistics.estimate(list(repeated.values()), "median")
    else:
        value = statistics.within(repeated[0], PEAK_REPEATABILITY)
    return Measured(value, marks=cost_marks(record), rests_on=_peak_names(results, record), behind=(record,))


def _peaks(results: Results, record: Record) -> dict[int, float]:
    """Peak bytes per round: the record's own first, then what the later rounds of its timing saw.

    Empty where the record holds no peak.
    """
    own = record.values.get("run_peak_bytes")
    if not own:
        return {}
    timed = _timed_with(results, record)
    later = [peak for one in timed for peak in one.values["run_peak_samples_bytes"][1:] if peak]
    return {index: number(value) for index, value in enumerate([own, *later])}


def _timed_with(results: Results, record: Record) -> list[Record]:
    """Latency records of a memory record's setting whose later rounds kept their peaks too."""
    return [
        one
        for one in results.of("latency", record.cell.model)
        if one.status == "ok"
        and replace(one.cell, measurement="memory") == record.cell
        and one.values.get("run_peak_samples_bytes")
    ]


def _peak_names(results: Results, record: Record) -> tuple[str, ...]:
    later = [f"later rounds: {_name(one)}" for one in _timed_with(results, record)]
    return (_name(record), *later)


def memory_ratio(results: Results, above: str, below: str, **setting: Any) -> Measured:
    """How many times the peak memory of `below` `above` needs, round by round where both were repeated."""
    pair = _both(results, "memory", (above, below), setting)
    if isinstance(pair, Measured):
        return pair
    upper, lower = (_peaks(results, record) for record in pair)
    if not upper or not lower:
        return Measured(None, "a record holds no peak")
    value = statistics.ratio_by_round(upper, lower)
    if value is None or value.count < 2:
        value = statistics.within(upper[0] / lower[0], math.hypot(PEAK_REPEATABILITY, PEAK_REPEATABILITY))
    marks = tuple(sorted({mark for record in pair for mark in cost_marks(record)}))
    rests_on = tuple(name for record in pair for name in _peak_names(results, record))
    return Measured(value, marks=marks, rests_on=rests_on, behind=pair)


def count(results: Results, model: str, field: str) -> Measured:
    """Return an exact count of a method: `parameters`, `parameters_fused`, `gmac`."""
    record = results.complexity(model)
    if isinstance(record, str):
        return Measured(None, record)
    value = record.values.get(field)
    if value is None:
        return Measured(None, f"its complexity record holds no {field}")
    if field == "gmac" and (record.cell.height, record.cell.width) != FULL_SIZE:
        return Measured(None, "counted at another frame than the paper's 2848x4256")
    return Measured(statistics.exact(number(value)), rests_on=(_name(record),), behind=(record,))


def quality(results: Results, model: str, protocol: str, metric: str, **setting: Any) -> Measured:
    """Mean of a metric over the images judged under a protocol.

    Args:
        results: the records.
        model: the method.
        protocol: the protocol's name.
        metric: "psnr", "ssim" or "lpips".
        setting: runtime and precision as in `Results.pictures`.
    """
    pictures = results.pictures(model, protocol, **setting)
    values = _metric(pictures.ok, metric)
    if not values:
        return Measured(None, _missing(pictures.ok, pictures.reason, metric))
    marks = picture_marks(pictures.ok)
    if pictures.failed or len(values) < len(results.images(protocol)):
        marks = (*marks, "incomplete")
    value = statistics.clustered_mean(values, {image: scene(image) for image in values})
    return Measured(
        value,
        marks=marks,
        synthetic=results.synthetic,
        rests_on=(_pictures(model, protocol, values),),
        behind=tuple(pictures.ok[image] for image in values),
    )


def quality_difference(
    results: Results, better: tuple[str, str], worse: tuple[str, str], metric: str
) -> Measured:
    """Mean difference of a metric over the images that both (method, protocol) pairs have."""
    first, second = (results.pictures(*one) for one in (better, worse))
    for one, pictures in ((better, first), (worse, second)):
        if not _metric(pictures.ok, metric):
            why = _missing(pictures.ok, pictures.reason, metric)
            return Measured(None, f"{metric.upper()} of {one[0]} under {one[1]}: {why}")
    a, b = _metric(first.ok, metric), _metric(second.ok, metric)
    common = [
        image for image in sorted(set(a) & set(b)) if math.isfinite(a[image]) and math.isfinite(b[image])
    ]
    areas = [
        {first.ok[image].values.get("area_fraction", 1.0), second.ok[image].values.get("area_fraction", 1.0)}
        for image in common
    ]
    if any(len(area) > 1 for area in areas):
        return Measured(None, f"{better[0]} and {worse[0]} were judged on different parts of the frame")
    if len(common) < FEWEST_IMAGES:
        return Measured(None, f"{len(common)} common image(s); an interval needs at least {FEWEST_IMAGES}")
    differences = {image: a[image] - b[image] for image in common}
    value = statistics.clustered_mean(differences, {image: scene(image) for image in common})
    marks = tuple(sorted({*picture_marks(first.ok), *picture_marks(second.ok)}))
    rests_on = tuple(_pictures(*one, differences) for one in (better, worse))
    behind = tuple(side.ok[image] for side in (first, second) for image in common)
    return Measured(value, marks=marks, synthetic=results.synthetic, rests_on=rests_on, behind=behind)


def gain_ratio(results: Results, model: str, protocol: str) -> Measured:
    """Geometric mean of the gain a method chose over the true exposure ratio."""
    ok = results.pictures(model, protocol).ok
    logs = {
        image: math.log(number(record.values["gain"]) / number(record.values["ratio"]))
        for image, record in ok.items()
        if record.values["gain"] is not None and number(record.values["gain"]) > 0
    }
    if len(logs) < FEWEST_IMAGES:
        return Measured(None, f"{len(logs)} image(s) with a gain; an interval needs at least {FEWEST_IMAGES}")
    value = statistics.clustered_mean(logs, {image: scene(image) for image in logs})
    low = None if value.low is None else math.exp(value.low)
    high = None if value.high is None else math.exp(value.high)
    raised = statistics.Estimate(math.exp(value.value), low, high, value.count, value.coverage)
    return Measured(
        raised,
        synthetic=results.synthetic,
        rests_on=(_pictures(model, protocol, logs),),
        behind=tuple(ok[image] for image in logs),
    )


def rounds(record: Record) -> dict[int, float]:
    """Median seconds of each round of a latency record; samples without round numbers count as one round."""
    samples = record.values["samples_s"]
    return statistics.round_medians(samples, record.values.get("round") or [0] * len(samples))


def turns(record: Record, whose: str = "") -> dict[int, dict[int, float]]:
    """Median seconds of each turn of each round of a latency record, or of its twin (whose="twin_")."""
    samples, nowhere = record.values[f"{whose}samples_s"], [0] * len(record.values[f"{whose}samples_s"])
    numbers, places = (record.values.get(f"{whose}{name}") or nowhere for name in ("round", "turn"))
    return statistics.turn_medians(samples, numbers, places)


def cost_marks(record: Record) -> tuple[str, ...]:
    """Return marks of a latency or memory record."""
    marks = []
    if record.values.get("single_pass"):
        marks.append("single-pass")
    if record.values.get("method") == "sampled":
        marks.append("sampled")
    if record.cell.runtime not in {"published", None}:
        marks.append(str(record.cell.runtime))
    return tuple(marks)


def picture_marks(ok: dict[str, Record]) -> tuple[str, ...]:
    """Return marks of a set of judged pictures."""
    marks = []
    if any(record.values.get("area_fraction", 1.0) != 1.0 for record in ok.values()):
        marks.append("quarter-area")
    if any(record.provenance.get("weights_unfinished") for record in ok.values()):
        marks.append("unfinished")
    return tuple(marks)


def _both(
    results: Results, kind: str, models: tuple[str, str], setting: dict[str, Any]
) -> tuple[Record, Record] | Measured:
    """Return records of two methods in one runtime: as published if both have it, else the next."""
    wanted: Sequence[str | None] = setting.get("runtimes", RUNTIMES)
    chosen: list[Record] = []
    for model in models:
        record = results.cost(kind, model, **setting)
        if isinstance(record, str):
            return Measured(None, f"{kind} of {model}: {record}")
        chosen.append(record)
    same = chosen[0].cell.runtime == chosen[1].cell.runtime
    if same or not all(_has_parameters(results, model) for model in models):
        return chosen[0], chosen[1]
    for runtime in wanted:
        again = [results.cost(kind, model, **{**setting, "runtimes": (runtime,)}) for model in models]
        if not any(isinstance(record, str) for record in again):
            return again[0], again[1]  # type: ignore[return-value]
    return Measured(None, f"{models[0]} and {models[1]} share no runtime")


def _has_parameters(results: Results, model: str) -> bool:
    """Whether it is a network; a classical method has one form only, so that runtimes need not agree."""
    record = results.complexity(model)
    return not isinstance(record, str) and bool(record.values.get("parameters"))


def _metric(ok: dict[str, Record], metric: str) -> dict[str, float]:
    return {image: number(r.values[metric]) for image, r in ok.items() if r.values.get(metric) is not None}


def _missing(ok: dict[str, Record], reason: str, metric: str) -> str:
    why = sorted({str(r.values[f"{metric}_reason"]) for r in ok.values() if r.values.get(f"{metric}_reason")})
    return why[0] if why else reason


def _name(record: Record) -> str:
    cell = record.cell
    axes = [cell.measurement, "of", cell.model]
    if cell.runtime is not None:
        axes.append(f"({cell.runtime}, {cell.precision}, {cell.device}, {cell.height}x{cell.width})")
    return " ".join(axes) if record.status == "ok" else describe(record)


def _pictures(model: str, protocol: str, values: dict[str, float]) -> str:
    return f"quality of {model} under {protocol}, {len(values)} image(s)"
