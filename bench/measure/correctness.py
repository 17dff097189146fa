"""Correctness before speed: how far an output may lie from what it must be, and that it does not lie farther.

A form of a network is held against the network's golden output (`bench.measure.golden`) and, on the input
that it is timed on, against the network as published in fp32 with the same weights.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.measure.subjects import TOLERANCE, WrongOutputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.measure.subjects import Subject
    from bench.records.jobs import Job

PLAIN = ("cpu", "published", "fp32")
"""Device, runtime and precision of the form that all others are held against."""


def hold(
    given: NDArray[Any], expected: NDArray[Any], precision: str, what: str, *, rms: bool = False
) -> None:
    """Raise WrongOutputError where an output is off by more than its precision excuses.

    Args:
        given: the output.
        expected: what it must be.
        precision: its precision.
        what: what is expected, for the message.
        rms: whether the root of the mean square counts rather than the largest difference.
    """
    if given.shape != expected.shape:
        raise WrongOutputError(f"{what}: shape {given.shape}, not {expected.shape}")
    apart = np.abs(given - expected)
    off = float(np.sqrt(np.mean(apart**2, dtype=np.float64)) if rms else apart.max())
    error = off / max(float(np.abs(expected).max()), 1e-12)
    tolerance = TOLERANCE[precision]
    if not error <= tolerance:
        raise WrongOutputError(f"off {what} by {error:.2g} of the largest value (at most {tolerance:g})")


def check_own_input(job: Job, subject: Subject, placed: Any) -> None:
    """Hold a form's output on the input that it was timed on against that of the plain form.

    The plain form itself has nothing to be held against, nor has a classical method. Both pictures lie in
    memory for a moment: to be called when nothing is measured any more.
    """
    cell = job.cell
    if subject.form is None or (cell.device, cell.runtime, cell.precision) == PLAIN:
        return
    from bench.measure import subjects

    given = _numbers(subject.forward(placed))
    device, runtime, precision = PLAIN
    plain = subjects.build(replace(cell, device=device, runtime=runtime, precision=precision), job.weights)
    expected = _numbers(plain.forward(placed.to(device) if subject.network else placed))
    what = "the published form's output on this run's input"
    # A few pixels of a number format with few digits may lie far off: there the picture as a whole counts.
    hold(given, expected, str(cell.precision), what, rms=cell.precision != "fp32")


def _numbers(output: Any) -> NDArray[Any]:
    return output.float().cpu().numpy() if hasattr(output, "cpu") else output  # type: ignore[no-any-return]
