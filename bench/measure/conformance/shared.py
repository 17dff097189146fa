"""Checks that hold for networks and classical methods alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.measure.conformance.findings import Violation
from bench.measure.conformance.method import GAIN, Method, frame, numbers

if TYPE_CHECKING:
    from llpacknet.raw.frame import RawFrame

SIDES = (48, 64)


def determinism(method: Method) -> str:
    """Check that a frame gives the same bits, whatever was restored in between, in every instance."""
    placed = method.place(frame(*SIDES))
    first = numbers(method.call(placed, "a first call"))
    again = numbers(method.call(placed, "a second call"))
    if not np.array_equal(first, again, equal_nan=True):
        raise Violation(
            f"the same frame twice differs by {_gap(first, again)}",
            "use no random numbers at inference; dropout and the like must respect eval mode",
        )
    method.restore(frame(SIDES[0], SIDES[1] + 16, seed=5), GAIN / 2)
    later = numbers(method.call(placed, "a later call"))
    if not np.array_equal(first, later, equal_nan=True):
        raise Violation(
            f"after another frame, the same frame differs by {_gap(first, later)}",
            "keep nothing from one call to the next: no running statistics, no cache that ignores the input",
        )
    other = Method.build(method.name, method.weights)
    rebuilt = numbers(other.call(placed, "a call of a second instance"))
    if not np.array_equal(first, rebuilt, equal_nan=True):
        raise Violation(
            f"a second instance differs by {_gap(first, rebuilt)}",
            "draw initial parameters only from torch's generator, which is seeded before your factory is "
            "called, or load them from a file of your package",
        )
    return "bit-identical: twice, after another frame, and in a second instance"


def unchanged_input(method: Method) -> str:
    """Check that the call does not change its input, which rounds and images share."""
    placed = method.place(frame(*SIDES))
    tensor = placed if method.network else placed[0].mosaic
    before = numbers(tensor)
    method.call(placed, "a frame of 48x64")
    if not np.array_equal(before, numbers(tensor)):
        raise Violation(
            "the call changes its input",
            "work on a copy: no operations in place (x *= gain, x.clamp_(), out=x) on the argument",
        )
    return "unchanged"


def conventions(method: Method) -> tuple[bool, float | None]:
    """Return `needs_gain` and `input_clip` of a method; Violation where they are stated wrongly."""
    stated = getattr(method.built, "needs_gain", True)
    clip = getattr(method.built, "input_clip", None)
    if not isinstance(stated, bool):
        raise Violation(
            f"needs_gain is {stated!r}",
            "state needs_gain = True (the caller amplifies the mosaic) or False (the method does so itself)",
        )
    number = isinstance(clip, (int, float)) and not isinstance(clip, bool)
    if clip is not None and not (number and 0 < clip < math.inf):
        raise Violation(
            f"input_clip is {clip!r}",
            "state input_clip = 1.0 to have the amplified mosaic clipped at saturation, or None for no "
            "clipping",
        )
    return method.subject.conventions.needs_gain, method.subject.conventions.input_clip


def gain_has_effect(method: Method, base: RawFrame) -> None:
    """Raise Violation where a method that asks for the gain gives the same image at half of it."""
    full, half = (numbers(method.restore(base, factor)) for factor in (GAIN, GAIN / 2))
    if np.array_equal(full, half):
        raise Violation(
            "it asks for the gain, but half the gain gives the same image",
            "state needs_gain = False where the method finds its own amplification",
        )


def _gap(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> str:
    if one.shape != other.shape:
        return f"its shape ({one.shape} and {other.shape})"
    return f"{float(np.nanmax(np.abs(one.astype(np.float64) - other))):.1e}"
