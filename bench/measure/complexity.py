"""Complexity: parameters as built and as fused, multiply-accumulates at the cell's frame size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import baselines
from baselines.complexity import fused_parameters, macs, parameters
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.cells import Cell
    from bench.jobs import Order

NOT_COUNTED = "its arithmetic depends on the picture and is not counted in convolutions"


def prepare(order: Order) -> Callable[[int], dict[str, Any]]:
    """Give the function that counts the cell of a number."""
    return lambda index: values(order.job.cells[index])


def values(cell: Cell) -> dict[str, Any]:
    """Count one method; a classical one has no parameters, and its work no fixed number of operations."""
    declared = baselines.spec(cell.model)
    if declared.kind == "classical":
        none = dict.fromkeys(("parameters", "parameters_published", "parameters_fused"), 0)
        return {**none, "gmac": None, "gmac_reason": NOT_COUNTED}
    network = baselines.create(cell.model, weights="none")
    counted: dict[str, Any] = {
        "parameters": parameters(network),
        "parameters_published": declared.params or parameters(network),
        "parameters_fused": fused_parameters(network),
        "gmac": None,
    }
    assert cell.height is not None
    assert cell.width is not None
    try:
        counted["gmac"] = macs(network, cell.height, cell.width) / 1e9
    except InputError as error:
        counted["gmac_reason"] = str(error)
    return counted
