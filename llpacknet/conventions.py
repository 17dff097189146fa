"""How a network is called: what the caller does to a normalised mosaic before it enters the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Sides of most networks of this field are padded to multiples of 32: five halvings.
UNDECLARED_MULTIPLE = 32


@dataclass(frozen=True)
class Conventions:
    """What the caller of a network needs to know.

    Attributes:
        needs_gain: whether the caller multiplies the normalised mosaic by the gain (False for a network that
            finds its own amplification).
        input_clip: upper clip of the amplified mosaic before the network (SID clips at 1); None for no clip.
        keeps_negatives: whether values below black are passed as negative numbers (DNF); else they are set to
        0.
        size_multiple: exported and compiled forms get frames whose sides are padded to a multiple of this.
    """

    needs_gain: bool = True
    input_clip: float | None = None
    size_multiple: int = UNDECLARED_MULTIPLE
    keeps_negatives: bool = False


def conventions_of(network: Any) -> Conventions:
    """Return the conventions that a built network declares.

    They are its attribute `conventions`, or single attributes with the names of the fields of `Conventions`.
    A network that does not say whether it needs a gain is assumed to need one unless it has an `amplifier`.
    """
    stated = getattr(network, "conventions", None)
    if isinstance(stated, Conventions):
        return stated
    amplifier = getattr(network, "amplifier", None)
    return Conventions(
        needs_gain=bool(getattr(network, "needs_gain", amplifier is None)),
        input_clip=getattr(network, "input_clip", None),
        size_multiple=int(getattr(network, "size_multiple", UNDECLARED_MULTIPLE)),
        keeps_negatives=bool(getattr(network, "keeps_negatives", False)),
    )
