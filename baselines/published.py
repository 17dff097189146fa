"""How published state dicts are named: the type that the `published.py` of each method uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where, among the planes R, G1, G2, B of a mosaic unshuffled by 2, those in the order R, G1, B, G2 lie;
# and, the exchange of the last two being its own inverse, the other way round.
R_G1_B_G2 = (0, 1, 3, 2)


@dataclass(frozen=True)
class Dialect:
    """One publication's names for a network's layers.

    Attributes:
        title: whose names they are.
        layers: published layer name -> this project's; a layer's tensors follow its name after a dot.
        ignored: regular expression for entries that the published code contains but never uses.
        reads: published convolutions that read the planes in a different order: name -> that order.
        writes: published convolutions that write planes in a different order: name -> that order.

    """

    title: str
    layers: Mapping[str, str]
    ignored: str | None = None
    reads: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    writes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def prefixed(prefix: str, layers: Mapping[str, str], own_prefix: str) -> dict[str, str]:
    """Put a prefix before the published names and another before this project's."""
    return {f"{prefix}{published}": f"{own_prefix}{own}" for published, own in layers.items()}
