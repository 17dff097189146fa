"""The non-statistical comparisons of the gate: counts, peak memory, images. No difference here is noise."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.judge.verdicts import OUTPUTS, Finding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.judge.verdicts import Limits, Verdict
    from bench.records.cells import Record

COUNTS = {"parameters": "", "gmac": "GMAC"}


@dataclass(frozen=True)
class Both:
    """A cell on both sides."""

    base: Record
    head: Record

    @property
    def model(self) -> str:
        """The method."""
        return self.head.cell.model


def counts(both: Both, limits: Limits, detail: dict[str, Any] | None = None) -> list[Finding]:
    """Compare parameters, GMAC and, if they were counted, instructions with the base's."""
    found = []
    for quantity, unit in COUNTS.items():
        base, head = both.base.values.get(quantity), both.head.values.get(quantity)
        if base is not None and head is not None:
            found.append(_relative(both, quantity, base, head, 0.0, unit, limits, detail))
    instructions = both.head.values.get("instructions") or {}
    for name, head in instructions.items():
        base = (both.base.values.get("instructions") or {}).get(name)
        if base:
            made = _relative(
                both, "instructions", base, head, limits.instructions, "", limits, {"kernel": name}
            )
            found.append(made)
    return found


def memory(both: Both, limits: Limits, detail: dict[str, Any] | None = None) -> Finding:
    """Compare the peak of the forward pass with the base's, each the median of several processes.

    A difference counts where it exceeds the relative limit, the limit in bytes, and what the processes of
    either side differ by among themselves: smaller ones come from the granularity of pages and of the
    allocator.
    """
    sides = [peaks(record) for record in (both.base, both.head)]
    base, head = (float(statistics.median(some)) for some in sides)
    grain = max(limits.memory_bytes, *(max(some) - min(some) for some in sides))
    word: Verdict = "equal"
    if abs(head - base) > max(limits.memory * base, grain):
        word = "worse" if head > base else "better"
    change, floor = (head / base - 1, grain / base) if base else (None, None)
    coarse = grain > limits.memory * base
    allowed = f"{grain / 1e6:.3g} MB, the resolution of peaks" if coarse else f"{limits.memory:.0%}"
    shown = "from nothing" if change is None else f"{change:+.2%}"
    return Finding(
        both.model, "memory", word, base, head, "B", change, floor=floor,
        reason="" if base == head else f"{shown}; allowed: {allowed}",
        accepted="memory" in limits.accepted, detail=detail or {},
    )  # fmt: skip


def golden(both: Both, limits: Limits) -> list[Finding]:
    """Find whether the head misses a published network's golden output."""
    missed = both.head.values.get("golden")
    if missed in {None, "met"}:
        return []
    reason = f"golden output: {missed}"
    if both.base.values.get("golden") not in {None, "met"}:
        return [_correctness(both, "equal", f"{reason}; the base does too", None, limits)]
    return [_correctness(both, "wrong-output", reason, None, limits)]


def psnr(both: Both, limits: Limits) -> Finding:
    """Compare the PSNR on a scene with the base's."""
    base, head = (float(record.values["psnr"]) for record in (both.base, both.head))
    change = 0.0 if base == head else head - base
    word: Verdict = "equal"
    if abs(change) > limits.psnr_db:
        word = "better" if change > 0 else "worse"
    reason = f"{change:+.3f} dB; {limits.psnr_db:g} dB are allowed"
    return Finding(
        both.model, "psnr", word, base, head, "dB", change, reason=reason, accepted="psnr" in limits.accepted,
        detail={"image": both.head.cell.image},
    )  # fmt: skip


def images(pairs: Sequence[Both], base: Path, head: Path, limits: Limits) -> Finding | None:
    """Compare the head's images of the scenes with the base's.

    Args:
        pairs: quality cells of one method.
        base: folder of the base's images, `<image>.npy`; without one, the pixels in its record count.
        head: folder of the head's.
        limits: how much a pixel may differ.
    """
    worst = 0.0
    for both in pairs:
        one, other = _pixels(both.base, base), _pixels(both.head, head)
        if one.size != other.size:
            one, other = (np.asarray(record.values["pixels"]) for record in (both.base, both.head))
        if one.shape != other.shape:
            reason = f"{both.head.cell.image}: the images differ in shape"
            return _correctness(both, "wrong-output", reason, None, limits)
        apart = float(np.max(np.abs(one - other), initial=0.0))
        worst = max(worst, math.inf if math.isnan(apart) else apart)
    if not pairs:
        return None
    off = f"pixels differ by up to {worst:.2g} of white"
    if worst > limits.outputs:
        word: Verdict = "wrong-output"
        return _correctness(pairs[0], word, f"{off}; {limits.outputs:g} are allowed", worst, limits)
    return _correctness(pairs[0], "equal", off if worst else "bit-identical images", worst, limits)


def _pixels(record: Record, folder: Path) -> Any:
    path = folder / f"{record.cell.image}.npy"
    return np.load(path, allow_pickle=False) if path.is_file() else np.asarray(record.values["pixels"])


def _correctness(both: Both, word: Verdict, reason: str, change: float | None, limits: Limits) -> Finding:
    accepted = OUTPUTS in limits.accepted
    return Finding(both.model, OUTPUTS, word, change=change, reason=reason, accepted=accepted)


def _relative(
    both: Both,
    quantity: str,
    base: float,
    head: float,
    limit: float,
    unit: str,
    limits: Limits,
    detail: dict[str, Any] | None = None,
) -> Finding:
    change = 0.0 if base == head else (head / base - 1 if base else math.inf)
    word: Verdict = "equal"
    if abs(change) > limit:
        word = "worse" if change > 0 else "better"
    allowed = f"{limit:.3g}" if limit else "none"
    reason = "" if word == "equal" and not change else f"{change:+.2%}; allowed: {float(limit):.0%}"
    if allowed == "none" and word != "equal":
        reason = f"{head - base:+,.6g} {unit}".strip() + f" ({change:+.2%}); an exact count"
    shown = None if math.isinf(change) else change
    return Finding(
        both.model, quantity, word, base, head, unit, shown, reason=reason,
        accepted=quantity in limits.accepted, detail=detail or {},
    )  # fmt: skip


def peaks(record: Record) -> list[float]:
    """Peaks of a memory record's processes, in bytes."""
    return record.values.get("run_peak_samples_bytes") or [record.values["run_peak_bytes"]]
