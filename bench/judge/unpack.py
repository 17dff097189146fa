"""What a kernels record says about UnPack's forms: how they compare in time and in their images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from baselines.paper import FULL_SIZE
from bench.judge import interleaved, statistics
from bench.judge.outcomes import Why
from bench.judge.quantities import Measured
from bench.judge.results import Results, describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.judge.statistics import Estimate
    from bench.records.cells import Record

# The form that is timed twice per round.
TWINS = ("unpack", "unpack_twin")


def record(results: Results, device: str = "cpu", frame: tuple[int, int] = FULL_SIZE) -> Record | str:
    """Return the kernels record of a device and frame, or the reason why there is none."""
    found = [one for one in results.of("kernels") if one.cell.device == device]
    fitting = [one for one in found if (one.cell.height, one.cell.width) == frame]
    fitting.sort(key=lambda one: (one.status != "ok", -(one.cell.threads or 0)))
    if fitting and fitting[0].status == "ok":
        return fitting[0]
    if fitting:
        return describe(fitting[0])
    elsewhere = sorted({f"{one.cell.height}x{one.cell.width}" for one in found if one.status == "ok"})
    return f"measured only at {', '.join(elsewhere)}" if elsewhere else "not measured"


def ratio(results: Results, above: str, below: str, device: str, frame: tuple[int, int]) -> Measured:
    """How many times as long one form takes as another, process by process, no narrower than the A/A pair.

    Args:
        results: the records.
        above: a form; several with "+" between them take the sum of their times.
        below: another, likewise.
        device: "cpu" or "cuda".
        frame: rows and columns.
    """
    one = record(results, device, frame)
    if isinstance(one, str):
        return Measured(None, f"kernels: {one}")
    found = form_ratio(one, above, below)
    if found is None:
        return Measured(None, f"its kernels record does not time {above} and {below}")
    # Records of earlier releases hold rounds of one process.
    why = None if one.values.get("processes") else Why.ONE_PROCESS
    return Measured(found, why=why, rests_on=(_name(one),), behind=(one,))


def form_ratio(one: Record, above: str, below: str) -> Estimate | None:
    """Ratio of two forms of one record, or of sums of forms; None if it does not hold them."""
    seconds = one.values["seconds"]
    sides = [forms.split("+") for forms in (above, below)]
    if not set().union(*sides) <= set(seconds):
        return None
    sums = [
        [math.fsum(some) for some in zip(*(seconds[form] for form in side), strict=True)] for side in sides
    ]
    found = interleaved.ratio_by_round(*(dict(enumerate(some)) for some in sums))
    if found is None or not set(TWINS) <= set(seconds):
        return found
    twins = [first / second for first, second in zip(*(seconds[form] for form in TWINS), strict=True)]
    return found.at_least(interleaved.noise_floor(twins))


def difference(results: Results, forms: Sequence[str], device: str, frame: tuple[int, int]) -> Measured:
    """Largest difference of any of the forms from the loop, on one image: 0 where all bits agree."""
    one = record(results, device, frame)
    if isinstance(one, str):
        return Measured(None, f"kernels: {one}")
    apart = one.values["largest_difference"]
    missing = [form for form in forms if form not in apart]
    if missing:
        return Measured(None, f"its kernels record does not compare {', '.join(missing)}")
    return Measured(
        statistics.exact(max(float(apart[form]) for form in forms)), rests_on=(_name(one),), behind=(one,)
    )


def _name(one: Record) -> str:
    cell = one.cell
    return f"kernels of {cell.model} ({cell.precision}, {cell.device}, {cell.height}x{cell.width})"
