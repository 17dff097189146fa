"""Score images from other programs: every metric once per image, then evaluated under many protocols."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.judge.waterfall import Quantity, Waterfall, waterfall
from bench.metrics import definitions, quantise
from bench.metrics.definitions import to_json
from bench.metrics.quantise import Quantisation  # noqa: TC001 -- of a named tuple
from bench.records import image_protocols, protocols
from bench.records.image_protocols import WHOLE, View
from bench.score.aligning import seen
from bench.score.reading import Match, Matches, match, of_subset, read_image
from llpacknet.errors import InputError, cause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.data.making.spreading import Spread
    from bench.records.protocols import Protocol

QUANTITIES: tuple[Quantity, ...] = ("psnr", "ssim", "lpips")
# What a protocol says of the input; images that exist already cannot be changed in it.
GIVEN = ("black", "gain", "input_clip", "domain")


class Key(NamedTuple):
    """What one value of an image is of."""

    view: View
    how: Quantisation
    metric: str


# An image's values, or why there are none.
Judged = dict[Key, float] | str


@dataclass
class Scores:
    """Values of matched images.

    Attributes:
        matches: which images were paired, and which not.
        values: by prediction name, then by view, quantisation and metric.
        failures: a line for every pair that could not be scored.
        skipped: by metric name, why it could not be computed.
        warnings: a line for everything that makes the figures doubtful.
    """

    matches: Matches
    values: dict[str, dict[Key, float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def of(self, protocol: Protocol) -> list[Match]:
        """Return the scored images that belong to a protocol's subset."""
        scored = [pair for pair in self.matches.found if pair.name in self.values]
        return of_subset(scored, protocol.subset)

    def mean(self, protocol: Protocol, quantity: Quantity) -> float:
        """Mean of a quantity over a protocol's subset, as the protocol defines it."""
        name = protocol.metric(quantity)
        return statistics.fmean(self.value(pair, protocol, name) for pair in self.of(protocol))

    def value(self, pair: Match, protocol: Protocol, metric: str) -> float:
        """Return an image's value of one metric as a protocol sees it, after its step to 8 bits."""
        view = image_protocols.of(protocol).view
        return self.values[pair.name][Key(view, protocol.step(metric), metric)]

    def metrics(self, protocol: Protocol) -> list[str]:
        """Names of the metrics that were computed as a protocol sees images, in the table's order."""
        view = image_protocols.of(protocol).view
        computed = {
            key.metric
            for values in self.values.values()
            for key in values
            if (key.view, key.how) == (view, protocol.step(key.metric))
        }
        return [name for name in definitions.METRICS if name in computed]

    def quantities(self, *chosen: Protocol) -> list[Quantity]:
        """Return the available quantities as each of some protocols defines them."""
        return [
            q
            for q in QUANTITIES
            if all(q in told(one) and one.metric(q) not in self.skipped for one in chosen)
        ]


def told(protocol: Protocol) -> tuple[Quantity, ...]:
    """Return the quantities that a protocol has: LPIPS only of whole images without alignment."""
    return QUANTITIES if image_protocols.of(protocol).view == WHOLE else ("psnr", "ssim")


def score(
    predictions: Path,
    truths: Path,
    chosen: Iterable[Protocol],
    metrics: Iterable[str] = (),
    *,
    skip: Mapping[str, str] | None = None,
    advance: Callable[[int, int], None] | None = None,
    spread: Spread | None = None,
) -> Scores:
    """Score the images of one folder against those of another.

    Args:
        predictions: folder of PNG, JPEG or TIFF images, 8 or 16 bits; 8 bits are used unchanged.
        truths: folder of their truths, see `bench.score.reading.match`.
        chosen: protocols to score under, of which waterfalls begin at the first; an image in none of their
            subsets is not opened.
        metrics: names of further metrics to compute.
        skip: metrics to leave out, each with the reason.
        advance: called with (done, all) after each image.
        spread: applies a function to each of several images, elsewhere and in any order; by default they
            are scored here, one after another.

    Raises:
        InputError: the folders cannot be paired, no image belongs to a subset, or none can be scored.
    """
    chosen = tuple(chosen)
    scores = Scores(match(predictions, truths), skipped=dict(skip or {}))
    names = _to_compute(scores, chosen, metrics)
    keys = _keys(chosen, names)
    belongs = {pair.name for protocol in chosen for pair in of_subset(scores.matches.found, protocol.subset)}
    # In the truths' order, so that what is kept of a truth serves all its predictions.
    pairs = sorted(
        (pair for pair in scores.matches.found if pair.name in belongs),
        key=lambda pair: (pair.truth, pair.name),
    )
    if not pairs:
        rules = ", ".join(dict.fromkeys(protocol.subset for protocol in chosen))
        raise InputError(f"no image in {predictions} belongs to the subset {rules}: choose another protocol")
    if spread:  # who does it may stand elsewhere
        pairs = [
            replace(pair, prediction=pair.prediction.absolute(), truth=pair.truth.absolute())
            for pair in pairs
        ]
    judge = partial(judged, keys)
    found: dict[str, Judged] = {}
    for done, (name, values) in enumerate(spread(judge, pairs) if spread else map(judge, pairs), start=1):
        found[name] = values
        if advance:
            advance(done, len(pairs))
    _keep(scores, {pair.name: found[pair.name] for pair in pairs})
    return scores


