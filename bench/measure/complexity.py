"""Complexity: parameters as built and as fused, multiply-accumulates at the cell's frame size."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import baselines
from baselines.complexity import fused_parameters, layer_bytes, macs, parameters
from baselines.registry import kind_of, network_of
from bench.machine import trace
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.records.cells import Cell
    from bench.records.jobs import Order

NOT_COUNTED = "the amount of arithmetic depends on the image, so it is not counted"


def begin(order: Order) -> Callable[[int], dict[str, Any]]:
    """Begin a job; returns a function that counts for each cell."""

    def counted(index: int) -> dict[str, Any]:
        with trace.span("counting"):
            return values(order.job.cells[index])

    return counted


def options(method: Any) -> str | None:
    """Parameters and tolerances of a classical method that keeps them as a dataclass; else None."""
    return repr(method) if is_dataclass(method) and fields(method) else None


def values(cell: Cell) -> dict[str, Any]:
    """Count one method; a classical one has no parameters and no fixed number of operations, but options."""
    declared = baselines.spec(cell.model)
    method = baselines.create(cell.model, weights="none")
    if kind_of(cell.model, method) == "classical":
        none = dict.fromkeys(("parameters", "parameters_published", "parameters_fused"), 0)
        return {**none, "gmac": None, "gmac_reason": NOT_COUNTED, "options": options(method)}
    network = network_of(cell.model, method)
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
        counted["layer_bytes"] = layer_bytes(network, cell.height, cell.width)
    except InputError as error:
        counted["gmac_reason"] = str(error)
    return counted
