"""How published state dicts are named: the type in which the methods' folders list it in `published.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Dialect:
    """One publication's names for a network's layers.

    Attributes:
        title: whose names they are.
        layers: published layer name -> this project's; a layer's tensors follow its name after a dot.
        ignored: regular expression of entries that the published code holds and never uses.

    """

    title: str
    layers: Mapping[str, str]
    ignored: str | None = None


def prefixed(prefix: str, layers: Mapping[str, str], own_prefix: str) -> dict[str, str]:
    """Put a prefix before the published names and another before this project's."""
    return {f"{prefix}{published}": f"{own_prefix}{own}" for published, own in layers.items()}
