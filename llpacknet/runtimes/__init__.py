"""The same network in other runtimes and number formats: one callable per form, each equal to the eager one.

Names are imported on first use, so that listing the forms does not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llpacknet.runtimes.forms import PRECISIONS, RUNTIMES, why_unsupported
    from llpacknet.runtimes.preparing import Calibration, Prepared, prepare

__all__ = ["PRECISIONS", "RUNTIMES", "Calibration", "Prepared", "prepare", "why_unsupported"]

_HOMES = {
    **dict.fromkeys(("PRECISIONS", "RUNTIMES", "why_unsupported"), "llpacknet.runtimes.forms"),
    **dict.fromkeys(("Calibration", "Prepared", "prepare"), "llpacknet.runtimes.preparing"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
