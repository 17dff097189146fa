"""How far an output may lie from what it must be, by precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.measure.failures import WrongOutputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Relative to the largest magnitude of what it must be: by largest difference, or by root mean square.
TOLERANCE = {"fp32": 1e-4, "bf16": 5e-2, "fp16": 1e-2, "int8": 1e-1}


def require_close(
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
        raise WrongOutputError(
            f"differs from {what} by {error:.2g} of the largest value (allowed: {tolerance:g})"
        )
