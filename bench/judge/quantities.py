"""The quantities in claims and tables, each computed from the records only, with its interval."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from baselines.paper import FULL_SIZE
from bench.judge import interleaved, statistics
from bench.judge.results import RUNTIMES, Results, describe, number
from bench.judge.statistics import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.judge.outcomes import Why
    from bench.judge.statistics import Estimate
    from bench.records.cells import Record

# Bytes in the gigabyte of every table.
GB = 1e9
# Factor between the peaks of two processes that do the same: the worst of the reference run, two levels.
PEAK_REPEATABILITY = 1.16
# Factor within which the ratio of a method that was timed once, cold, is taken to lie. Cold calls were up
# to 1.5 times as slow as warm ones, and a machine lost 26 % in half an hour.
SINGLE_PASS_REPEATABILITY = 2.0
# A single pass belongs to no round of an interleaved run: it is compared with what the same machine was timed
# at this many hours before or after at most. The factor above holds its drift too.
SINGLE_PASS_HOURS = 3.0


@dataclass(frozen=True)
class Measured:
    """One quantity as found in the results.

    Attributes:
        estimate: the figure; None if the results do not hold it.
        reason: why there is none.
        why: what keeps it from deciding, whatever its interval.
        marks: what a reader must know about the figure: "single-pass", "sampled" (memory), "central-part",
            "eager" (not the published form), "incomplete" (images missing), "unfinished" (weights of an
            unfinished training), "unequal" (weights not trained on the same terms as the others),
            "random" (weights that differ from call to call).
        one_training: the figure as it would be if each network were trained once and for all; None if
            several trainings, or none, are behind it.
        synthetic: whether it rests on synthetic images.
        rests_on: the cells behind it, in words.
        behind: the records of these cells.
    """

    estimate: Estimate | None
    reason: str = ""
    why: Why | None = None
    marks: tuple[str, ...] = ()
    one_training: Estimate | None = None
    synthetic: bool = False
    rests_on: tuple[str, ...] = ()
    behind: tuple[Record, ...] = ()


def latency(results: Results, model: str, **setting: Any) -> Measured:
    """Seconds per pass: median over rounds of the median of each round.

    Args:
        results: the records.
        model: the method.
        setting: device, frame, runtimes, precision as in `Results.cost`.
    """
    record = results.cost("latency", model, **setting)
    if isinstance(record, str):
        return Measured(None, record)
    value = statistics.over_rounds(rounds(record))
    return Measured(value, marks=cost_marks(record), rests_on=(_name(record),), behind=(record,))


def end_to_end(results: Results, model: str, **setting: Any) -> Measured:
    """Seconds from the raw file to 8-bit pixels: decoding, gain, one pass, quantising."""
    record = results.cost("latency", model, **setting)
    if isinstance(record, str):
        return Measured(None, record)
    calls = (record.values.get("scopes") or {}).get("end_to_end")
    if not calls:
        return Measured(None, "its latency record was not timed from end to end")
    # One call a process: of all or, where they were brief and in records of earlier releases, of one.
    value = statistics.over_rounds(dict(enumerate(calls)))
    return Measured(value, marks=cost_marks(record), rests_on=(_name(record),), behind=(record,))


def kept_pages(results: Results, model: str) -> float | None:
    """Median seconds of the published form with the allocator's pages kept; None if that was not timed."""
    record = results.cost("latency", model)
    if isinstance(record, str):
        return None
    calls = (record.values.get("scopes") or {}).get("kept_pages")
    return statistics.median(calls).value if calls else None


def latency_ratio(results: Results, above: str, below: str, **setting: Any) -> Measured:
    """How many times as long `above` takes as `below`, round by round of one interleaved run.

    The interval is never narrower than the run's noise floor. The ratio of a method that was timed in a
    single, cold pass is assumed to be known within a factor of two.
    """
    pair = _both(results, "latency", (above, below), setting)
    if isinstance(pair, Measured):
        return pair
    return record_ratio(results, *pair)


