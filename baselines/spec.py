"""What the registry knows of a method without importing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["network", "denoiser", "classical"]


@dataclass(frozen=True)
class Score:
    """What a publication prints of its method on the Sony half of SID, with ground-truth exposure.

    Attributes:
        psnr: in dB, digit for digit.
        ssim: digit for digit; None if none is at hand.
        protocol: the protocol by which it was scored.
        source: where it is printed.
        lpips: digit for digit; None if none is printed.
    """

    psnr: str
    ssim: str | None
    protocol: str
    source: str
    lpips: str | None = None


@dataclass(frozen=True)
class Spec:
    """Declaration of one method; reading it costs nothing, building the method is a separate step.

    Attributes:
        name: the registered name, as the command line takes it.
        title: how tables call it.
        paper: where it was published (authors, venue, title).
        year: year of that publication.
        kind: "network" (called with a normalised mosaic), "classical" (called with a raw frame), or
            "denoiser" (called with a raw frame; its network, from mosaic to mosaic, stands in an attribute
            `network`).
        factory: "module:callable" that builds it; imported only when the method is built.
        needs_gain: whether the caller multiplies the normalised mosaic by the protocol's gain
            (False for a method that finds its own amplification).
        size_multiple: frame sides are padded inside to a multiple of this.
        params: trainable parameters as published; 0 for a method without any.
        params_fused: the same after weight-norm is fused for inference.
        gmac: multiply-accumulates of convolutions and matrix products at 2848x4256, in 1e9; None if it has
            no meaning.
        input_clip: upper clip of the amplified mosaic before the network (SID clips at 1); None for no clip.
            A clip before the gain too changes nothing: no gain of a protocol is below 1.
        keeps_negatives: whether what lies below black reaches it as negative numbers; else it is 0.
        licence: licence of this implementation and any reserve of the method's authors.
        restricted: True if the method's authors reserve rights, or grant them for non-commercial use
            alone, so that `--only-free` leaves it out.
        notes: one or two sentences on provenance and choices.
        weights: file name of the shipped weights inside the method's folder, whether or not it is there.
        tile_margin: pixels of the mosaic around a part of a frame, cut at multiples of `size_multiple`, with
            which the part comes out as in the whole frame; None if a statistic of the whole frame goes in
            (a network's own gain, a mean, attention), and for a classical method.
        amplified_margin: the same of a network with an amplifier of its own, whose method `restore` takes the
            gain of the whole frame: (B, 1, H, W) unamplified mosaic, (B,) gain -> (B, 3, H, W).
        published: what publications print of it.
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
    keeps_negatives: bool = False
    restricted: bool = False
    weights: str | None = None
    tile_margin: int | None = None
    amplified_margin: int | None = None
    published: tuple[Score, ...] = ()

    @property
    def learned(self) -> bool:
        """Whether it has weights to be learned."""
        return self.kind != "classical"

    @property
    def tile_safe(self) -> bool:
        """Whether a frame can be cut into overlapping parts that come out as in the whole frame."""
        return self.tile_margin is not None

    @property
    def part_margin(self) -> int:
        """Pixels of the mosaic around a part that is restored alone; 0 for a classical method."""
        return self.tile_margin or self.amplified_margin or 0
