"""Quality: one image of one method under one protocol, from the raw file to the scores."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines import spec
from baselines.registry import has_random_weights
from bench.data.decode.truth import truth
from bench.data.folder import controls
from bench.machine import trace
from bench.machine.address import local
from bench.measure import brightness, subjects
from bench.measure.inputs import Part, central
from bench.measure.keeping import Keeper
from bench.metrics import psnr, quantise, ssim
from bench.metrics.lpips import lpips
from bench.records import protocols
from bench.records.cells import STRESS
from llpacknet.errors import InputError
from llpacknet.raw.black import with_own_black
from llpacknet.raw.read import read_raw
from llpacknet.red_gain import red_gain

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from numpy.typing import NDArray

    from bench.measure.subjects import Subject
    from bench.records.jobs import ExposurePair, Order
    from bench.records.protocols import Protocol
    from llpacknet.raw.frame import RawFrame

# RED's estimate as its authors train with it, and as protocols without the true exposure use it here.
ESTIMATE_M = 5.0


@dataclass(frozen=True)
class Restored:
    """A restored image and how it came about.

    Attributes:
        key: image, gain, clip and black level that it was made with.
        rgb: (H, W, 3) float32 in [0, 1].
        gain: the gain behind it, given or chosen; None if the method does not tell.
        distances: LPIPS by what it depends on beside the image, which protocols may have in common.
    """

    key: tuple[str, float, float | None, str]
    rgb: NDArray[np.float32]
    gain: float | None
    distances: dict[Hashable, float] = field(default_factory=dict)


_held: list[Judge] = []


def begin(order: Order) -> Callable[[int], dict[str, Any]]:
    """Begin a job by building its method; returns what judges the image of each cell.

    A worker that stays for further orders gets them for one method only, which is built once.
    """
    if not _held:
        with trace.span("build"):
            subject = subjects.build(order.job.cell, order.job.weights)
            is_random = has_random_weights(order.job.cell.model, order.job.weights)
        _held.append(Judge(subject, order, is_random=is_random))
    judge = _held[0] if order.stays else _held.pop()
    judge.turn_to(order)
    return judge.values


class Judge:
    """Judges one method.

    Neighbouring cells of one image share its decoding, at one gain its result too; those of one scene its
    truth.
    """

    def __init__(self, subject: Subject, order: Order, *, is_random: bool = False) -> None:
        self._subject = subject
        # Random weights: its images are scored but never ranked.
        self._marks = {"random_weights": True} if is_random else {}
        self._order = order
        self._frame: tuple[str, RawFrame] | None = None
        self._truth: tuple[str, NDArray[np.uint16]] | None = None
        self._restored: Restored | None = None
        self._keeper = Keeper(Path(order.out), order.job.cell.model)

    def turn_to(self, order: Order) -> None:
        """Judge the cells of another order for the same method from now on."""
        if order.out != self._order.out:
            self._keeper = Keeper(Path(order.out), order.job.cell.model)
        self._order = order

    def values(self, index: int) -> dict[str, Any]:
        """Return the values of one quality cell; InputError if its files cannot be used."""
        job = self._order.job
        image = job.images[index]
        protocol = protocols.get(str(job.cells[index].protocol))
        with trace.span("input"):
            frame = self._read(image)
        with trace.span("truth"):
            target = self._rendered(image)
        height, width = frame.mosaic.shape
        if target.shape[:2] != (height, width):
            rows, columns = target.shape[:2]
            long, short = Path(image.long).name, Path(image.short).name
            raise InputError(
                f"{long} is {rows}x{columns} and {short} {height}x{width}: both must have the same size"
            )
        # The gain belongs to the exposure, so that it is found on the whole frame whatever part is judged.
        with trace.span("input"):
            own_black = protocol.black == "per-frame"
            frame, drift = with_own_black(frame) if own_black else (frame, None)
            gain = given_gain(protocol, frame, image.ratio)
        part = central(frame.mosaic.shape, job.part_of) if job.part_of else None
        if job.area_fraction < 1 and part is not None:
            restored = self._restore_part(image, frame, gain, protocol, part)
            target = target[part.rows, part.columns]
            values = scores(restored.rgb, target, protocol, restored.distances)
            of_part = values
        else:
            restored = self._restore(image, frame, gain, protocol)
            values, of_part = scores(restored.rgb, target, protocol, restored.distances), {}
            if part is not None:
                of_part = scores(part.of(restored.rgb), part.of(target), protocol, restored.distances)
        if self._order.keep_predictions:
            with trace.span("kept images"):
                # Its images have the names of those without stress.
                apart = "-black" if STRESS in str(job.cells[index].dataset) else ""
                if not apart:
                    self._keeper.keep_input(image.name, frame)
                self._keeper.keep(
                    protocol,
                    image.name,
                    (restored.rgb, target),
                    restored.key,
                    whole=job.area_fraction == 1,
                    apart=apart,
                )
        if part is not None:
            values = {**values, "part": {**part.sides(), **of_part}}
        if drift is not None:
            values = {**values, "black_drift": drift.dn, "black_source": drift.source}
        return {
            **values,
            "brightness_stops": brightness.stops(restored.rgb, target),
            "gain": restored.gain,
            "ratio": image.ratio,
            "area_fraction": job.area_fraction,
            **self._marks,
            **self._subject.facts(),
        }

    def _read(self, image: ExposurePair) -> RawFrame:
        if self._frame is None or self._frame[0] != image.short:
            self._frame = (image.short, read_raw(local(image.short)))
        return self._frame[1]

    def _rendered(self, image: ExposurePair) -> NDArray[np.uint16]:
        if self._truth is None or self._truth[0] != image.long:
            self._truth = None
            self._truth = (image.long, truth(local(image.long)))
        return self._truth[1]

    def _restore(
        self,
        image: ExposurePair,
        frame: RawFrame,
        gain: float,
        protocol: Protocol,
        whole: RawFrame | None = None,
    ) -> Restored:
        """Restore a frame, or a part of one: at the gain of the whole, where that is given."""
        subject = self._subject
        given = gain if subject.conventions.needs_gain else 1.0
        clip = protocol.clip_for(subject.conventions.input_clip)
        key = (image.short, given, clip, protocol.black)
        if self._restored is None or self._restored.key != key:
            self._restored = None
            with trace.span("input"):
                placed = subject.place(frame, given, clip)
            with trace.span("method: judged passes"):
                if whole is None:
                    output, chosen = subject.forward(placed), subject.chosen_gain(placed, given)
                else:
                    output, chosen = subject.at_gain_of(subject.place(whole, given, clip), placed)
            with trace.span("output check"):
                rgb = subject.image(output, *frame.mosaic.shape)
            del output
            self._restored = Restored(key, rgb, chosen)
        return self._restored

    def _restore_part(
        self, image: ExposurePair, frame: RawFrame, gain: float, protocol: Protocol, part: Part
    ) -> Restored:
        """Restore the part alone, with the margin around it that makes it the whole frame's."""
        declared = spec(self._order.job.cell.model)
        outer = part.widened(declared.part_margin, declared.size_multiple, frame.mosaic.shape)
        mosaic = np.ascontiguousarray(outer.of(frame.mosaic))
        whole = frame if declared.amplified_margin is not None else None
        restored = self._restore(image, replace(frame, mosaic=mosaic, path=None), gain, protocol, whole)
        return replace(restored, rgb=part.within(outer).of(restored.rgb))


