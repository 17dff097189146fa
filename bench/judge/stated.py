"""What the sources state, from `claims.toml`: claims with their ranges, and statements that differ."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

# By source, how the names of its authors' own networks begin.
OWN = {
    "readme": ("llpacknet",), "paper": ("llpacknet",), "repo20": ("llpacknet",), "repo22": ("llpacknet",),
    "RED": ("red",),
}  # fmt: skip
COSTS = ("latency", "memory", "parameters", "end-to-end")
SUBJECT = (
    "model", "above", "below", "better", "worse", "field", "exposure", "protocol_name", "frame", "device",
    "forms", "control",
)  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """One claim of `claims.toml`, with what its quantity supplies filled in.

    Attributes:
        id: stable name.
        title: the claim in one sentence.
        source: "paper", "readme", "repo20", "repo22" or "RED", with page, table or column.
        published: what the source says, in its words or figures.
        quantity: what is measured (a key of `bench.judge.evidence.MEASURES`).
        subject: the quantity's own parameters: models, field, protocol, frame, device.
        low: lower end of the claimed range.
        high: upper end of it; infinite where it is open.
        tolerance: how far the range may be widened, relative or absolute; 0 for counts and orderings.
        absolute: whether the tolerance is in the quantity's unit.
        unit: unit of range and measurement.
        protocol: conditions under which it is measured.
        rule: how the outcome is reached.
        needs: what must be measured for a decision.
        sid_only: whether only SID's own photographs can decide it.
        untestable: what is missing wherever the suite runs; empty if nothing.
        open_definition: what the source leaves open about a count; a small difference then contradicts
        nothing.
        unnamed_machine: whether it is an absolute time on a processor that the source does not name, which
            decides nothing.
        existence: whether one training that does it is enough; one that does not then contradicts nothing.
        caveat: what a reader must know about the claim whatever is measured.
        favourable: side of the range that is better than claimed for its authors: "above", "below" or "".
    """

    id: str
    title: str
    source: str
    published: str
    quantity: str
    subject: dict[str, Any]
    low: float
    high: float
    tolerance: float
    absolute: bool
    unit: str
    protocol: str
    rule: str
    needs: str
    sid_only: bool = False
    untestable: str = ""
    open_definition: str = ""
    unnamed_machine: bool = False
    existence: bool = False
    caveat: str = ""
    favourable: str = ""

    @property
    def is_ordering(self) -> bool:
        """Whether it says that one method is better in quality than another, by whatever distance."""
        return self.quantity.endswith("-difference") and self.low == 0 and math.isinf(self.high)

    def widened(self) -> tuple[float, float]:
        """Return the claimed range widened by the tolerance."""
        if self.absolute:
            return self.low - self.tolerance, self.high + self.tolerance
        return self.low - self.tolerance * abs(self.low), self.high + self.tolerance * abs(self.high)


@dataclass(frozen=True)
class Conflict:
    """Two published statements that differ.

    Attributes:
        id: stable name.
        title: what they differ in.
        first: `source`, `text` and `range` of the one.
        second: of the other.
        conditions: what is not the same, or not said to be the same; empty if both hold under the same
            conditions, so that they contradict each other.
        claim: what measures the disputed figure; None if nothing does.
    """

    id: str
    title: str
    first: dict[str, Any]
    second: dict[str, Any]
    conditions: str
    claim: Claim | None


@cache
def load() -> tuple[list[Claim], list[Conflict]]:
    """All claims and conflicts of `claims.toml`, in its order."""
    raw = _file()
    quantities = raw["quantity"]
    claims = [claim(entry, quantities) for entry in raw["claim"]]
    return claims, [conflict(entry, quantities) for entry in raw["conflict"]]


def between(quantity: str, low: float, high: float) -> Claim:
    """Return what other results state: that a quantity lies in a range, with the quantity's tolerance."""
    entry = {"id": "", "title": "", "source": "other results", "quantity": quantity, "range": [low, high]}
    return claim(entry, _file()["quantity"])


@cache
def _file() -> dict[str, Any]:
    text = resources.files("bench.judge").joinpath("claims.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def claim(raw: dict[str, Any], quantities: dict[str, Any]) -> Claim:
    """Complete an entry with the defaults of its quantity."""
    entry = {**quantities[raw["quantity"]], **raw}
    low, high = entry.get("range", (-math.inf, math.inf))
    subject = {key: entry[key] for key in SUBJECT if key in entry}
    return Claim(
        id=entry["id"],
        title=entry["title"],
        source=", ".join(entry[key] for key in ("source", "where") if key in entry),
        published=entry.get("published", ""),
        quantity=entry["quantity"],
        subject=subject,
        low=float(low),
        high=float(high),
        tolerance=float(entry["tolerance"]),
        absolute=bool(entry.get("absolute", False)),
        unit=entry["unit"],
        protocol=entry.get("protocol", ""),
        rule=entry.get("rule", ""),
        needs=entry.get("needs", ""),
        sid_only=entry.get("data", "any") == "sid",
        untestable=entry.get("untestable", ""),
        open_definition=entry.get("open_definition", ""),
        unnamed_machine=bool(entry.get("unnamed_machine", False)),
        existence=bool(entry.get("existence", False)),
        caveat=entry.get("caveat", ""),
        favourable=entry.get(
            "favourable", _favourable(str(entry.get("source", "")), entry["quantity"], subject)
        ),
    )


def _favourable(source: str, quantity: str, subject: dict[str, Any]) -> str:
    """Return the side on which a figure is better for its authors than what they claim; empty if neither."""
    own = OWN.get(source, ())
    if quantity.endswith("-ratio") and str(subject.get("below", "")).startswith(own) and own:
        return "above"
    is_own = bool(own) and str(subject.get("model", "")).startswith(own)
    if is_own and quantity in COSTS:
        return "below"
    return "above" if is_own and quantity in {"psnr", "ssim"} else ""


def conflict(raw: dict[str, Any], quantities: dict[str, Any]) -> Conflict:
    """Read a pair of statements; ValueError if their ranges have a value in common."""
    first, second = raw["first"], raw["second"]
    if max(first["range"][0], second["range"][0]) <= min(first["range"][1], second["range"][1]):
        raise ValueError(f"claims.toml: {raw['id']}: the two statements do not exclude each other")
    disputed = claim(raw, quantities) if "quantity" in raw else None
    return Conflict(raw["id"], raw["title"], first, second, raw.get("conditions", ""), disputed)
