"""What a claim's quantity means in results: from its parameters in `claims.toml` to a measured figure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from baselines.paper import FULL_SIZE
from bench.judge import arms, quantities, unpack
from bench.judge.quantities import FEWEST_IMAGES, GB, Measured
from bench.judge.statistics import Estimate, exact
from bench.records import protocols
from bench.records.cells import Cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.judge.results import Results
    from bench.records.cells import Measurement

UNPACKING = "llpacknet"
"""The method whose last step the kernels are."""
KINDS: dict[str, Measurement] = {
    **dict.fromkeys(("latency", "latency-ratio"), "latency"),
    **dict.fromkeys(("memory", "memory-ratio"), "memory"),
    **dict.fromkeys(("parameters", "parameters-ratio", "count", "gmac"), "complexity"),
    **dict.fromkeys(("psnr", "ssim", "psnr-difference", "ssim-difference", "gain-ratio"), "quality"),
    **dict.fromkeys(("kernel-ratio", "kernel-difference"), "kernels"),
}
"""What is measured for each quantity that rests on cells."""
WITHOUT = ("paper2020",)
"""Protocols that judge without GT exposure."""
WITH = ("paper2020-gt", "release2022", "release2022-restricted", "sid2018", "aligned562", "dnf88")
"""Protocols that multiply by the true exposure ratio, the one nearest to Table 1 first."""

Subject = dict[str, Any]
Found = tuple[Measured, str | None]


def measure(quantity: str, subject: Subject, results: Results) -> Found:
    """Return the measured figure of a claim and its protocol (None: as the claim says).

    Args:
        quantity: a key of `MEASURES`.
        subject: the quantity's parameters as `claims.toml` gives them.
        results: the records.
    """
    return MEASURES[quantity](subject, results)


def wanted(quantity: str, subject: Subject, results: Results) -> list[Cell]:
    """Return the cells that a claim asks for, a picture's name apart; empty where no cell decides it."""
    kind = KINDS.get(quantity)
    if kind is None:
        return []
    named = [subject[key] for key in ("model", "better", "worse", "below") if key in subject]
    models = [*subject.get("above", ()), *named] if kind != "kernels" else [UNPACKING]
    height, width = _setting(subject)["frame"]
    pattern = Cell(
        "",
        kind,
        protocol=protocol_of(subject, results) if kind == "quality" else None,
        device=None if kind == "complexity" else _setting(subject)["device"],
        runtime=None if kind in {"complexity", "kernels"} else "published",
        precision=None if kind == "complexity" else "fp32",
        height=height,
        width=width,
    )
    return [replace(pattern, model=model) for model in models]


def with_protocol(results: Results) -> str:
    """Return the protocol that stands for "with GT exposure".

    The paper's own where it judged enough pictures for an interval, else the one of `WITH` with the most.
    """
    if results.judged.get(WITH[0], 0) >= FEWEST_IMAGES:
        return WITH[0]
    return max(WITH, key=lambda name: results.judged.get(name, 0))


def protocol_of(subject: Subject, results: Results) -> str:
    """Return the protocol of a claim about pictures: named outright, or by the exposure that it was given."""
    named = subject.get("protocol_name")
    if named is not None:
        return str(named)
    return WITHOUT[0] if subject["exposure"] == "without" else with_protocol(results)


def _setting(subject: Subject) -> dict[str, Any]:
    height, width = subject.get("frame", FULL_SIZE)
    return {"device": subject.get("device", "cpu"), "frame": (int(height), int(width))}


def _latency(subject: Subject, results: Results) -> Found:
    return quantities.latency(results, subject["model"], **_setting(subject)), None


def _latency_ratio(subject: Subject, results: Results) -> Found:
    return _ratios(subject, results, quantities.latency_ratio), None


def _memory(subject: Subject, results: Results) -> Found:
    found = quantities.memory(results, subject["model"], **_setting(subject))
    return (found if found.estimate is None else replace(found, estimate=found.estimate.scaled(1 / GB))), None


def _memory_ratio(subject: Subject, results: Results) -> Found:
    return _ratios(subject, results, quantities.memory_ratio), None


def _ratios(subject: Subject, results: Results, ratio: Callable[..., Measured]) -> Measured:
    setting = _setting(subject)
    return _hull([ratio(results, above, subject["below"], **setting) for above in subject["above"]])


