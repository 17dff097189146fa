"""A job is what one worker process does; an order is a job as sent to the worker, with where to write."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bench.machine.address import local
from bench.records.cells import Cell, Measurement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# Event of a worker that waits for a word: the next order, or whose turn it is.
RESTS = "rests"


@dataclass(frozen=True)
class ExposurePair:
    """An image to restore, and the exposure that it is compared with.

    Attributes:
        name: the short exposure's name without its suffix.
        short: path or address of the short exposure, see `bench.machine.address`.
        long: path or address of the long exposure.
        ratio: exposure ratio, at most 300.
    """

    name: str
    short: str
    long: str
    ratio: float


@dataclass(frozen=True)
class Job:
    """Work for one fresh process: one method in one form, measured in one way.

    Attributes:
        cells: the cells it measures, in turn. Quality: one per image. Latency: one, in the first round
            followed by the memory cell, whose peak is that of the same cold call.
        images: quality: one per cell; latency and memory: the frame that is fed, or none for a made-up one.
        weights: "none" for random parameters, else "shipped" or a file.
        area_fraction: how much of the frame is restored for scoring: 1, or less for only a part.
        part_of: the central part, on which all methods of a run are scored, has sides of one such share of
            the frame's; None if images are scored whole alone.
        round: number of the interleaved round (latency).
        rounds: how many rounds there are in all (latency).
        twin: whether this is the second process of an A/A pair (latency).
        single_pass: whether one call is all that is made, because a method is slow (latency).
        slow_pass_s: a first call that takes longer than this is the only one; None for no such limit.
        brief: whether a process makes no more calls than its time needs, and only the last one restores from
            the file on and with its pages kept (latency).
        predicted_s: predicted seconds, if known.
        predicted_bytes: the worker's predicted largest resident size, if known.
        synthetic: whether the images are synthetic; None without images.
        recipe: what `data make` was asked for, where it made the images.
    """

    cells: tuple[Cell, ...]
    images: tuple[ExposurePair, ...] = ()
    weights: str = "none"
    area_fraction: float = 1.0
    part_of: int | None = None
    round: int = 0
    rounds: int = 1
    twin: bool = False
    single_pass: bool = False
    slow_pass_s: float | None = None
    brief: bool = False
    predicted_s: float | None = None
    predicted_bytes: int | None = None
    synthetic: bool | None = None
    recipe: Mapping[str, Any] | None = field(default=None, hash=False)

    @property
    def cell(self) -> Cell:
        """The first cell, which stands for the job: model, device and form are the same in all of them."""
        return self.cells[0]

    @property
    def measurement(self) -> Measurement:
        """What is measured."""
        return self.cell.measurement

    @staticmethod
    def from_json(raw: dict[str, Any]) -> Job:
        """Read a job from what `dataclasses.asdict` made of it."""
        cells = tuple(Cell(**cell) for cell in raw["cells"])
        images = tuple(ExposurePair(**image) for image in raw["images"])
        return Job(**{**raw, "cells": cells, "images": images})

    def only(self, indices: Sequence[int]) -> Job:
        """Keep some of the cells, with their images, and the share of the predicted time."""
        share = len(indices) / len(self.cells)
        taken = self.images
        if self.measurement == "quality":
            taken = tuple(self.images[index] for index in indices)
        seconds = None if self.predicted_s is None else self.predicted_s * share
        cells = tuple(self.cells[index] for index in indices)
        return replace(self, cells=cells, images=taken, predicted_s=seconds)

    def fetch(self, index: int) -> list[Path]:
        """Copy the raw files of a cell that have an address to this machine; returns the paths of all."""
        return [local(source) for source in self.sources(index)]

    def sources(self, index: int) -> list[str]:
        """Paths or addresses of the raw files that the measurement of one of the cells reads."""
        if not self.images:
            return []
        if self.measurement != "quality":
            return [self.images[0].short]
        return [self.images[index].short, self.images[index].long]

    def label(self) -> str:
        """Describe the job in a few words, for progress and messages."""
        precision = None if self.cell.precision == "fp32" else self.cell.precision
        words = [self.measurement, self.cell.model, self.cell.runtime, precision, self.cell.device]
        if self.measurement == "latency":
            words.append(f"round {self.round + 1}{' (twin)' if self.twin else ''}")
        if self.cell.protocol:
            words.append(f"{len({image.short for image in self.images})} images")
        return " ".join(word for word in words if word)


@dataclass(frozen=True)
class Order:
    """A job on its way to a worker.

    Attributes:
        job: what to do.
        out: the results folder.
        manager: process id of the manager; a worker ends when its manager is gone.
        memory_limit: bytes of private memory that the worker may ask for; None for no limit.
        keep_predictions: whether restored images are written into `<out>/predictions`.
        environment: what the manager knows about the machine.
        provenance: what the manager knows about code and weights.
        settings: by measurement, what else a result depends on.
        stays: whether the worker waits for another order once this one is done, with the method still built.
        turns: whether it shares its round with others and waits for its turns to take samples (latency).
    """

    job: Job
    out: str
    manager: int
    memory_limit: int | None = None
    keep_predictions: bool = False
    environment: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    stays: bool = False
    turns: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the order as plain JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(raw: dict[str, Any]) -> Order:
        """Read what `to_json` returned."""
        return Order(**{**raw, "job": Job.from_json(raw["job"])})
