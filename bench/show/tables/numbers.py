"""How figures are printed: as many digits as their uncertainty allows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.judge.statistics import Estimate


# Ends of which the nearer lies at least so far out as the farther are printed as ±.
EVEN = 0.9


def decimals(half_width: float | None, value: float, most: int) -> int:
    """Decimal places for a value: two digits of its uncertainty, never more than `most`.

    Without an uncertainty the value itself gets three significant digits. Negative for places left of the
    point.
    """
    if not math.isfinite(value):
        return 0
    if half_width is not None and half_width > 0 and math.isfinite(half_width):
        return min(1 - math.floor(math.log10(half_width)), most)
    if half_width == 0 or value == 0:
        return most
    return max(0, min(2 - math.floor(math.log10(abs(value))), most))


def fixed(value: float, places: int) -> str:
    """Return a number with a fixed count of decimals; places left of the point are rounded to zeros."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    rounded = round(value, places)
    return f"{rounded:.{max(places, 0)}f}".replace("-", "−")


def plain(found: Estimate, most: int) -> str:
    """Return the value alone, rounded from its uncertainty."""
    return fixed(found.value, decimals(found.half_width, found.value, most))


def with_interval(found: Estimate, most: int) -> str:
    """Value with its ends, rounded to two digits of its uncertainty; the value alone where it has none.

    "2.15 ± 0.06" or, where the ends do not lie alike, "2.15 (2.06–2.63)" for an interval; "2.15 [2.06–2.63]"
    for the range of too few values, or of some that drift.
    """
    half = found.half_width
    if not half or found.low is None or found.high is None:
        return plain(found, most)
    places = decimals(half, found.value, most)
    value, low, high = (fixed(one, places) for one in (found.value, found.low, found.high))
    if low == high:
        return value
    if not found.decides:
        return f"{value} [{low}–{high}]"
    if min(found.high - found.value, found.value - found.low) < EVEN * half:
        return f"{value} ({low}–{high})"
    return f"{value} ± {fixed(half, places)}"


def compact(value: float | None, digits: int = 4) -> str:
    """Return a number of unknown magnitude to a few significant digits; a dash for None."""
    if value is None:
        return "–"
    if math.isinf(value):
        return fixed(value, 0)
    if value == 0 or (isinstance(value, int) and abs(value) < 10**digits):
        return fixed(value, 0)
    if 1e-3 <= abs(value) < 10**digits:
        places = decimals(None, value, 6) + digits - 3
        return fixed(value, places)
    if float(value).is_integer() and abs(value) < 1e12:
        return f"{int(value):,}".replace("-", "−")
    return f"{value:.{digits}g}".replace("-", "−")
