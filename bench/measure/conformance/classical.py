"""The checks of a classical method, which takes a raw frame and the gain and gives RGB (H, W, 3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bench.measure.conformance.findings import NotApplicable, Violation
from bench.measure.conformance.method import Method, frame, numbers
from bench.measure.conformance.resources import memory, settings
from bench.measure.conformance.shared import conventions, determinism, gain_has_effect, unchanged_input

if TYPE_CHECKING:
    from collections.abc import Callable

# From the smallest frame that LibRaw renders on.
EVEN = ((22, 22), (22, 46), (50, 34), (62, 94))


def sizes(method: Method) -> str:
    """Check that every even size from 22 up (LibRaw's smallest) gives an image of that size."""
    for height, width in EVEN:
        method.restore(frame(height, width))
    return ", ".join(f"{height}x{width}" for height, width in EVEN)


def gain(method: Method) -> str:
    """Check that the conventions are stated, the gain has its effect, and no exposure gives NaN."""
    needs_gain, _ = conventions(method)
    base = frame(48, 64)
    for level in (int(base.black[0]), base.white):
        method.restore(replace(base, mosaic=np.full_like(base.mosaic, level)), 300.0)
    if needs_gain:
        gain_has_effect(method, base)
    return f"needs_gain {needs_gain}; black and saturated frames give finite values"


def dtype(method: Method) -> str:
    """Check that the image is unsigned whole numbers of full range, or floating point in [0, 1]."""
    output = numbers(method.restore(frame(48, 64)))
    if output.dtype.kind == "u":
        return str(output.dtype)
    if output.dtype.kind != "f" or output.min() < 0 or output.max() > 1:
        raise Violation(
            f"the image is {output.dtype} from {output.min():.3g} to {output.max():.3g}",
            "return floats clipped to [0, 1], or uint8 or uint16 over their full range",
        )
    return f"{output.dtype} from {output.min():.3g} to {output.max():.3g}"


def _no_batches(_: Method) -> str:
    raise NotApplicable("a classical method takes one frame")


def _no_parameters(_: Method) -> str:
    raise NotApplicable("a classical method has no parameters")


def _no_export(_: Method) -> str:
    raise NotApplicable("a classical method is not a network")


# In the order in which they run.
CHECKS: dict[str, Callable[[Method], str]] = {
    "sizes": sizes,
    "batch": _no_batches,
    "determinism": determinism,
    "input": unchanged_input,
    "gain": gain,
    "dtype": dtype,
    "weights": _no_parameters,
    "settings": settings,
    "export": _no_export,
    "memory": memory,
}