def record_ratio(results: Results, first: Record, second: Record) -> Measured:
    """Ratio of two latency records of one interleaved run, or of a single pass at about the same time."""
    once = any(one.values.get("single_pass") for one in (first, second))
    if first.values.get("run") != second.values.get("run") and not (once and _close(first, second)):
        otherwise = f", nor within {SINGLE_PASS_HOURS:g} hours on one machine" if once else ""
        names = f"{first.cell.model} and {second.cell.model}"
        return Measured(None, f"{names} were not timed in one interleaved run{otherwise}")
    value = _ratio(first, second)
    if value is None:
        return Measured(None, f"{first.cell.model} and {second.cell.model} share no round of their run")
    floor = noise_floor(results, first.values.get("run"))
    if floor is not None:
        value = value.at_least(floor)
    if value.kind is Kind.SINGLE and once:
        value = statistics.stated(value.value, SINGLE_PASS_REPEATABILITY)
    marks = tuple(sorted({*cost_marks(first), *cost_marks(second)}))
    pairs = [] if value.count == 1 else twins(results, first.values.get("run"))
    named = tuple(f"A/A pair: {_name(one)}" for one in pairs)
    return Measured(
        value, marks=marks, rests_on=(_name(first), _name(second), *named), behind=(first, second)
    )


def _close(first: Record, second: Record) -> bool:
    """Whether one machine in one state was timed for two records within SINGLE_PASS_HOURS."""
    machines = [
        {key: part for key, part in one.environment.items() if key != "rounds"} for one in (first, second)
    ]
    apart = (abs(one - other) for one in _moments(first) for other in _moments(second))
    return machines[0] == machines[1] and min(apart, default=timedelta.max) <= timedelta(
        hours=SINGLE_PASS_HOURS
    )


def _moments(record: Record) -> list[datetime]:
    """When the processes of a latency record began and ended."""
    rounds = record.environment.get("rounds") or []
    found = [one.get(end, {}).get("utc") for one in rounds for end in ("before", "after")]
    return [datetime.fromisoformat(moment) for moment in found if moment]


def ratios(first: Record, second: Record) -> dict[int, float]:
    """Ratio of two latency records in each round that both have, turn by turn."""
    return interleaved.ratios_by_turn(turns(first), turns(second))


def _ratio(first: Record, second: Record) -> Estimate | None:
    """Ratio turn by turn where both were repeated in common rounds; else of their medians."""
    by_round = ratios(first, second)
    if len(by_round) > 1:
        return statistics.over_rounds(by_round)
    if by_round and len(rounds(first)) == len(rounds(second)) == 1:
        return replace(statistics.median(list(by_round.values())), count=1)
    return interleaved.ratio_by_round(rounds(first), rounds(second))


def noise_floor(results: Results, run: object = None) -> float | None:
    """Relative difference below which nothing counts as one, from a method and its own twin.

    Args:
        results: the records.
        run: id of an interleaved run; any run if None.

    Returns:
        The largest floor of the A/A pairs (see `interleaved.noise_floor`), or None without a twin.
    """
    floors = []
    for record in results.of("latency"):
        ratios = twin_ratios(record)
        if ratios and run in {None, record.values.get("run")}:
            floors.append(interleaved.noise_floor(ratios))
    return max(floors, default=None)


def twins(results: Results, run: object) -> list[Record]:
    """Latency records of a run that hold an A/A pair, from which its noise floor comes."""
    timed = results.of("latency")
    return [one for one in timed if one.values.get("twin_samples_s") and one.values.get("run") == run]


def twin_ratios(record: Record) -> list[float]:
    """Ratio of a method to its identical twin in each round of a run; empty for a method without one."""
    if record.status != "ok" or not record.values.get("twin_samples_s"):
        return []
    return list(interleaved.ratios_by_turn(turns(record), turns(record, "twin_")).values())


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
        return Measured(None, "its record has no peak")
    value = statistics.over_rounds(repeated)
    if value.kind is Kind.SINGLE:
        value = statistics.stated(value.value, PEAK_REPEATABILITY)
    return Measured(value, marks=cost_marks(record), rests_on=_peak_names(results, record), behind=(record,))


