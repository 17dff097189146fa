"""Ratios of time and memory measured again here: a method and its reference, interleaved.

Times and memory peaks depend on the machine; the ratio of two methods depends mostly on the methods, but not
only: a processor with larger caches or wider vectors favours one network more than another. So a ratio may
change by the tolerance that `claims.toml` states for published ratios before it counts as different, and
always by as much as both intervals.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from bench.judge import quantities, stated
from bench.judge.deciding import decide
from bench.judge.evidence import Member
from bench.judge.outcomes import HOLDS, Outcome
from bench.judge.results import Results
from bench.machine.environment import machine, usable_cores
from bench.machine.wording import plural
from bench.records import store
from bench.run.manager import execute
from bench.run.plan import plan
from bench.run.request import ROUNDS, Request
from bench.score.checked import AGREES, DIFFERS, NOT_COMPARED, Checked
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bench.judge.quantities import Measured
    from bench.judge.statistics import Estimate
    from bench.records.cells import Cell, Measurement, Record
    from bench.run.outcome import Progress

KINDS: tuple[Measurement, ...] = ("latency", "memory")
# What two methods have to share for their ratio: device, runtime, precision, rows, columns, threads.
Setting = tuple[str | None, str | None, str | None, int | None, int | None, int | None]


def recheck_ratios(
    records: Iterable[Record],
    out: Path,
    *,
    count: int,
    seed: int = 0,
    rounds: int = ROUNDS,
    weights: Mapping[str, Path] | None = None,
    progress: Progress | None = None,
) -> list[Checked]:
    """Measure a random sample of the ratios of time and memory again, and compare.

    The reference of a run is the method that it timed against its own twin. All methods of one setting are
    measured in one interleaved run, as they were there.

    Args:
        records: someone else's, all with status ok.
        out: a folder for the new results.
        count: how many methods to draw, each with its reference.
        seed: of the draw.
        rounds: interleaved rounds; fewer than five decide nothing.
        weights: file per model instead of the shipped one.
        progress: is notified of progress.

    Returns:
        One for every latency and memory cell; for a method that was drawn, with the ratio there and here.
    """
    theirs = Results(record for record in records if record.cell.measurement in KINDS)
    references = {
        setting_of(one.cell): one.cell.model
        for one in theirs.of("latency")
        if one.values.get("twin_samples_s")
    }
    why = {_key(one.cell): _why_not(one.cell, theirs, references) for one in theirs.records}
    fitting = [one.cell for one in theirs.of("latency") if why[_key(one.cell)] is None]
    drawn = random.Random(seed).sample(fitting, min(count, len(fitting)))  # noqa: S311 -- no secret
    for setting in dict.fromkeys(map(setting_of, drawn)):
        models = [cell.model for cell in drawn if setting_of(cell) == setting]
        asked = _request((references[setting], *models), setting, rounds, weights or {})
        try:
            execute(plan(asked), out, resume=True, progress=progress)
        except InputError as error:
            why |= {(model, setting): str(error) for model in models}
    ours, measured = Results(store.read(path) for path in store.files(out)), set(map(_key, drawn))
    found = []
    for cell in [one.cell for one in theirs.records]:
        reason = why[_key(cell)] or (None if _key(cell) in measured else "its ratio was not drawn")
        if reason is None:
            found.append(compared(cell, references[setting_of(cell)], theirs, ours))
        else:
            found.append(Checked(cell, NOT_COMPARED, reason))
    return found


def setting_of(cell: Cell) -> Setting:
    """Return what two methods must have in common for their ratio to mean anything."""
    return cell.device, cell.runtime, cell.precision, cell.height, cell.width, cell.threads


def _key(cell: Cell) -> tuple[str, Setting]:
    return cell.model, setting_of(cell)


def _why_not(cell: Cell, theirs: Results, references: Mapping[Setting, str]) -> str | None:
    """Say why the ratio of a method cannot be compared; None if it can."""
    reference = references.get(setting_of(cell))
    if reference is None:
        return (
            "nothing beside it was timed against its own twin, and a time or peak by itself depends on "
            "the machine"
        )
    if cell.model == reference:
        return "it is the reference of the other ratios; a time or peak by itself depends on the machine"
    there = _ratio("latency", cell, reference, theirs)
    if there.estimate is None:
        return f"no ratio there: {there.reason}"
    if "single-pass" in there.marks:
        return "it was timed in a single pass there, whose spread is not known"
    if not there.estimate.decides:
        return f"{plural(there.estimate.count, 'round')} gave only a range there, which decides nothing"
    return _why_not_here(cell)


def _why_not_here(cell: Cell) -> str | None:
    cores = usable_cores()
    if cell.device == "cuda" and not machine().get("gpu"):
        return "it was measured on a GPU, and this machine has none"
    if (cell.threads or 1) > cores:
        threads = plural(cell.threads or 1, "thread")
        return f"it was measured with {threads}, and this machine has {plural(cores, 'core')}"
    return None


def _request(models: Sequence[str], setting: Setting, rounds: int, weights: Mapping[str, Path]) -> Request:
    device, runtime, precision, height, width, threads = setting
    return Request(
        models=models,
        measurements=KINDS,
        device=str(device),
        runtimes=(str(runtime),),
        precisions=(str(precision),),
        size=(height or 0, width or 0),
        threads=threads,
        rounds=rounds,
        weights=weights,
    )


def compared(cell: Cell, reference: str, theirs: Results, ours: Results) -> Checked:
    """Compare the ratio of a method to its reference with the same ratio of other results.

    Args:
        cell: a latency or memory cell of the method.
        reference: the other method, in the same setting.
        theirs: the results that the cell belongs to.
        ours: what was measured again.
    """
    kind = cell.measurement
    there, here = (_ratio(kind, cell, reference, results) for results in (theirs, ours))
    if there.estimate is None or here.estimate is None:
        side = f"there: {there.reason}" if there.reason else f"here: {here.reason}"
        return Checked(cell, NOT_COMPARED, side)
    figures = f"{_told(there.estimate)} times {reference} there, {_told(here.estimate)} here"
    low, high = there.estimate.low, there.estimate.high
    assert low is not None
    assert high is not None
    claim = stated.between(f"{kind}-ratio", low, high)
    outcome = decide(claim, Member(cell.model, here)).outcome
    low, high = claim.widened()
    allowed = f"allowed {low:.3g} to {high:.3g}: their interval, {claim.tolerance:.0%} for another processor"
    if outcome in HOLDS:
        return Checked(cell, AGREES, f"{figures}; {allowed}")
    if outcome is Outcome.CONTRADICTED:
        return Checked(cell, DIFFERS, f"{figures}; {allowed}")
    return Checked(cell, NOT_COMPARED, f"{figures}: too uncertain to decide; {allowed}")


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
