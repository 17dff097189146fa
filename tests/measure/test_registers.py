"""The loop within the registers multiplies what it says, whole vectors a cycle."""

import pytest

from bench.measure import registers
from bench.measure.registers import Bound

HAD = [precision for precision in ("fp32", "bf16", "int8") if registers.lanes_of(precision)]


@pytest.mark.parametrize("precision", HAD)
def test_a_loop_runs_in_every_number_format_that_the_processor_has(precision):
    bound = registers.bound(precision, 1)
    assert bound.lanes == registers.lanes_of(precision)
    assert 2e8 < bound.clock_hz < 1e10
    assert bound.flops > bound.lanes * 1e8


def test_units_are_counted_whole_and_a_fraction_is_a_fault():
    two = Bound("fp32", 2, 16, 3e9, 2 * 2 * 16 * 2 * 3e9 * 0.98)
    assert two.fault is None
    assert two.limit_flops == 2 * 2 * 16 * 2 * 3e9
    shared = Bound("fp32", 2, 16, 3e9, 2 * 2 * 16 * 1.5 * 3e9)
    assert "1.50 vector multiply-adds a cycle" in shared.fault
