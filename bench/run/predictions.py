"""Predict what a job takes, from figures at full resolution scaled by area and threads; only for planning."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.paper import FULL_HEIGHT, FULL_WIDTH

if TYPE_CHECKING:
    from bench.records.jobs import Job

FILE = Path(__file__).with_name("predictions.toml")
TABLE_THREADS = 2
# Starting a worker: interpreter, torch, the method.
IMPORT_S = 2.5
IMPORT_BYTES = 400_000_000
# Reading, rendering the truth and the cheap scores of a full-size image.
IMAGE_S = 2.0
LPIPS_S, LPIPS_BYTES = 3.0, 3_700_000_000
# The forms of UnPack, timed and compared on a full-size image's channels.
KERNELS_S, KERNELS_BYTES = 2.0, 1_000_000_000
# By runtime and precision: time of a pass relative to the published form's, and seconds to build it.
FORMS: dict[tuple[str | None, str | None], tuple[float, float]] = {
    ("published", "fp32"): (1.0, 0.0),
    ("eager", "fp32"): (0.9, 0.0),
    ("compile", "fp32"): (0.6, 60.0),
    ("compile", "bf16"): (0.6, 60.0),
    ("onnxruntime", "fp32"): (0.5, 4.0),
    ("openvino", "fp32"): (0.5, 5.0),
    ("openvino", "bf16"): (0.5, 5.0),
    ("openvino", "int8"): (0.3, 10.0),
}
# The machine's own peaks, measured beside them at any frame size.
PEAKS_S, PEAKS_BYTES = 8.0, 550_000_000
CELL_BYTES = 4_000
# One full-size restored image as PNG.
PREDICTION_BYTES = 20_000_000


@dataclass(frozen=True)
class Pass:
    """One forward pass: seconds, and the whole process's largest resident size in bytes."""

    seconds: float
    peak_bytes: int


@cache
def _table() -> dict[str, Pass]:
    raw = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: Pass(float(row["seconds"]), int(row["bytes"])) for name, row in raw.items()}


def is_known(model: str) -> bool:
    """Whether a method's time and memory can be predicted."""
    return model in _table()


def area(height: int, width: int) -> float:
    """Area relative to the paper's frame."""
    return height * width / (FULL_HEIGHT * FULL_WIDTH)


def one_pass(model: str, height: int, width: int, threads: int = TABLE_THREADS) -> Pass | None:
    """Predict one pass of a registered method; None for a method that is not in the table."""
    known = _table().get(model)
    if known is None:
        return None
    share = area(height, width)
    seconds = known.seconds * share * TABLE_THREADS / min(threads, 8)
    return Pass(seconds, round(IMPORT_BYTES + (known.peak_bytes - IMPORT_BYTES) * share))


def in_form(one: Pass, runtime: str | None, precision: str | None) -> tuple[Pass, float]:
    """Return a pass in another form than the published one, and the seconds that building the form takes."""
    factor, building = FORMS.get((runtime, precision), (1.0, 0.0))
    return Pass(one.seconds * factor, one.peak_bytes), building


def kernels(height: int, width: int, processes: int) -> tuple[float, int]:
    """Seconds and largest resident size of comparing the forms of UnPack, timed in this many processes."""
    share = area(height, width)
    largest = max(round(KERNELS_BYTES * share), PEAKS_BYTES)
    timed = processes * (IMPORT_S + max(KERNELS_S * share, 1.5))
    return IMPORT_S + PEAKS_S + timed, 2 * IMPORT_BYTES + largest


def latency_s(one: Pass, *, single_pass: bool, brief: bool = False) -> float:
    """Seconds of one process of an interleaved run: cold call, warm-up, samples, one call end to end."""
    if single_pass:
        return IMPORT_S + one.seconds
    if brief:
        return IMPORT_S + one.seconds + max(1.5, 2 * one.seconds)
    if one.seconds > 5:
        return IMPORT_S + 2 * one.seconds
    return IMPORT_S + 3 * one.seconds + max(3.0, 2 * one.seconds)


def profile_s(one: Pass, runtime: str, precision: str) -> float:
    """Seconds of a profile: a cold call, and a few each without and with the profiler."""
    formed, building = in_form(one, runtime, precision)
    return IMPORT_S + building + (7 if formed.seconds <= 5 else 3) * formed.seconds


def quality_s(one: Pass | None, height: int, width: int, images: int) -> float:
    """Seconds to score this many images."""
    share = area(height, width)
    return IMPORT_S + images * ((one.seconds if one else 0.0) + share * (IMAGE_S + LPIPS_S))


def quality_bytes(one: Pass | None, height: int, width: int) -> int:
    """Largest resident size while scoring: the method's, or LPIPS's plus a few images."""
    scoring = IMPORT_BYTES + round(LPIPS_BYTES * area(height, width))
    return max(one.peak_bytes if one else 0, scoring)


def total_s(jobs: tuple[Job, ...]) -> float:
    """Seconds that jobs will take one after another; one without a prediction counts as its start only."""
    return sum(job.predicted_s or IMPORT_S for job in jobs)
