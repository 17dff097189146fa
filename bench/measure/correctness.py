"""Correctness before speed: a form's output is compared before its times count.

A form of a network is compared with the network's golden output (`bench.measure.golden`) and, on the input
that it is timed on, against the network as published in fp32 with the same weights.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.measure import subjects
from bench.measure.tolerance import require_close

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.measure.subjects import Subject
    from bench.records.jobs import Job

# Device, runtime and precision of the form that all others are compared with.
PLAIN = ("cpu", "published", "fp32")


def check_own_input(job: Job, subject: Subject, placed: Any) -> None:
    """Compare a form's output on the input that it was timed on with that of the plain form.

    The plain form itself has nothing to be compared with, nor has a classical method. Both images are in
    memory for a moment, so call it when nothing is being measured any more.
    """
    cell = job.cell
    if subject.form is None or (cell.device, cell.runtime, cell.precision) == PLAIN:
        return
    given = _numbers(subject.forward(placed))
    device, runtime, precision = PLAIN
    plain = subjects.build(replace(cell, device=device, runtime=runtime, precision=precision), job.weights)
    expected = _numbers(plain.forward(placed.to(device) if subject.network else placed))
    what = "the published form's output on this run's input"
    # A few pixels of a number format with few digits may lie far off: there the image as a whole counts.
    require_close(given, expected, str(cell.precision), what, rms=cell.precision != "fp32")


def _numbers(output: Any) -> NDArray[Any]:
    return output.float().cpu().numpy() if hasattr(output, "cpu") else output  # type: ignore[no-any-return]