def _to_compute(scores: Scores, chosen: Iterable[Protocol], metrics: Iterable[str]) -> frozenset[str]:
    """Return the metrics to compute; unavailable ones are noted with the reason."""
    # A waterfall passes through every quantisation with every definition, so all are computed at each.
    names = {protocol.metric(q) for protocol in chosen for q in told(protocol)} | set(metrics)
    for name in sorted(names):
        reason = definitions.get(name).unavailable()
        if reason and name not in scores.skipped:
            scores.skipped[name] = reason
    return frozenset(names - set(scores.skipped))


def _keys(chosen: tuple[Protocol, ...], names: frozenset[str]) -> tuple[Key, ...]:
    """List what is computed of each image, so that waterfalls from the first protocol have every mean."""
    hows = dict.fromkeys(protocol.step(q) for protocol in chosen for q in told(protocol))
    keys = [Key(WHOLE, how, name) for how in hows for name in sorted(names)]
    for protocol in map(image_protocols.of, chosen):
        ends = chosen[0], protocol
        # Cut first, then aligned, then brought to 8 bits.
        views = View(protocol.crop), protocol.view
        keys += [
            Key(view, how, name)
            for view in views
            if view != WHOLE
            for how in (one.quantise for one in ends)
            for name in {one.metric(q) for one in ends for q in ("psnr", "ssim")} & names
        ]
    return tuple(sorted(set(keys), key=str))


def _keep(scores: Scores, found: Mapping[str, Judged]) -> None:
    for name, values in found.items():
        if isinstance(values, str):
            scores.failures.append(f"{name}: {values}")
        else:
            scores.values[name] = values
    if not scores.values:
        raise InputError(f"no pair could be scored; {scores.failures[0]}")
    scores.warnings += _suspicious(scores)


def _suspicious(scores: Scores) -> list[str]:
    """Report predictions that are bit-identical to their truths, which no restoration is."""
    equal = [name for name, values in scores.values.items() if all(map(math.isinf, _decibels(values)))]
    if not equal:
        return []
    if len(equal) == len(scores.values):
        return ["every prediction equals its truth in every pixel: is it a copy?"]
    some = f"{len(equal)} of {len(scores.values)} predictions"
    if len(equal) == 1:
        return [f"{some} ({equal[0]}) equals its truth in every pixel: is it a copy?"]
    return [f"{some} ({equal[0]}, ...) equal their truths in every pixel: are they copies?"]


def _decibels(values: dict[Key, float]) -> list[float]:
    return [value for key, value in values.items() if key.view == WHOLE and key.metric.startswith("psnr")]


def judged(keys: tuple[Key, ...], pair: Match) -> tuple[str, Judged]:
    """Score one pair.

    Returns:
        the prediction's name, and its values, or why it could not be scored.
    """
    try:
        return pair.name, _values(pair, keys)
    except InputError as error:
        return pair.name, str(error)
    except Exception as error:  # noqa: BLE001 -- the other images are to be scored
        return pair.name, f"{pair.prediction.name} cannot be scored: {cause(error)}"


