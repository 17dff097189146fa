"""Floors: the shortest possible time of a pass on this machine, and how close each form comes to it.

The roof is the fastest compute-bound kernel of a number format that the cell `kernels` holds; the floor is
a network's multiplications and additions over that rate. A form faster than the roof, or a roof above what
the instructions allow, is a fault of the roof and is reported as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.judge import deployments, quantities
from bench.judge.results import number

if TYPE_CHECKING:
    from bench.judge.deployments import Form
    from bench.judge.results import Results
    from bench.judge.statistics import Estimate
    from bench.records.cells import Record

# A rate within the noise of the best round is not above the roof.
SLACK = 1.03
# A profile whose passes the profiler made this much slower shows shares, but no rates.
DISTURBED = 1.2


@dataclass(frozen=True)
class Roof:
    """What a number format allows at most, by the best round of each kernel.

    Attributes:
        precision: the number format.
        flops: operations per second of the fastest kernel; a multiplication and an addition are two.
        kernel: its name.
        limit: operations per second that cores x lanes x 2 x units x clock allow; None if unknown.
        record: where they were measured.
    """

    precision: str
    flops: float
    kernel: str
    limit: float | None
    record: Record

    @property
    def is_above_limit(self) -> bool:
        """Whether the kernel is faster than loop and clock allow: a fault of the roof."""
        return self.limit is not None and self.flops > SLACK * self.limit


@dataclass(frozen=True)
class Standing:
    """How close a form of a network comes to its floor.

    Attributes:
        model: the network.
        form: its runtime and number format.
        computes: the number format in which most of its convolutions run, "fp32" where a file does not say.
        operations: multiplications and additions of one pass.
        time: seconds of a pass, with their interval.
        roof: what its number format allows; None if that was not measured.
        behind: the records of time, count and roof.
    """

    model: str
    form: Form
    computes: str
    operations: float
    time: Estimate
    roof: Roof | None
    behind: tuple[Record, ...]

    @property
    def floor_s(self) -> float | None:
        """The shortest time that the roof allows, in seconds."""
        return self.operations / self.roof.flops if self.roof else None

    @property
    def share(self) -> float | None:
        """Share of the roof's rate that the form reaches."""
        return self.floor_s / self.time.value if self.floor_s else None

    @property
    def is_above_roof(self) -> bool:
        """Whether it is faster than any kernel: a fault of the roof."""
        return self.share is not None and self.share > SLACK


@dataclass(frozen=True)
class Part:
    """A kind of operator in a profiled pass.

    Attributes:
        kind: what it does.
        share: share of the pass's time.
        flops: operations per second, the profile's time scaled to that of a pass without the profiler; None
            where they are not counted, or the profiler disturbed too much to tell.
    """

    kind: str
    share: float
    flops: float | None


def best(peaks: dict[str, Any], record: Record, precision: str = "fp32") -> Roof:
    """Return the roof that the peaks of a `kernels` cell make."""
    rates = {name: max(map(number, rounds)) for name, rounds in peaks.items()}
    limit = rates.pop("limit_flops", None)
    kernel = max((name for name in rates if name.endswith("_flops")), key=lambda name: rates[name])
    return Roof(precision, rates[kernel], kernel.removesuffix("_flops"), limit, record)


def roofs(results: Results, device: str = "cpu") -> dict[str, Roof]:
    """Roofs by number format, as measured with the threads of the main cost figures; empty without any."""
    frame = results.frame(device)
    threads = None if frame is None else results.threads(device, frame)
    found: dict[str, Roof] = {}
    for record in results.of("kernels"):
        if record.status == "ok" and (record.cell.device, record.cell.threads) == (device, threads):
            for key, peaks in record.values.items():
                if key == "peaks" or key.startswith("peaks_"):
                    precision = key.removeprefix("peaks").removeprefix("_") or "fp32"
                    found.setdefault(precision, best(peaks, record, precision))
    return found


def counted(results: Results, model: str, frame: tuple[int, int] | None) -> Record | None:
    """Return the record that counts a network's operations at a frame; None if there is none."""
    for record in results.of("complexity", model):
        at_frame = record.status == "ok" and (record.cell.height, record.cell.width) == frame
        if at_frame and record.values.get("gmac") and record.values.get("layer_bytes"):
            return record
    return None


def standings(results: Results, device: str = "cpu") -> list[Standing]:
    """Every form that was timed at the main frame, of every network whose operations were counted there."""
    tops, frame = roofs(results, device), results.frame(device)
    found = []
    for model in results.models:
        count = counted(results, model, frame)
        for form in deployments.forms(results, model, ("latency",)) if count else ():
            record = results.cost("latency", model, device=device, runtimes=(form[0],), precision=form[1])
            if isinstance(record, str) or count is None:
                continue
            computes = str(record.values.get("computes") or form[1])
            time = quantities.latency(results, model, device=device, runtimes=(form[0],), precision=form[1])
            assert time.estimate is not None
            top = tops.get(computes)
            behind = (record, count, *([top.record] if top else []))
            operations = 2e9 * number(count.values["gmac"])
            found.append(Standing(model, form, computes, operations, time.estimate, top, behind))
    return found


def profile(
    results: Results, model: str, form: Form, device: str = "cpu"
) -> tuple[Record, list[Part]] | None:
    """Where a form's time goes, the largest part first; None if no pass of it was profiled."""
    frame = results.frame(device)
    for record in results.of("profile", model):
        cell = record.cell
        fits = ((cell.height, cell.width), cell.device) == (frame, device)
        if record.status == "ok" and fits and (cell.runtime, cell.precision) == form:
            return record, _parts(record)
    return None


def slowed(record: Record) -> float:
    """How many times as long a pass took with the profiler."""
    return number(record.values["seconds"]) / number(record.values["unprofiled_s"])


def _parts(record: Record) -> list[Part]:
    whole, slower = number(record.values["seconds"]), slowed(record)
    found = []
    for kind, entry in record.values["kinds"].items():
        seconds, operations = number(entry["seconds"]), number(entry["operations"])
        tells = operations > 0 and seconds > 0 and slower <= DISTURBED
        found.append(Part(kind, seconds / whole, operations / (seconds / slower) if tells else None))
    return sorted(found, key=lambda part: (-part.share, part.kind))
