"""Cost and loss of quality of a form of a network (runtime, number format) relative to the published one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.judge import statistics
from bench.judge.results import NOT_MEASURED, RUNTIMES, describe, number, scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.judge.results import Results
    from bench.judge.statistics import Estimate
    from bench.records.cells import Record

# Order of the number formats in tables.
PRECISIONS = ("fp32", "bf16", "fp16", "int8")
KINDS = ("latency", "memory", "quality")
Form = tuple[str, str]


@dataclass(frozen=True)
class Loss:
    """What a form loses of a metric against fp32.

    Attributes:
        mean: over images; positive where the form is worse.
        worst: the largest loss of any image.
        image: which one that is.
    """

    mean: Estimate
    worst: float
    image: str


def forms(results: Results, model: str, kinds: Sequence[str] = KINDS) -> list[Form]:
    """Runtime and precision of everything that was timed, scored or tried of a method, in table order."""
    found = {
        (str(record.cell.runtime), str(record.cell.precision))
        for kind in kinds
        for record in results.of(kind, model)
        if record.cell.runtime and record.cell.precision
    }
    order = [name for name in RUNTIMES if name]
    return sorted(found, key=lambda form: (PRECISIONS.index(form[1]), order.index(form[0])))


def several(results: Results) -> list[str]:
    """Methods of which one measurement was made or tried in more than one form."""
    return [
        model for model in results.models if any(len(forms(results, model, (kind,))) > 1 for kind in KINDS)
    ]


def cost(results: Results, kind: str, model: str, form: Form) -> Record | str:
    """Return the latency or memory record of a form at the main frame, or the reason why there is none."""
    found = results.cost(kind, model, runtimes=(form[0],), precision=form[1])
    if not isinstance(found, str):
        return found
    tried = [r for r in results.of(kind, model) if (r.cell.runtime, r.cell.precision) == form]
    return next((describe(record) for record in tried if record.status != "ok"), NOT_MEASURED)


def losses(results: Results, model: str, protocol: str, form: Form, metric: str) -> dict[str, float]:
    """By image, how much less of a metric a form reaches than fp32 as published (else eager).

    Images that one of the two lacks, or scores infinitely, are left out.
    """
    reference = reference_form(results, model, protocol)
    if reference is None or reference == form:
        return {}
    whole, given = (results.scored(model, protocol, *one).ok for one in (reference, form))
    return {
        image: before - after
        for image in sorted(set(whole) & set(given))
        if _comparable(whole[image], given[image])
        and math.isfinite(before := number(whole[image].values[metric]))
        and math.isfinite(after := number(given[image].values[metric]))
    }


def loss(results: Results, model: str, protocol: str, form: Form, metric: str) -> Loss | None:
    """Mean and worst of `losses`; None without any."""
    by_image = losses(results, model, protocol, form, metric)
    if not by_image:
        return None
    mean = statistics.clustered_mean(by_image, {image: scene(image) for image in by_image})
    image = max(by_image, key=lambda name: (by_image[name], name))
    return Loss(mean, by_image[image], image)


def reference_form(results: Results, model: str, protocol: str) -> Form | None:
    """Return the fp32 form that the others are compared with in quality; None if none was scored."""
    for runtime in ("published", "eager"):
        if results.scored(model, protocol, runtime).ok:
            return runtime, "fp32"
    return None


def note(records: list[Record]) -> str | None:
    """Return what its records say about a form's number format on the processor it ran on."""
    return next((str(record.values["note"]) for record in records if record.values.get("note")), None)


def _comparable(one: Record, other: Record) -> bool:
    """Whether two images were scored on the same part of the frame with the same weights."""
    same_part = one.values.get("area_fraction") == other.values.get("area_fraction")
    return same_part and one.provenance.get("weights_sha256") == other.provenance.get("weights_sha256")
