"""Imports `lpips` where torch has no CUDA and the index's torchvision was built for it."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import torch

from llpacknet.errors import InputError

# Operators live as long as the library object that declared them.
_KEPT: list[torch.library.Library] = []


def import_lpips() -> Any:
    """Import the `lpips` package, declaring torchvision's two missing operators first if it stops for them.

    A torchvision whose compiled part does not load (it wants CUDA's libraries) still registers shapes for
    `nms` and `qnms`, which then do not exist. Declared without an implementation they let the import pass;
    only torchvision's own detection operators stay unusable, and LPIPS calls none.

    Raises:
        InputError: lpips or torchvision cannot be imported for another reason.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise InputError(
                f"torchvision cannot be imported ({error}): install the version that matches torch"
            ) from error
        _declare_operators()
    except ImportError as error:
        raise InputError("torchvision is not installed: pip install torchvision") from error
    try:
        return importlib.import_module("lpips")
    except ImportError as error:
        raise InputError(f"lpips cannot be imported ({error}): pip install lpips") from error


def _declare_operators() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]  # half imported
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        signature = f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        library.define(signature)  # type: ignore[no-untyped-call]
    _KEPT.append(library)
