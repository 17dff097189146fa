"""What the gate and the comparison find of one quantity, and how large a difference has to be to count."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Verdict = Literal[
    "faster", "slower", "equivalent", "inconclusive", "equal", "better", "worse", "wrong-output", "failed",
    "new", "gone", "not judged",
]  # fmt: skip
FALLEN: frozenset[Verdict] = frozenset({"slower", "worse", "wrong-output", "failed", "gone"})
OUTPUTS = "correctness"
# What the faster half of a process's turns takes, and the slower half.
TIMES = ("latency", "tail")
# What a gate can fall on, as `accepted` names it.
QUANTITIES = (*TIMES, "memory", "gmac", "parameters", OUTPUTS, "psnr", "instructions")

# Relative differences of time that matter: side by side; against a ratio that was recorded elsewhere.
EFFECT, EFFECT_RECORDED = 0.025, 0.10
# The slower half of turns moves with whatever else the machine does: less than this is not told from it.
EFFECT_TAIL = 0.15
# Peaks of one network move by pages and blocks of the allocator, up to 0.25 MB from process to process.
MEMORY_BYTES = 1 << 19
MEMORY, PSNR_DB, INSTRUCTIONS, LARGEST_DIFFERENCE = 0.03, 0.01, 0.01, 1e-3


@dataclass(frozen=True)
class Limits:
    """The size from which on a difference counts.

    Attributes:
        effect: relative difference of time; None for 2.5 %, or 10 % against a recorded baseline.
        memory: relative difference of peak memory.
        memory_bytes: difference of peak memory that never counts, in bytes.
        psnr_db: difference of PSNR on any scene, in decibels.
        outputs: largest difference of any pixel from the base's, where 1 is white.
        instructions: relative difference of instruction counts.
        error: probability of a false verdict on any time, among all cells together.
        looks: how often the evidence is looked at, at most; the error is shared among the looks.
        accepted: quantities that are expected to differ: they are reported but never fail the gate.
    """

    effect: float | None = None
    memory: float = MEMORY
    memory_bytes: int = MEMORY_BYTES
    psnr_db: float = PSNR_DB
    outputs: float = LARGEST_DIFFERENCE
    instructions: float = INSTRUCTIONS
    error: float = 0.05
    looks: int = 3
    accepted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Finding:
    """What was found of one quantity of one method.

    Attributes:
        model: the method.
        quantity: one of `QUANTITIES`, or what a comparison calls it.
        verdict: the word for it.
        base: the figure of the base; None if there is none.
        head: the figure of the head.
        unit: "s", "B", "GMAC", "dB" or "".
        change: head over base minus 1; for decibels and pixels the difference itself.
        interval: what is known of the change: lower and upper end; None for a count.
        floor: relative difference that this run shows between a revision and itself; None for a count.
        reason: what decided, in one sentence.
        accepted: whether it is expected to differ.
        detail: what else distinguishes cells of one method: size, threads, protocol, image.
    """

    model: str
    quantity: str
    verdict: Verdict
    base: float | None = None
    head: float | None = None
    unit: str = ""
    change: float | None = None
    interval: tuple[float, float] | None = None
    floor: float | None = None
    reason: str = ""
    accepted: bool = False
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def fallen(self) -> bool:
        """Whether a gate fails because of it."""
        return self.verdict in FALLEN and not self.accepted

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values: infinite ones, like the PSNR of equal images, are null."""
        values = asdict(self)
        for key in ("base", "head", "change", "floor"):
            if values[key] is not None and not math.isfinite(values[key]):
                values[key] = None
        return {**values, "fallen": self.fallen}


def status(findings: list[Finding], *, strict: bool) -> int:
    """Exit status of a gate: 1 if it failed; `inconclusive` counts as failed only if asked for."""
    open_too = strict and any(one.verdict == "inconclusive" and not one.accepted for one in findings)
    return int(open_too or any(one.fallen for one in findings))
