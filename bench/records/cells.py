"""The unit of work and of storage: one cell of the benchmark's grid, and the record of its measurement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Measurement = Literal["quality", "latency", "memory", "complexity", "kernels", "profile"]
Status = Literal[
    "ok", "oom-host", "oom-device", "timeout", "crash", "wrong-output", "bad-input", "unsupported", "skipped"
]
# Measurements that need a machine to themselves, and of which those of two machines are never mixed.
TIMED = frozenset({"latency", "memory", "kernels", "profile"})
SCHEMA_VERSION = 2
# Part of the name of every data set whose black levels are off, see `llbench data make --black-offset`.
STRESS = "-black-"
# Stands where a model stands in the cells of `bench.measure.reference`, which is none of a user's.
REFERENCE = "reference-workload"


@dataclass(frozen=True, order=True)
class Cell:
    """What is measured; None if an axis has no meaning for the measurement.

    Attributes:
        model: registered name, or module:factory.
        measurement: which of the measurements.
        dataset: name of the dataset index (quality only).
        protocol: name of the protocol (quality only).
        image: name of the short exposure without its suffix, as 10003_00_0.1s (quality only).
        device: "cpu" or "cuda"; None for complexity.
        runtime: "published", "eager", "compile", "onnxruntime" or "openvino"; None for complexity, kernels.
        precision: "fp32", "bf16" or "int8"; None for complexity.
        height: frame height in pixels.
        width: frame width in pixels.
        threads: CPU threads that the method may use; None for complexity.
    """

    model: str
    measurement: Measurement
    dataset: str | None = None
    protocol: str | None = None
    image: str | None = None
    device: str | None = None
    runtime: str | None = None
    precision: str | None = None
    height: int | None = None
    width: int | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Record:
    """One measured cell, as stored in a file under `<out>/cells/`."""

    cell: Cell
    status: Status
    reason: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION
