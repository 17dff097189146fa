"""Quality in the results: means of one method, differences of two over common scenes and over trainings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.judge import statistics
from bench.judge.outcomes import Why
from bench.judge.quantities import Measured
from bench.judge.results import Results, number, scene
from bench.judge.statistics import ERROR
from bench.machine.wording import plural

if TYPE_CHECKING:
    from bench.judge.results import Scored
    from bench.judge.statistics import Estimate
    from bench.records.cells import Record

# Images that a protocol must have judged to stand for "with GT exposure" in tables and claims.
FEWEST_IMAGES = 3
# What a weights card may say of the terms of a training for its network to be ranked beside others.
COMPARABLE = frozenset({"equal", "published"})

# A method under a protocol.
Side = tuple[str, str]


def quality(results: Results, model: str, protocol: str, metric: str, **setting: Any) -> Measured:
    """Mean of a metric over the images scored under a protocol.

    Args:
        results: the records.
        model: the method.
        protocol: the protocol's name.
        metric: "psnr", "ssim" or "lpips".
        setting: runtime and precision as in `Results.scored`.
    """
    scored = results.scored(model, protocol, **setting)
    values = metric_of(scored.ok, metric)
    if not values:
        return Measured(None, _missing(scored, metric))
    marks = image_marks(scored.ok)
    if scored.failed or len(values) < len(results.images(protocol)):
        marks = (*marks, "incomplete")
    return Measured(
        statistics.clustered_mean(values, {image: scene(image) for image in values}),
        marks=marks,
        synthetic=results.synthetic,
        rests_on=(_name((model, protocol), values),),
        behind=tuple(scored.ok[image] for image in values),
    )


@dataclass(frozen=True)
class _Pair:
    """Two sides' images from the trainings of one seed.

    Attributes:
        first: images of the one.
        second: images of the other.
        apart: first minus second, by common image.
        on_part: whether on the part that all methods were scored on, rather than on whole images.
    """

    first: Scored
    second: Scored
    apart: dict[str, float]
    on_part: bool

    def by_scene(self) -> dict[str, float]:
        """Mean of first minus second over the images of each scene."""
        found: dict[str, list[float]] = {}
        for image, difference in self.apart.items():
            found.setdefault(scene(image), []).append(difference)
        return {name: math.fsum(some) / len(some) for name, some in found.items()}


def quality_difference(
    results: Results, better: Side, worse: Side, metric: str, error: float = ERROR
) -> Measured:
    """Difference of a metric on the scenes that two (method, protocol) sides have in common.

    The median over scenes. Its interval holds the scenes' spread and that of training: over seeds where both
    were trained several times, else the stated one of PSNR (`SEED_SPREAD_DB`); for other metrics none is
    known, and one training decides nothing.

    Args:
        results: the records.
        better: the side that is claimed to have the higher value.
        worse: the other.
        metric: "psnr", "ssim" or "lpips".
        error: probability with which the interval may miss.
    """
    pairs = []
    for first, second in zip(results.trained(*better), results.trained(*worse), strict=False):
        pair = _pair(better, worse, first, second, metric)
        if isinstance(pair, Measured):
            return pair
        pairs.append(pair)
    by_seed = {seed: pair.by_scene() for seed, pair in enumerate(pairs)}
    sides = [side for pair in pairs for side in (pair.first, pair.second)]
    trained = sum(_is_trained(side) for side in (pairs[0].first, pairs[0].second))
    estimate, alone, why = _estimate(by_seed, trained, metric, error)
    marks = tuple(sorted({mark for side in sides for mark in image_marks(side.ok)} - {"central-part"}))
    if any(pair.on_part for pair in pairs):
        marks = (*marks, "same-part")
    if {"unequal", "unfinished", "random"} & set(marks):
        why = Why.WEIGHTS
    rests_on = [
        _name(side, pair.apart) + (f", training {seed}" if seed else "")
        for seed, pair in enumerate(pairs)
        for side in (better, worse)
    ]
    behind = tuple(
        side.ok[image] for pair in pairs for side in (pair.first, pair.second) for image in pair.apart
    )
    return Measured(
        estimate, why=why, marks=marks, one_training=alone, synthetic=results.synthetic,
        rests_on=tuple(dict.fromkeys(rests_on)), behind=behind,
    )  # fmt: skip


def brightness_difference(results: Results, method: Side, control: Side, error: float = ERROR) -> Measured:
    """How much closer to the truth in brightness a method comes than a control, in stops.

    Args:
        results: the records.
        method: a method that chooses its gain, under a protocol without the true exposure.
        control: another at a constant gain, on the same images.
        error: probability with which the interval may miss.
    """
    off: list[dict[str, float]] = []
    scored = [results.scored(*side) for side in (method, control)]
    for side, one in zip((method, control), scored, strict=True):
        stops = metric_of(one.ok, "brightness_stops")
        if not stops:
            why = one.reason if not one.ok else "its records do not contain it"
            return Measured(None, f"brightness of {side[0]} under {side[1]}: {why}")
        off.append({image: abs(value) for image, value in stops.items()})
    common = sorted(set(off[0]) & set(off[1]))
    if not common:
        return Measured(None, f"{method[0]} and {control[0]} have no image in common")
    nearer: dict[str, list[float]] = {}
    for image in common:
        nearer.setdefault(scene(image), []).append(off[1][image] - off[0][image])
    over_scenes = statistics.median([math.fsum(some) / len(some) for some in nearer.values()], error)
    marks = image_marks(scored[0].ok)
    return Measured(
        over_scenes,
        why=Why.WEIGHTS if {"unfinished", "random"} & set(marks) else None,
        marks=marks,
        synthetic=results.synthetic,
        rests_on=tuple(_name(side, common) for side in (method, control)),
        behind=tuple(one.ok[image] for one in scored for image in common),
    )


def _estimate(
    by_seed: dict[int, dict[str, float]], trained: int, metric: str, error: float
) -> tuple[Estimate, Estimate | None, Why | None]:
    """Return the difference, the same without the spread of training, and what keeps it from deciding."""
    over_scenes = statistics.median(list(by_seed[0].values()), error)
    if not trained:
        return over_scenes, None, None
    if len(by_seed) > 1 and metric == "psnr":
        return statistics.two_way(by_seed, error), None, None
    if metric == "psnr":
        reach = statistics.seed_reach(1, error) * math.sqrt(trained / 2)
        return statistics.with_stated(over_scenes, reach), over_scenes, None
    if len(by_seed) >= statistics.FEWEST_FOR_MEDIAN:
        return statistics.two_way(by_seed, error), None, None
    return over_scenes, None, Why.ONE_TRAINING


def _pair(better: Side, worse: Side, first: Scored, second: Scored, metric: str) -> _Pair | Measured:
    """Compare the images that both have, as restored where that is of one size, else on the shared part."""
    for side, scored in ((better, first), (worse, second)):
        if not metric_of(scored.ok, metric):
            why = _missing(scored, metric)
            return Measured(None, f"{metric.upper()} of {side[0]} under {side[1]}: {why}")
    for on_part in (False, True):
        one, other = (_scores(scored.ok, metric, on_part=on_part) for scored in (first, second))
        both = sorted(set(one) & set(other))
        if not on_part:
            both = [name for name in both if _area(first.ok[name]) == _area(second.ok[name])]
        apart = {name: one[name] - other[name] for name in both}
        apart = {name: value for name, value in apart.items() if math.isfinite(value)}
        if apart:
            return _Pair(first, second, apart, on_part)
    if set(first.ok) & set(second.ok):
        return Measured(None, f"{better[0]} and {worse[0]} were scored on different parts of the frame")
    return Measured(None, f"{better[0]} and {worse[0]} have no image in common")


def _scores(ok: dict[str, Record], metric: str, *, on_part: bool) -> dict[str, float]:
    """By image, a metric of what was restored or of the part that all methods were scored on."""
    if not on_part:
        return metric_of(ok, metric)
    parts = {image: record.values.get("part") or {} for image, record in ok.items()}
    return {image: number(part[metric]) for image, part in parts.items() if part.get(metric) is not None}


def image_marks(ok: dict[str, Record]) -> tuple[str, ...]:
    """Return marks of a set of scored images."""
    marks = []
    if any(_area(record) != 1 for record in ok.values()):
        marks.append("central-part")
    if any(record.provenance.get("weights_unfinished") for record in ok.values()):
        marks.append("unfinished")
    if any(record.values.get("random_weights") for record in ok.values()):
        marks.append("random")
    weights = [record.provenance for record in ok.values() if record.provenance.get("weights_sha256")]
    if any(one.get("weights_terms") not in COMPARABLE for one in weights):
        marks.append("unequal")
    return tuple(marks)


def metric_of(ok: dict[str, Record], metric: str) -> dict[str, float]:
    """By image, a metric of the images that have it."""
    return {image: number(r.values[metric]) for image, r in ok.items() if r.values.get(metric) is not None}


def _is_trained(scored: Scored) -> bool:
    return any(record.provenance.get("weights_sha256") for record in scored.ok.values())


def _area(record: Record) -> float:
    return float(record.values.get("area_fraction", 1.0))


def _missing(scored: Scored, metric: str) -> str:
    key = f"{metric}_reason"
    why = sorted({str(r.values[key]) for r in scored.ok.values() if r.values.get(key)})
    return why[0] if why else scored.reason


def _name(side: Side, images: Any) -> str:
    return f"quality of {side[0]} under {side[1]}, {plural(len(images), 'image')}"