def _values(pair: Match, keys: Iterable[Key]) -> dict[Key, float]:
    images = read_image(pair.prediction), read_image(pair.truth)
    if images[0].shape != images[1].shape:
        sizes = [f"{image.shape[1]}x{image.shape[0]}" for image in images]
        raise InputError(f"is {sizes[0]}, its truth {pair.truth.name} is {sizes[1]}: make them the same size")
    found: dict[Key, float] = {}
    for view in dict.fromkeys(key.view for key in keys):
        both = seen(*images, view)
        of_view = [key for key in keys if key.view == view]
        if all(image.dtype == "uint8" for image in both):  # they are compared as they are
            values = _measured(*both, None, {key.metric for key in of_view})
            found |= {key: values[key.metric] for key in of_view}
            continue
        for how in dict.fromkeys(key.how for key in of_view):
            prediction, truth = (quantise(image, how) for image in both)
            of_how = [key for key in of_view if key.how == how]
            data_range = 1.0 if how == "none" else None
            values = _measured(prediction, truth, data_range, {key.metric for key in of_how})
            found |= {key: values[key.metric] for key in of_how}
    return found


def _measured(
    prediction: NDArray[Any], truth: NDArray[Any], data_range: float | None, names: set[str]
) -> dict[str, float]:
    return {name: definitions.get(name).compute(prediction, truth, data_range) for name in sorted(names)}


def waterfalls(scores: Scores, start: Protocol, ends: Iterable[Protocol]) -> list[Waterfall]:
    """How each quantity's mean moves from one protocol to each other whose subset is not empty here."""
    if not scores.of(start):
        return []
    begin = image_protocols.of(start)
    return [
        waterfall(begin, end, quantity, partial(scores.mean, quantity=quantity), GIVEN)
        for end in map(image_protocols.of, ends)
        if end.name != start.name and scores.of(end)
        for quantity in scores.quantities(start, end)
    ]


def as_dict(
    scores: Scores, protocol: Protocol, others: Iterable[Protocol], falls: list[Waterfall]
) -> dict[str, Any]:
    """Everything that was scored, for strict JSON: names but no paths, nothing that differs between runs."""
    images = [
        {
            "name": pair.name,
            "prediction": pair.prediction.name,
            "truth": pair.truth.name,
            **{
                q: to_json(scores.value(pair, protocol, protocol.metric(q)))
                for q in scores.quantities(protocol)
            },
            "metrics": {
                name: to_json(scores.value(pair, protocol, name)) for name in scores.metrics(protocol)
            },
        }
        for pair in scores.of(protocol)
    ]
    return {
        "schema_version": 1,
        "protocol": protocol.name,
        "mean": _means(scores, protocol),
        "pictures": images,
        "protocols": {other.name: _means(scores, other) for other in (protocol, *others)},
        "waterfalls": [_fall(fall) for fall in falls],
        "failures": scores.failures,
        "unscored": list(scores.matches.unscored),
        "unused": list(scores.matches.unused),
        "skipped": scores.skipped,
        "warnings": scores.warnings,
    }


def _means(scores: Scores, protocol: Protocol) -> dict[str, Any]:
    pairs = len(scores.of(protocol))
    means = {q: to_json(scores.mean(protocol, q)) if pairs else None for q in scores.quantities(protocol)}
    metrics = {
        name: to_json(statistics.fmean(scores.value(pair, protocol, name) for pair in scores.of(protocol)))
        for name in (scores.metrics(protocol) if pairs else ())
    }
    return {
        "pairs": pairs,
        "pairs_published": protocol.pairs,
        **{quantity: means.get(quantity) for quantity in QUANTITIES},
        "metrics": metrics,
    }


def _fall(fall: Waterfall) -> dict[str, Any]:
    steps = [
        {
            **vars(step),
            "mean": to_json(step.mean),
            "part": None if step.part is None else to_json(step.part),
        }
        for step in fall.steps
    ]
    return {**vars(fall), "before": to_json(fall.before), "after": to_json(fall.after), "steps": steps}


def all_protocols(first: str | None = None) -> list[Protocol]:
    """Every published protocol, then those of neighbouring fields.

    Their controls differ only in the gain of the input, which existing images already include.

    Args:
        first: name of the one to begin with, which may be a control; the default protocol if None.
    """
    start = protocols.get(first) if first else protocols.default()
    published = [protocol for protocol in protocols.load().values() if not protocol.control_of]
    others = (protocol for protocol in published if protocol != start)
    return [start, *others, *image_protocols.load().values()]
