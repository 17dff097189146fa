"""What the registry knows of a method without importing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["network", "classical"]


@dataclass(frozen=True)
class Spec:
    """Declaration of one method; reading it costs nothing, building the method is a separate step.

    Attributes:
        name: the registered name, as the command line takes it.
        title: how tables call it.
        paper: where it was published (authors, venue, title).
        year: year of that publication.
        kind: "network" (called with a normalised mosaic) or "classical" (called with a raw frame).
        factory: "module:callable" that builds it; imported only when the method is built.
        needs_gain: whether the caller multiplies the normalised mosaic by the protocol's gain
            (False for a method that finds its own amplification).
        size_multiple: frame sides are padded inside to a multiple of this.
        params: trainable parameters as published; 0 for a method without any.
        params_fused: the same after weight-norm is fused for inference.
        gmac: multiply-accumulates of all convolutions at 2848x4256, in 1e9; None where it has no meaning.
        input_clip: upper clip of the amplified mosaic before the network (SID clips at 1); None for no clip.
        licence: licence of this implementation and any reserve of the method's authors.
        restricted: True where the method's authors reserve rights, so that `--only-free` leaves it out.
        notes: one or two sentences on provenance and choices.
        weights: file name of the shipped weights inside the method's folder, whether or not it is there.
    """

    name: str
    title: str
    paper: str
    year: int
    kind: Kind
    factory: str
    needs_gain: bool
    size_multiple: int
    params: int
    params_fused: int
    gmac: float | None
    licence: str
    notes: str
    input_clip: float | None = None
    restricted: bool = False
    weights: str | None = None
