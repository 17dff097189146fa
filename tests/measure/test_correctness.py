"""An output off by more than its precision excuses is wrong, on the run's own input too."""

from dataclasses import replace

import numpy as np
import pytest

from bench.measure import subjects
from bench.measure.correctness import check_own_input
from bench.measure.failures import WrongOutputError
from bench.measure.inputs import cost_frame
from bench.measure.tolerance import TOLERANCE, require_close
from bench.records.cells import Cell
from bench.records.jobs import Job

CELL = Cell("red", "latency", None, None, None, "cpu", "eager", "fp32", 64, 96, 1)


@pytest.mark.parametrize("precision", TOLERANCE)
def test_the_tolerance_of_a_precision_decides(precision):
    expected = np.array([1.0, -4.0])
    off = 4 * TOLERANCE[precision]
    require_close(expected + np.array([0.99 * off, 0]), expected, precision, "it")
    with pytest.raises(WrongOutputError, match="differs from it by"):
        require_close(expected + np.array([1.01 * off, 0]), expected, precision, "it")
    require_close(expected + np.array([1.01 * off, 0]), expected, precision, "it", rms=True)
    with pytest.raises(WrongOutputError, match="differs from it by"):
        require_close(expected + 1.01 * off, expected, precision, "it", rms=True)


@pytest.mark.parametrize("wrong", [np.array([np.nan, 1.0]), np.array([[1.0, -4.0]])])
def test_what_is_no_number_or_has_another_shape_is_wrong(wrong):
    with pytest.raises(WrongOutputError):
        require_close(wrong, np.array([1.0, -4.0]), "int8", "it")


def test_a_form_is_held_against_the_published_one_on_its_own_input():
    job = Job((CELL,))
    subject = subjects.build(CELL, "none")
    placed = subject.place(*cost_frame(job), subject.conventions.input_clip)
    check_own_input(job, subject, placed)
    brighter = replace(subject, forward=lambda given: 1.001 * subject.forward(given))
    with pytest.raises(WrongOutputError, match="published form's output on this run's input"):
        check_own_input(job, brighter, placed)
    check_own_input(Job((replace(CELL, runtime="published"),)), brighter, placed)
