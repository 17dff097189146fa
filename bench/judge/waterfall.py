"""Why two protocols give different means: one setting changed at a time, each with its contribution."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.records.image_protocols import ImageProtocol

Quantity = Literal["psnr", "ssim", "lpips"]
# Settings in the order in which they are changed.
AXES: dict[str, str] = {
    "subset": "pairs scored",
    "black": "black level of the input",
    "gain": "gain of the input",
    "input_clip": "clip of the input",
    "domain": "what is restored and compared",
    "crop": "part of the image",
    "align": "brightness alignment",
    "quantise": "rounding to 8 bits",
    "ssim": "definition of SSIM",
    "lpips_quantise": "rounding to 8 bits before LPIPS",
    "lpips_range": "range of LPIPS",
    "lpips": "network of LPIPS",
}
# Settings that bear on some quantities alone.
BEARS_ON: dict[str, frozenset[str]] = {
    **dict.fromkeys(("crop", "align"), frozenset({"psnr", "ssim"})),
    "quantise": frozenset({"psnr", "ssim"}),
    "ssim": frozenset({"ssim"}),
    **dict.fromkeys(("lpips_quantise", "lpips_range", "lpips"), frozenset({"lpips"})),
}

# What readers call the values that protocols' files write as codes.
_STEPS = {"truncate": "truncated", "round": "rounded", "none": "floats"}
VALUES: dict[str, dict[str, str]] = {
    "subset": {
        "all": "all pairs",
        "first": "first frames",
        "first-0.1s": "first frames at 0.1 s",
        "aligned": "aligned scenes",
        "first-aligned": "first frames, aligned scenes",
        "first-minus-10172": "first frames without 10172",
    },
    "black": {"file": "as the file says", "per-frame": "estimated per frame"},
    "gain": {
        "ratio": "true exposure ratio",
        "estimate": "RED's formula",
        "constant": "one for all",
        "level": "from the mean level",
    },
    "input_clip": {"method": "each method's own", "none": "not clipped", "1.0": "clipped at 1"},
    "crop": {"whole": "whole image", "512": "central 512x512"},
    "align": {"none": "as it is", "scalar": "best factor", "gt-mean": "GT mean"},
    "quantise": _STEPS,
    "ssim": {
        "uniform": "uniform",
        "gaussian": "Gaussian",
        "gaussian-population": "Gaussian, population",
        "wang-luma": "luma",
        "matlab-rgb": "MATLAB",
    },
    "lpips_quantise": _STEPS,
    "lpips_range": {"signed": "-1 to 1", "unit": "0 to 1"},
    "lpips": {"alex": "AlexNet", "vgg": "VGG", "squeeze": "SqueezeNet"},
}

# Why the part of a setting that cannot be changed any more is not known.
FIXED = "not known: the images are given, so their input cannot change"
NOTES = {"domain": "not known: images do not show it"}


@dataclass(frozen=True)
class Step:
    """One changed setting.

    Attributes:
        axis: which setting, a key of AXES; several with "+" between them where they change in one step.
        before: its value until here.
        after: its value from here on.
        mean: the mean with this and all earlier changes.
        part: what this change adds to the mean; None if it cannot be changed any more, so that what it
            would add is not known.
        note: why a part is not known, else empty.
    """

    axis: str
    before: str
    after: str
    mean: float
    part: float | None
    note: str = ""


@dataclass(frozen=True)
class Waterfall:
    """How the mean of one quantity moves between two protocols; known parts add up to `after - before`.

    Attributes:
        quantity: which mean.
        start: name of the protocol to begin with.
        end: name of the other one.
        before: mean under the first.
        after: mean under the other, as far as it is known.
        steps: the changes, in order.
        published: what was published under the other one, to be placed beside it; None for nothing.
        published_by: whose that is, and of what.
    """

    quantity: Quantity
    start: str
    end: str
    before: float
    after: float
    steps: tuple[Step, ...]
    published: float | None = None
    published_by: str = ""


def waterfall(
    start: ImageProtocol,
    end: ImageProtocol,
    quantity: Quantity,
    mean: Callable[[ImageProtocol], float],
    fixed: Sequence[str] = (),
) -> Waterfall:
    """Change one setting after the other from `start`'s value to `end`'s, in the order of AXES.

    The parts depend on that order (a rounding weighs differently on other pairs); their sum does not.

    Args:
        start: protocol to begin with.
        end: protocol to arrive at.
        quantity: which mean.
        mean: the quantity's mean under a protocol, also under one between the two.
        fixed: settings that cannot be changed any more, such as the gain where images are given.
    """
    before = reached = mean(start)
    between, steps = start, []
    for axis in AXES:
        old, new = getattr(between, axis), getattr(end, axis)
        if old == new or not bears_on(axis, quantity):
            continue
        between = replace(between, **{axis: new})
        if axis in fixed:
            steps.append(Step(axis, str(old), str(new), reached, None, NOTES.get(axis, FIXED)))
            continue
        value = mean(between)
        steps.append(Step(axis, str(old), str(new), value, _difference(value, reached)))
        reached = value
    published = end.published if quantity == "psnr" else None
    by = end.published_by if published is not None else ""
    return Waterfall(quantity, start.name, end.name, before, reached, tuple(steps), published, by)


def changes(step: Step) -> dict[str, str]:
    """Say in words from what to what a step changes each of its settings, by their keys in AXES."""
    axes = step.axis.split("+")
    ends = (end.split(", ", len(axes) - 1) for end in (step.before, step.after))
    return {
        axis: " → ".join(VALUES.get(axis, {}).get(code, code) for code in codes)
        for axis, *codes in zip(axes, *ends, strict=True)
    }


def bears_on(axis: str, quantity: str) -> bool:
    """Whether a setting has anything to do with a quantity."""
    return quantity in BEARS_ON.get(axis, frozenset({quantity}))


def _difference(after: float, before: float) -> float:
    """Subtract means; two infinite ones (identical images) do not differ."""
    return 0.0 if math.isinf(after) and after == before else after - before
