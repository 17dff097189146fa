"""Protocols of neighbouring fields, which cut images and align their brightness before they are compared.

No method is run under them: they restore something other than SID's raw files, or compare something other
than images. Their scoring steps can be applied to any image, and show how far their figures are from
those of a published protocol here.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from bench.records import protocols
from bench.records.protocols import Protocol
from llpacknet.errors import InputError

FILE = Path(__file__).with_name("image_protocols.toml")
Alignment = Literal["none", "scalar", "gt-mean"]


class View(NamedTuple):
    """What is done to an image and its truth before rounding to 8 bits; see `ImageProtocol`."""

    crop: int | Literal["whole"] = "whole"
    align: Alignment = "none"


WHOLE = View()


@dataclass(frozen=True)
class ImageProtocol(Protocol):
    """A protocol with steps that only apply to existing images.

    Attributes:
        domain: what is restored and compared there; from images, other domains cannot be known.
        crop: side of the central square that is scored, in pixels; "whole" for all of the image.
        align: how to find the number that each image is multiplied by first, see `bench.score.aligning`.
        published: a PSNR in dB that was published under it; None if there is none to compare with.
        published_by: who published it, and for what.
    """

    domain: str = "SID's raws, as images"
    crop: int | Literal["whole"] = "whole"
    align: Alignment = "none"
    published: float | None = None
    published_by: str = ""

    @property
    def view(self) -> View:
        """What it does to images before they are compared."""
        return View(self.crop, self.align)


@cache
def _file() -> dict[str, ImageProtocol]:
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    found = {}
    for name, table in tables.items():
        same = {"lpips_range": "signed", "lpips_quantise": table["quantise"]}
        found[name] = ImageProtocol(**{"name": name, **same, **table})
    return found


def load() -> dict[str, ImageProtocol]:
    """All of them by name, in the order of the file."""
    return dict(_file())


def of(protocol: Protocol) -> ImageProtocol:
    """Return a protocol as one for images that uses them whole and at their own brightness."""
    return protocol if isinstance(protocol, ImageProtocol) else ImageProtocol(**vars(protocol))


def get(name: str) -> ImageProtocol:
    """Return the protocol of that name, including the published ones.

    Raises:
        InputError: there is none; the message lists those that exist.
    """
    if name in _file():
        return _file()[name]
    try:
        return of(protocols.get(name))
    except InputError as error:
        raise InputError(f"{error}, {', '.join(_file())}") from None
