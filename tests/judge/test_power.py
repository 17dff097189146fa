"""The simulated power of the gate's verdicts on times, at reduced size: benchmarks/gate_power.py in full."""

import pytest

from benchmarks import gate_power


@pytest.mark.parametrize(
    ("machine", "change", "falls"),
    [
        ("shared", "none", 0),
        ("uneven", "none", 0),
        ("shared", "+10 %", 8),
        ("shared", "30 % of turns × 3", 8),
    ],
)
def test_a_revision_against_itself_never_falls_and_what_matters_always_does(machine, change, falls):
    fell, latency, tail = gate_power.line(machine, change, 8)
    assert fell == falls
    if change == "30 % of turns × 3":
        assert (tail["slower"], latency["slower"]) == (8, 0)
