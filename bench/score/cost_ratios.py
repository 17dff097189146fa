"""Ratios of time and memory measured again here: a method and its reference, interleaved.

A time belongs to its machine, and so does a peak; how many times as long one method takes as another belongs
to the two methods, as far as processors are alike. They are not: one with larger caches or wider vectors
favours one network more than another. So a ratio may move by the tolerance that `claims.toml` states for
published ratios before it counts as another one, and never by less than both intervals.
"""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from bench.judge import quantities, stated
from bench.judge.deciding import decide
from bench.judge.evidence import Member
from bench.judge.outcomes import HOLDS, Outcome
from bench.judge.results import Results
from bench.machine.environment import machine, usable_cores
from bench.records import store
from bench.run.manager import execute
from bench.run.plan import plan
from bench.run.request import Request
from bench.score.checked import AGREES, DIFFERS, NOT_COMPARED, Checked
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bench.judge.quantities import Measured
    from bench.judge.statistics import Estimate
    from bench.records.cells import Cell, Record
    from bench.run.outcome import Progress

KINDS = ("latency", "memory")
# What two methods have to share for their ratio: device, runtime, precision, rows, columns, threads.
Setting = tuple[str | None, str | None, str | None, int | None, int | None, int | None]


def recheck_ratios(
    records: Iterable[Record],
    out: Path,
    *,
    count: int,
    seed: int = 0,
    weights: Mapping[str, Path] | None = None,
    progress: Progress | None = None,
) -> list[Checked]:
    """Measure a random sample of the ratios of time and memory again, and compare.

    The reference of a run is the method that it timed against its own twin. All methods of one setting are
    measured in one interleaved run, as they were there.

    Args:
        records: somebody's, all of which ended well.
        out: a folder for the new results.
        count: how many methods are drawn, each with its reference.
        seed: of the drawing.
        weights: file per model instead of the shipped one.
        progress: is told how the measuring goes.

    Returns:
        One for every latency and memory cell; of a method that was drawn, with the ratio there and here.
    """
    costs = [record for record in records if record.cell.measurement in KINDS]
    references = _references(costs)
    left_out, fitting = _fitting(costs, references)
    drawn = random.Random(seed).sample(fitting, min(count, len(fitting)))  # noqa: S311 -- no secret
    by_setting: dict[Setting, list[str]] = defaultdict(list)
    for record in drawn:
        by_setting[setting_of(record.cell)].append(record.cell.model)
    for setting, models in by_setting.items():
        for model, reason in _measure(
            (references[setting], *models), setting, out, weights, progress
        ).items():
            left_out[model, setting] = reason
    theirs, ours = Results(costs), Results(_there(out))
    found = []
    for record in costs:
        key = record.cell.model, setting_of(record.cell)
        if record.cell.model in by_setting.get(key[1], ()) and key not in left_out:
            found.append(compared(record.cell, references[key[1]], theirs, ours))
        else:
            found.append(Checked(record.cell, NOT_COMPARED, left_out.get(key, "its ratio was not drawn")))
    return found


def setting_of(cell: Cell) -> Setting:
    """Say what a method has to share with another for their ratio to mean anything."""
    return cell.device, cell.runtime, cell.precision, cell.height, cell.width, cell.threads


def _references(costs: Sequence[Record]) -> dict[Setting, str]:
    """Name of the method in each setting that was timed against its twin: the others are held to it."""
    return {
        setting_of(record.cell): record.cell.model
        for record in costs
        if record.cell.measurement == "latency" and record.values.get("twin_samples_s")
    }