def given_gain(protocol: Protocol, frame: RawFrame, ratio: float) -> float:
    """Return the gain that a protocol gives to a method without an amplifier of its own.

    Args:
        protocol: says where the gain comes from.
        frame: the whole short exposure.
        ratio: its true exposure ratio, at most 300.
    """
    if protocol.gain == "ratio":
        return ratio
    if protocol.gain == "constant":
        return controls.constant(protocol.subset)
    mosaic = frame.normalised()
    if protocol.gain == "level":
        return controls.level(float(mosaic.mean(dtype=np.float64)))
    return red_gain(mosaic, ESTIMATE_M)


def scores(
    rgb: NDArray[np.float32],
    target: NDArray[np.uint16],
    protocol: Protocol,
    distances: dict[Hashable, float] | None = None,
) -> dict[str, Any]:
    """Score an image against the truth after the protocol's quantisation of both.

    Args:
        rgb: (H, W, 3) float32 in [0, 1].
        target: (H, W, 3) uint16, 65535 white.
        protocol: says by which definitions.
        distances: LPIPS of the same image and truth that is known; what is computed is added.
    """
    with trace.span("psnr and ssim"):
        prediction, reference = (quantise(image, protocol.quantise) for image in (rgb, target))
        data_range = None if prediction.dtype == np.uint8 else 1.0
        decibels = psnr(prediction, reference, data_range)
        values: dict[str, Any] = {
            "psnr": "inf" if math.isinf(decibels) else decibels,
            "ssim": ssim(prediction, reference, data_range, definition=protocol.ssim),
            "lpips": None,
        }
    known = {} if distances is None else distances
    key = (rgb.shape, protocol.lpips, protocol.lpips_range, protocol.lpips_quantise)
    try:
        with trace.span("lpips"):
            if key not in known:
                known[key] = _distance(rgb, target, protocol)
            values["lpips"] = known[key]
    except InputError as error:
        values["lpips_reason"] = str(error)
    return values


def _distance(rgb: NDArray[np.float32], target: NDArray[np.uint16], protocol: Protocol) -> float:
    """LPIPS of an image as a protocol has it; InputError where it cannot be computed."""
    prediction, reference = (quantise(one, protocol.lpips_quantise) for one in (rgb, target))
    data_range = None if prediction.dtype == np.uint8 else 1.0
    signed = protocol.lpips_range == "signed"
    return lpips(prediction, reference, data_range, net=protocol.lpips, signed=signed)
