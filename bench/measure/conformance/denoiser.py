"""The checks of a denoiser: called as a classical method is, with a network inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.measure.conformance import classical, network
from bench.measure.conformance.export import export

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.measure.conformance.method import Method

# In the order in which they run.
CHECKS: dict[str, Callable[[Method], str]] = {
    **classical.CHECKS,
    "weights": network.weights,
    "export": export,
}