def _hull(found: list[Measured]) -> Measured:
    """One figure for several: from the least lower end to the greatest upper end; all or nothing."""
    missing = [one.reason for one in found if one.estimate is None]
    if missing:
        return Measured(None, "; ".join(dict.fromkeys(missing)))
    estimates = [one.estimate for one in found if one.estimate is not None]
    if len(estimates) == 1:
        return found[0]
    lows = [one.low for one in estimates if one.low is not None]
    highs = [one.high for one in estimates if one.high is not None]
    whole = len(lows) == len(highs) == len(estimates)
    middle = sorted(one.value for one in estimates)[len(estimates) // 2]
    return Measured(
        Estimate(
            middle,
            min(lows) if whole else None,
            max(highs) if whole else None,
            min(one.count for one in estimates),
            min(one.coverage for one in estimates),
        ),
        marks=tuple(sorted({mark for one in found for mark in one.marks})),
        rests_on=tuple(dict.fromkeys(cell for one in found for cell in one.rests_on)),
        behind=tuple({record.cell: record for one in found for record in one.behind}.values()),
    )


def _parameters(subject: Subject, results: Results) -> Found:
    found = quantities.count(results, subject["model"], "parameters")
    return (found if found.estimate is None else replace(found, estimate=found.estimate.scaled(1e-6))), None


def _parameters_ratio(subject: Subject, results: Results) -> Found:
    below = quantities.count(results, subject["below"], "parameters")
    if below.estimate is None:
        return Measured(None, f"parameters of {subject['below']}: {below.reason}"), None
    if not below.estimate.value:
        return Measured(None, f"{subject['below']} has no parameters"), None
    ratios = []
    for model in subject["above"]:
        above = quantities.count(results, model, "parameters")
        if above.estimate is None:
            ratios.append(Measured(None, f"parameters of {model}: {above.reason}"))
        else:
            ratio = exact(above.estimate.value / below.estimate.value)
            rests_on, behind = (*above.rests_on, *below.rests_on), (*above.behind, *below.behind)
            ratios.append(Measured(ratio, rests_on=rests_on, behind=behind))
    return _hull(ratios), None


def _count(subject: Subject, results: Results) -> Found:
    return quantities.count(results, subject["model"], subject["field"]), None


def _gmac(subject: Subject, results: Results) -> Found:
    return quantities.count(results, subject["model"], "gmac"), None


def _picture(metric: str) -> Callable[[Subject, Results], Found]:
    def mean(subject: Subject, results: Results) -> Found:
        protocol = protocol_of(subject, results)
        found = quantities.quality(results, subject["model"], protocol, metric)
        if found.estimate is not None and _is_the_published_list(subject["model"], protocol, results):
            # The source's own images, all of them: no other scenes could have been drawn.
            found = replace(found, estimate=exact(found.estimate.value))
        elif found.estimate is not None and found.estimate.count < FEWEST_IMAGES:
            why = f"{found.estimate.count} image(s); an interval needs at least {FEWEST_IMAGES}"
            found = Measured(None, why)
        return found, f"{protocol}, mean over its images"

    return mean


def _is_the_published_list(model: str, protocol: str, results: Results) -> bool:
    """Whether a method was judged on whole frames of as many real images as the protocol's source."""
    judged = results.pictures(model, protocol).ok.values()
    published = protocols.load().get(protocol)
    whole = all(record.values["area_fraction"] == 1 for record in judged)
    return published is not None and not results.synthetic and whole and len(judged) == published.pairs


def _picture_difference(metric: str) -> Callable[[Subject, Results], Found]:
    def difference(subject: Subject, results: Results) -> Found:
        protocol = protocol_of(subject, results)
        better, worse = (subject["better"], protocol), (subject["worse"], protocol)
        found = quantities.quality_difference(results, better, worse, metric)
        return found, f"{protocol}, mean difference over common images"

    return difference


def _gain_ratio(subject: Subject, results: Results) -> Found:
    protocol = protocol_of(subject, results)
    found = quantities.gain_ratio(results, subject["model"], protocol)
    return found, f"{protocol}, geometric mean of chosen gain over exposure ratio"


def _kernel_ratio(subject: Subject, results: Results) -> Found:
    setting = _setting(subject)
    return _hull(
        [unpack.ratio(results, form, subject["below"], **setting) for form in subject["above"]]
    ), None


def _kernel_difference(subject: Subject, results: Results) -> Found:
    return unpack.difference(results, subject["forms"], **_setting(subject)), None


def _training_difference(subject: Subject, results: Results) -> Found:
    return arms.difference(results.trainings, subject["better"], subject["worse"]), None


def _nothing(subject: Subject, results: Results) -> Found:  # noqa: ARG001
    return Measured(None, "not decided by result cells"), None


MEASURES: dict[str, Callable[[Subject, Results], Found]] = {
    "latency": _latency,
    "latency-ratio": _latency_ratio,
    "memory": _memory,
    "memory-ratio": _memory_ratio,
    "parameters": _parameters,
    "parameters-ratio": _parameters_ratio,
    "count": _count,
    "gmac": _gmac,
    "psnr": _picture("psnr"),
    "ssim": _picture("ssim"),
    "psnr-difference": _picture_difference("psnr"),
    "ssim-difference": _picture_difference("ssim"),
    "gain-ratio": _gain_ratio,
    "kernel-ratio": _kernel_ratio,
    "kernel-difference": _kernel_difference,
    "training-difference": _training_difference,
    "none": _nothing,
}
"""How each quantity of `claims.toml` is measured."""
