"""Two results folders compared with each other, cell by cell."""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from baselines.paper import FULL_HEIGHT, FULL_WIDTH
from bench.judge import exact, timing
from bench.judge.causes import Cause, causes
from bench.judge.exact import Both
from bench.judge.interleaved import round_medians
from bench.judge.paired import by_round
from bench.judge.results import number, scene
from bench.judge.statistics import clustered_mean, over_rounds
from bench.judge.timing import Evidence
from bench.judge.verdicts import EFFECT, Finding, Limits, Verdict
from bench.machine.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.records.cells import Cell, Record

# How far apart the peaks of one network can be in two runs on one machine: from process to process the
# allocator returns other blocks, and other pages of the libraries are mapped already. The most seen is a
# factor of 1.62 (LLPackNet at 712x1064, 68.8 and 111.4 MB), but never over 122 MB (LLPackNet at full size).
PEAK_FACTOR, PEAK_BYTES = 1.65, 125_000_000


@dataclass(frozen=True)
class Comparison:
    """What a comparison has found.

    Attributes:
        findings: one per cell; images of one method and protocol together.
        causes: conditions that differ, the likeliest cause of a difference first.
        refused: whether times were not compared because the machines differ.
        notes: what a reader must know.
    """

    findings: tuple[Finding, ...]
    causes: tuple[Cause, ...]
    refused: bool
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "refused": self.refused,
            "causes": [asdict(one) for one in self.causes],
            "notes": list(self.notes),
            "findings": [one.as_json() for one in self.findings],
        }


def compare(
    base: Iterable[Record], head: Iterable[Record], limits: Limits, *, across_machines: bool = False
) -> Comparison:
    """Compare all cells that both hold.

    Args:
        base: records of the one folder.
        head: records of the other.
        limits: from what size on a difference counts.
        across_machines: compare times even if they were measured on different machines.
    """
    one = {record.cell: record for record in base}
    other = {record.cell: record for record in head}
    why = causes(one.values(), other.values())
    refused = any(cause.machine for cause in why) and not across_machines
    pairs = [Both(one[cell], other[cell]) for cell in one if cell in other]
    ok = [both for both in pairs if both.base.status == both.head.status == "ok"]
    found = [
        *_times(ok, limits, refused=refused),
        *_counts(ok, limits),
        *([] if refused else _memory(ok, (one, other), limits)),
        *_images(ok, limits),
    ]
    found += _ends(pairs)
    found.sort(key=lambda finding: (finding.model, finding.quantity, str(finding.detail)))
    notes = _notes(one, other, pairs, refused=refused)
    if any((finding.quantity, finding.verdict) == ("memory", "inconclusive") for finding in found):
        notes.append("'llbench gate' also tells smaller differences of memory.")
    return Comparison(tuple(found), tuple(why), refused, tuple(notes))


def _times(pairs: list[Both], limits: Limits, *, refused: bool) -> list[Finding]:
    timed = {both.head.cell: both for both in pairs if both.head.cell.measurement == "latency"}
    if refused:
        reason = "measured on different machines"
        return [_time(both, timing.Judged("not judged", reason), limits) for both in timed.values()]
    evidence = {str(index): _evidence(both) for index, both in enumerate(timed.values())}
    judged = timing.judge(evidence, limits.effect or EFFECT, limits.error)
    return [_time(both, judged[str(index)], limits) for index, both in enumerate(timed.values())]


def _evidence(both: Both) -> Evidence:
    base, head = both.base.values, both.head.values
    if base["run"] == head["run"]:
        return timing.side_by_side(both.base, both.head)
    # Two runs: what is paired is nothing, and each has its own rounds.
    now, then = (by_round(side["samples_s"], side["round"]) for side in (head, base))
    twins: dict[int, float] = {}
    for side in (base, head):
        own = by_round(side["samples_s"], side["round"])
        twin = by_round(side.get("twin_samples_s") or [], side.get("twin_round") or [])
        twins |= {
            len(twins) + index: twin[k] - own[k] for index, k in enumerate(sorted(set(own) & set(twin)))
        }
    return Evidence(now, twins, (0,), then)


def _time(both: Both, judged: timing.Judged, limits: Limits) -> Finding:
    middle = []
    for record in (both.base, both.head):
        medians = round_medians(record.values["samples_s"], record.values["round"])
        middle.append(over_rounds(medians).value)
    change = judged.change if judged.change is not None else middle[1] / middle[0] - 1
    shown = None if judged.verdict == "not judged" else change
    return Finding(
        both.model, "latency", judged.verdict, middle[0], middle[1], "s", shown, judged.interval,
        judged.floor, judged.reason, "latency" in limits.accepted, _detail(both.head.cell),
    )  # fmt: skip


def _counts(pairs: list[Both], limits: Limits) -> list[Finding]:
    counted = [both for both in pairs if both.head.cell.measurement == "complexity"]
    return [one for both in counted for one in exact.counts(both, limits, _detail(both.head.cell))]


def _memory(
    pairs: list[Both], sides: tuple[dict[Cell, Record], dict[Cell, Record]], limits: Limits
) -> list[Finding]:
    found = []
    for both in pairs:
        cell = both.head.cell
        if cell.measurement != "memory":
            continue
        by_gate = all("run_peak_samples_bytes" in record.values for record in (both.base, both.head))
        if by_gate or cell.device != "cpu":  # peaks that repeat: blocks mapped one by one, CUDA's allocator
            found.append(exact.memory(both, limits, _detail(cell)))
        else:
            every = (_with_rounds(both.base, sides[0]), _with_rounds(both.head, sides[1]))
            found.append(_peak(Both(*every), limits))
    return found