def _fitting(
    costs: Sequence[Record], references: Mapping[Setting, str]
) -> tuple[dict[tuple[str, Setting], str], list[Record]]:
    """Why the ratio of a method cannot be measured here; and the latency records of all others."""
    gpus, cores = bool(machine().get("gpu")), usable_cores()
    why: dict[tuple[str, Setting], str] = {}
    fitting = []
    timed = {
        (record.cell.model, setting_of(record.cell)): record
        for record in costs
        if record.cell.measurement == "latency"
    }
    for record in costs:
        key = record.cell.model, setting_of(record.cell)
        latency = timed.get(key)
        if latency is None or key[1] not in references:
            why[key] = (
                "no method beside it was timed against its own twin: a time or peak alone is its machine's"
            )
        elif references[key[1]] == record.cell.model:
            why[key] = "it is what the other ratios are taken to; a time or peak alone is its machine's"
        elif latency.values.get("single_pass"):
            why[key] = "it was timed in a single pass there, whose spread is not known"
        elif record.cell.device == "cuda" and not gpus:
            why[key] = "it was measured on a GPU, and this machine has none"
        elif (record.cell.threads or 1) > cores:
            why[key] = (
                f"it was measured with {record.cell.threads} threads, and this machine has {cores} cores"
            )
        elif record is latency:
            fitting.append(record)
    return why, fitting


def _measure(
    models: Sequence[str],
    setting: Setting,
    out: Path,
    weights: Mapping[str, Path] | None,
    progress: Progress | None,
) -> dict[tuple[str, Setting], str]:
    """Measure the methods of one setting, the first of them the reference; says why it cannot be done."""
    device, runtime, precision, height, width, threads = setting
    asked = Request(
        models=models,
        measurements=KINDS,
        device=str(device),
        runtimes=(str(runtime),),
        precisions=(str(precision),),
        size=(height or 0, width or 0),
        threads=threads,
        weights=weights or {},
    )
    try:
        execute(plan(asked), out, resume=True, progress=progress)
    except InputError as error:
        return {(model, setting): str(error) for model in models}
    return {}


def _there(out: Path) -> list[Record]:
    return [store.read(path) for path in store.files(out)]


def compared(cell: Cell, reference: str, theirs: Results, ours: Results) -> Checked:
    """Compare the ratio of a method to its reference with the same ratio of other results.

    Args:
        cell: a latency or memory cell of the method.
        reference: the other method, in the same setting.
        theirs: the results that the cell is of.
        ours: what was measured again.
    """
    kind = cell.measurement
    there, here = (_ratio(kind, cell, reference, results) for results in (theirs, ours))
    if there.estimate is None or here.estimate is None:
        return Checked(
            cell, NOT_COMPARED, f"there: {there.reason}" if there.reason else f"here: {here.reason}"
        )
    figures = f"{_told(there.estimate)} times {reference} there, {_told(here.estimate)} here"
    if not there.estimate.decides:
        return Checked(cell, NOT_COMPARED, f"{figures}: theirs is no interval, and a range decides nothing")
    low, high = there.estimate.low, there.estimate.high
    assert low is not None
    assert high is not None
    claim = stated.between(f"{kind}-ratio", low, high)
    outcome = decide(claim, Member(cell.model, here)).outcome
    low, high = claim.widened()
    allowed = (
        f"allowed: {low:.3g} to {high:.3g}, their interval and {claim.tolerance:.0%} for another processor"
    )
    if outcome in HOLDS:
        return Checked(cell, AGREES, f"{figures}; {allowed}")
    if outcome is Outcome.CONTRADICTED:
        return Checked(cell, DIFFERS, f"{figures}; {allowed}")
    return Checked(cell, NOT_COMPARED, f"{figures}: too uncertain to tell; {allowed}")


def _ratio(kind: str, cell: Cell, reference: str, results: Results) -> Measured:
    measure = {"latency": quantities.latency_ratio, "memory": quantities.memory_ratio}[kind]
    setting: dict[str, Any] = {
        "device": cell.device,
        "frame": (cell.height, cell.width),
        "runtimes": (cell.runtime,),
        "precision": cell.precision,
        "threads": cell.threads,
    }
    return measure(results, cell.model, reference, **setting)


def _told(ratio: Estimate) -> str:
    ends = "" if ratio.low is None or ratio.high is None else f" ({ratio.low:.3g} to {ratio.high:.3g})"
    return f"{ratio.value:.3g}{ends}"
