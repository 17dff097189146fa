"""Checks of what a method does to its process: memory, and torch's global settings."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from baselines.paper import FULL_HEIGHT, FULL_WIDTH
from bench.measure.conformance.findings import Violation
from bench.measure.conformance.method import Method, frame, global_settings
from bench.measure.memory import trim_heap, watch

if TYPE_CHECKING:
    from bench.measure.memory import PeakWatch

SMALL, LARGE = (384, 512), (768, 1024)
# Times the ratio of the areas; half as much again is blocks and padding, not a product of all pixels.
GROWTH_LIMIT = 1.6
# Peaks below this many bytes say little about growth: libraries take pages of their own.
COUNTS_FROM = 64e6
LEAK_CALLS = 5


def memory(method: Method) -> str:
    """Check that memory grows with the area and no faster, and that calls leave nothing behind."""
    look = watch()
    method.restore(frame(*SMALL))  # libraries take their own room at the first call
    small, large = _peak(method, look, SMALL), _peak(method, look, LARGE)
    area = LARGE[0] * LARGE[1] / (SMALL[0] * SMALL[1])
    growth = large / max(small, 1)
    full = large * FULL_HEIGHT * FULL_WIDTH / (LARGE[0] * LARGE[1])
    if large > COUNTS_FROM and growth > GROWTH_LIMIT * area:
        raise Violation(
            f"{area:g} times the area needs {growth:.1f} times the memory ({large / 1e9:.2f} GB)",
            "work in blocks: attention or a product over all pixel pairs cannot take a full frame",
        )
    left = _left_behind(method, look)
    one_image = SMALL[0] * SMALL[1] * 3 * 4
    if left > LEAK_CALLS * one_image // 2:
        raise Violation(
            f"{LEAK_CALLS} calls leave {left / 1e6:.0f} MB allocated",
            "keep no references to a call's tensors (lists of features, outputs stored on the module)",
        )
    return f"about {full / 1e9:.2f} GB at {FULL_HEIGHT}x{FULL_WIDTH}, from {large / 1e6:.0f} MB measured"


def _peak(method: Method, look: PeakWatch, size: tuple[int, int]) -> int:
    placed = method.place(frame(*size))
    _settle()
    before = look.reset()
    output = method.call(placed, f"a frame of {size[0]}x{size[1]}")
    peak = look.peak() - before
    del output
    return max(peak, 0)


def _left_behind(method: Method, look: PeakWatch) -> int:
    placed = method.place(frame(*SMALL))
    _settle()
    before = look.reset()
    for _ in range(LEAK_CALLS):
        method.call(placed, f"a frame of {SMALL[0]}x{SMALL[1]}")
    _settle()
    return look.reset() - before


def _settle() -> None:
    gc.collect()
    trim_heap()


def settings(method: Method) -> str:
    """Check that importing, building and calling leave torch's and NumPy's global settings alone."""
    method.restore(frame(48, 64))
    after = global_settings()
    for name, value in method.settings.items():
        if after[name] != value:
            raise Violation(
                f"it changes the {name} from {value} to {after[name]}",
                "leave global settings to the caller: a benchmark measures all methods under the same "
                "settings",
            )
    return ", ".join(after)
