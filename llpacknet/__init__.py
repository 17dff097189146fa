"""LLPackNet (BMVC 2020): restoring extremely dark raw photographs.

Names are imported on first use, so that code that only needs the raw reader or the error class does not
have to import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from llpacknet.errors import InputError

if TYPE_CHECKING:
    from llpacknet.network import LLPackNet
    from llpacknet.packing import pack, unpack
    from llpacknet.restoring import restore

__all__ = ["InputError", "LLPackNet", "__version__", "pack", "restore", "unpack"]
__version__ = "0.2.0"

_HOMES = {
    "LLPackNet": "llpacknet.network",
    "pack": "llpacknet.packing",
    "unpack": "llpacknet.packing",
    "restore": "llpacknet.restoring",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
