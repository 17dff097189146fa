"""The controls of every amplifier, from SID's own lists: figures worked out apart from this code."""

import math
import statistics

import numpy as np
import pytest

from bench.data.folder import controls
from bench.data.folder.subsets import select
from bench.records import protocols


@pytest.mark.parametrize(("subset", "frames", "gain"), [("first-0.1s", 161, 168), ("first", 280, 203)])
def test_the_constant_is_the_geometric_mean_of_the_training_frames_that_the_rule_takes(subset, frames, gain):
    taken = select(controls._listed("train"), subset, "0")
    assert len(taken) == frames
    assert controls.constant(subset) == pytest.approx(statistics.geometric_mean(one.ratio for one in taken))
    assert round(controls.constant(subset)) == gain


def test_the_line_is_the_least_squares_line_of_numpy():
    frames = controls.first_test_frames()
    x, y = (np.log2([getattr(frame, what) for frame in frames]) for what in ("level", "ratio"))
    slope, offset = np.polyfit(x, y, 1)
    line = controls.level_line()
    assert (line.slope, line.offset) == pytest.approx((slope, offset), abs=1e-4)
    assert line.slope == pytest.approx(-0.23, abs=0.005)


def test_an_eighth_of_the_level_asks_for_half_as_much_gain_again_and_all_gains_are_ratios():
    high, low = controls.level(0.001), controls.level(0.001 / 8)
    assert low / high == pytest.approx(8**0.2290)
    assert controls.level(0) == controls.level(1e-9) == 300
    assert 1 <= controls.level(1.0) < 40


def test_the_notes_of_the_protocols_state_the_gains():
    line = controls.level_line()
    for name, protocol in protocols.load().items():
        if protocol.gain == "constant":
            assert f"gain is {controls.constant(protocol.subset):.0f}," in protocol.notes, name
    assert f"2^{line.offset:.4f} x level^{line.slope:.4f}" in protocols.get("paper2020-level").notes
    assert math.log2(controls.level(0.001)) == pytest.approx(8.2263 - 0.2290 * math.log2(15.871))