def _with_rounds(record: Record, side: dict[Cell, Record]) -> Record:
    """Return a memory record with the peaks of the later rounds too, which its timing kept."""
    timed = side.get(replace(record.cell, measurement="latency"))
    seen = timed.values.get("run_peak_samples_bytes") if timed and timed.status == "ok" else None
    peaks = [*exact.peaks(record), *(peak for peak in (seen or [])[1:] if peak)]
    return replace(record, values={**record.values, "run_peak_samples_bytes": peaks})


def _peak(both: Both, limits: Limits) -> Finding:
    """Compare peaks of two runs: what is less than their repeatability is neither better nor worse."""
    cell = both.head.cell
    least = min(statistics.median(exact.peaks(record)) for record in (both.base, both.head))
    frames = (cell.height or 0) * (cell.width or 0) / (FULL_HEIGHT * FULL_WIDTH)
    reach = round(min((PEAK_FACTOR - 1) * least, PEAK_BYTES * max(1.0, frames)))
    coarse = max(limits.memory_bytes, reach)
    found = exact.memory(both, replace(limits, memory_bytes=coarse), _detail(cell))
    base, change = found.base or 0.0, found.change or 0.0
    if found.verdict != "equal" or abs(change) * base <= max(limits.memory * base, limits.memory_bytes):
        return found
    floor = (found.floor or 0.0) * base / 1e6
    reason = f"{change:+.2%}; peaks of one network differ by up to {floor:.3g} MB between runs"
    return replace(found, verdict="inconclusive", reason=reason)


def _images(pairs: list[Both], limits: Limits) -> list[Finding]:
    """Compare the mean PSNR over the images that both scored; its interval is over scenes."""
    groups: dict[tuple[Any, ...], list[Both]] = {}
    for both in pairs:
        cell = both.head.cell
        if cell.measurement == "quality":
            what = (cell.model, cell.protocol, cell.dataset, cell.device, cell.height, cell.width)
            groups.setdefault((*what, cell.runtime, cell.precision), []).append(both)
    several = len({what[2:4] for what in groups}) > 1
    found = []
    for (model, protocol, dataset, device, *_), some in groups.items():
        psnr = {
            b.head.cell.image: (number(b.base.values["psnr"]), number(b.head.values["psnr"])) for b in some
        }
        apart = {str(image): (0.0 if a == b else b - a) for image, (a, b) in psnr.items()}
        mean = clustered_mean(apart, {image: scene(image) for image in apart})
        ends = None if mean.low is None or mean.high is None else (mean.low, mean.high)
        word, reason = _quality(mean.value, ends, limits.psnr_db, len(apart))
        sides = [math.fsum(pair[side] for pair in psnr.values()) / len(psnr) for side in (0, 1)]
        detail = {"protocol": protocol, "images": plural(len(apart), "image")}
        if several:
            detail |= {"dataset": dataset, "device": device}
        found.append(
            Finding(
                model, "psnr", word, sides[0], sides[1], "dB", mean.value, ends, None, reason, detail=detail
            )
        )
    return found


def _quality(
    mean: float, ends: tuple[float, float] | None, allowed: float, count: int
) -> tuple[Verdict, str]:
    low, high = ends or (mean, mean)
    said = f"{mean:+.3f} dB in the mean of {count}; {allowed:g} dB are allowed"
    if low > allowed or high < -allowed:
        return ("better" if low > allowed else "worse"), said
    if -allowed <= low and high <= allowed:
        return "equal", said
    return "inconclusive", f"{said}; the interval over scenes is {low:+.3f} to {high:+.3f}"


def _ends(pairs: list[Both]) -> list[Finding]:
    """Find cells that ended differently on one side."""
    found = []
    for both in pairs:
        ends = (both.base.status, both.head.status)
        if ends[0] != ends[1] and "ok" in ends:
            word: Verdict = "failed" if ends[0] == "ok" else "better"
            bad = both.head if ends[0] == "ok" else both.base
            reason = f"{ends[0]} | {ends[1]}: {bad.reason}"
            detail = _detail(both.head.cell) | {"image": both.head.cell.image}
            found.append(Finding(both.model, both.head.cell.measurement, word, reason=reason, detail=detail))
    return found


def _detail(cell: Cell) -> dict[str, Any]:
    size = f"{cell.height}x{cell.width}" if cell.height else None
    threads = plural(cell.threads, "thread") if cell.threads else None
    return {"device": cell.device, "runtime": cell.runtime, "precision": cell.precision, "size": size,
            "threads": threads}  # fmt: skip


def _notes(
    one: dict[Cell, Record], other: dict[Cell, Record], pairs: list[Both], *, refused: bool
) -> list[str]:
    notes = []
    if refused:
        notes.append(
            "Times and memory are not compared: the two were measured on different machines "
            "(--across-machines compares them anyway)."
        )
    elif any(b.head.cell.measurement == "latency" and b.base.values.get("run") != b.head.values.get("run")
             for b in pairs):  # fmt: skip
        notes.append(
            "The two were not measured in one run: a change of time also contains what the machine did "
            "differently then, which no interval covers. 'llbench gate' measures side by side."
        )
    lonely = [len(set(one) - set(other)), len(set(other) - set(one))]
    if any(lonely):
        notes.append(
            f"{len(pairs)} cells are in both; {lonely[0]} only in the first, {lonely[1]} in the second."
        )
    return notes
