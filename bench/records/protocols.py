"""Protocols: which pairs are scored, at which gain, after which rounding, by which definitions."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from llpacknet.errors import InputError

Gain = Literal["ratio", "estimate", "constant", "level"]
Black = Literal["file", "per-frame"]
FILE = Path(__file__).with_name("protocols.toml")
# What follows a protocol's name where each frame's own black is subtracted instead of the file's.
PER_FRAME_BLACK = "+per-frame-black"


@dataclass(frozen=True)
class Protocol:
    """One published way to score a method on pairs of dark and well-exposed raws.

    Attributes:
        name: key in `protocols.toml`.
        title: what tables call it.
        source: where it was published.
        subset: name of the rule that selects the pairs, see `bench.data.folder.subsets`.
        pairs: how many pairs that rule selects from SID-Sony's test scenes.
        gain: what a method without its own amplifier gets: "ratio" is the exposure ratio, at most 300;
            "estimate" is RED's closed-form estimate from the mosaic alone, with m = 5; "constant" and "level"
            are controls, see `bench.data.folder.controls`. A method with its own amplifier gets the
            unamplified mosaic under all of them.
        input_clip: upper clip of the amplified mosaic: "method" is each method's own convention
            (its declaration says which), a number holds for every method, "none" forbids it to every method.
        quantise: how output and truth are rounded to 8 bits before they are compared, see
        `bench.metrics.quantise`.
        ssim: definition of SSIM, see `bench.metrics.windows`.
        lpips: LPIPS's network: "alex", "vgg" or "squeeze"; version 0.1.
        lpips_range: the range that the images are scaled to for that network: "signed" is [-1, 1], as it
        was
            trained; "unit" leaves them in [0, 1].
        lpips_quantise: their rounding to 8 bits: "none" for floats, "round" for images that were saved
        first;
            that of `quantise` where the file says nothing.
        notes: what the publication leaves open, and what was chosen here.
        control_of: the published protocol that differs only in the gain; empty for one that was published.
        black: what is subtracted from the short exposure: "file" is the level that its file states,
            "per-frame" the one that `llpacknet.raw.black` estimates. No published protocol has the latter: it
            is an option, and `PER_FRAME_BLACK` then follows the name.
    """

    name: str
    title: str
    source: str
    subset: str
    pairs: int
    gain: Gain
    input_clip: Literal["method", "none"] | float
    quantise: Literal["truncate", "round", "none"]
    ssim: Literal["uniform", "gaussian", "gaussian-population", "wang-luma", "matlab-rgb"]
    lpips: Literal["alex", "vgg", "squeeze"]
    lpips_range: Literal["signed", "unit"]
    lpips_quantise: Literal["truncate", "round", "none"]
    notes: str
    control_of: str = ""
    black: Black = "file"

    @property
    def given(self) -> tuple[object, ...]:
        """The input that a method gets under it: equal for protocols with the same input."""
        # A constant belongs to the frames that the protocol's rule takes.
        return self.gain, self.subset if self.gain == "constant" else None, self.input_clip, self.black

    def clip_for(self, method_clip: float | None) -> float | None:
        """Upper clip of the amplified mosaic, for a method whose own is `method_clip`; None: no clip."""
        if self.input_clip == "method":
            return method_clip
        return None if self.input_clip == "none" else float(self.input_clip)

    def metric(self, quantity: str) -> str:
        """Name in the table of metrics of what it means by "psnr", "ssim" or "lpips"."""
        unit = "-unit" if self.lpips_range == "unit" else ""
        return {"psnr": "psnr", "ssim": f"ssim-{self.ssim}", "lpips": f"lpips-{self.lpips}{unit}"}[quantity]

    def step(self, quantity: str) -> Literal["truncate", "round", "none"]:
        """Return the step to 8 bits before a quantity, or a metric by its name."""
        return self.lpips_quantise if quantity.startswith("lpips") else self.quantise


@cache
def _file() -> tuple[str, dict[str, Protocol]]:
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    default = tables.pop("default")
    found = {}
    for name, table in tables.items():
        same = {"lpips_range": "signed", "lpips_quantise": table["quantise"]}
        found[name] = Protocol(**{"name": name, **same, **table})
    return default, found


def load() -> dict[str, Protocol]:
    """All protocols by name, in the file's order."""
    return dict(_file()[1])


def default() -> Protocol:
    """Return the default protocol, `release2022`."""
    name, protocols = _file()
    return protocols[name]


def get(name: str) -> Protocol:
    """Return the protocol of that name, which may end in `PER_FRAME_BLACK`.

    Raises:
        InputError: there is none; the message lists those that exist.
    """
    protocols = _file()[1]
    plain = name.removesuffix(PER_FRAME_BLACK)
    if plain not in protocols:
        raise InputError(f"there is no protocol {name!r}: choose from {', '.join(protocols)}")
    found = protocols[plain]
    if name == plain:
        return found
    return replace(
        found, name=name, title=f"{found.title}, black level estimated per frame", black="per-frame"
    )


def with_black(name: str, black: Black) -> str:
    """Name the protocol that differs from another only in the black level; it may be the same."""
    plain = name.removesuffix(PER_FRAME_BLACK)
    return plain + PER_FRAME_BLACK if black == "per-frame" else name