def whole_process(results: Results, model: str, **setting: Any) -> Measured:
    """Peak bytes of the whole process, libraries included: as `/usr/bin/time` would print it."""
    record = results.cost("memory", model, **setting)
    if isinstance(record, str):
        return Measured(None, record)
    value = record.values.get("process_peak_bytes")
    if not value:
        return Measured(None, "its record has no peak of the process")
    return Measured(
        statistics.median([number(value)]),
        marks=cost_marks(record), rests_on=(_name(record),), behind=(record,),
    )  # fmt: skip


def _peaks(results: Results, record: Record) -> dict[int, float]:
    """Peak bytes per round: the record's own first, then what the later rounds of its timing saw.

    Empty if the record holds no peak.
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
        return Measured(None, "a record has no peak")
    value = interleaved.ratio_by_round(upper, lower)
    if value is None or value.kind is Kind.SINGLE:
        value = statistics.stated(upper[0] / lower[0], PEAK_REPEATABILITY**2)
    marks = tuple(sorted({mark for record in pair for mark in cost_marks(record)}))
    rests_on = tuple(name for record in pair for name in _peak_names(results, record))
    return Measured(value, marks=marks, rests_on=rests_on, behind=pair)


def whole_process_ratio(results: Results, above: str, below: str, **setting: Any) -> Measured:
    """How many times the peak of `below`'s whole process `above`'s reaches."""
    pair = _both(results, "memory", (above, below), setting)
    if isinstance(pair, Measured):
        return pair
    upper, lower = (one.values.get("process_peak_bytes") for one in pair)
    if not upper or not lower:
        return Measured(None, "a record has no peak of its process")
    value = statistics.median([number(upper) / number(lower)])
    return Measured(value, rests_on=tuple(_name(one) for one in pair), behind=pair)


def count(results: Results, model: str, field: str, frame: tuple[int, int] = FULL_SIZE) -> Measured:
    """Return an exact count of a method: `parameters`, `parameters_fused`, `gmac`.

    Args:
        results: the records.
        model: the method.
        field: which count.
        frame: rows and columns that operations are counted on.
    """
    record = results.complexity(model, frame)
    if isinstance(record, str):
        return Measured(None, record)
    value = record.values.get(field)
    if value is None:
        return Measured(None, f"its complexity record has no {field}")
    if field == "gmac" and (record.cell.height, record.cell.width) != frame:
        return Measured(None, f"counted at another frame size than {frame[0]}x{frame[1]}")
    return Measured(statistics.exact(number(value)), rests_on=(_name(record),), behind=(record,))


def rounds(record: Record) -> dict[int, float]:
    """Median seconds of each round of a latency record; samples without round numbers count as one round."""
    samples = record.values["samples_s"]
    return interleaved.round_medians(samples, record.values.get("round") or [0] * len(samples))


def turns(record: Record, whose: str = "") -> dict[int, dict[int, float]]:
    """Median seconds of each turn of each round of a latency record, or of its twin (whose="twin_")."""
    samples, nowhere = record.values[f"{whose}samples_s"], [0] * len(record.values[f"{whose}samples_s"])
    numbers, places = (record.values.get(f"{whose}{name}") or nowhere for name in ("round", "turn"))
    return interleaved.turn_medians(samples, numbers, places)


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


def _name(record: Record) -> str:
    cell = record.cell
    axes = [cell.measurement, "of", cell.model]
    if cell.runtime is not None:
        axes.append(f"({cell.runtime}, {cell.precision}, {cell.device}, {cell.height}x{cell.width})")
    return " ".join(axes) if record.status == "ok" else describe(record)
