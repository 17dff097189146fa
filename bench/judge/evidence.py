"""Find the measured figures for a claim's quantity, given its parameters in `claims.toml`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from baselines.paper import FULL_SIZE
from bench.judge import arms, image_scores, quantities, unpack
from bench.judge.image_scores import FEWEST_IMAGES
from bench.judge.quantities import GB, Measured
from bench.judge.statistics import ERROR, exact, stated
from bench.machine.wording import plural
from bench.records import protocols
from bench.records.cells import Cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.judge.results import Results
    from bench.records.cells import Measurement

# The method whose last step the kernels are.
UNPACKING = "llpacknet"
# What is measured for each quantity that rests on cells.
KINDS: dict[str, Measurement] = {
    **dict.fromkeys(("latency", "latency-ratio", "end-to-end"), "latency"),
    **dict.fromkeys(("memory", "memory-ratio"), "memory"),
    **dict.fromkeys(("parameters", "parameters-ratio", "count", "gmac"), "complexity"),
    **dict.fromkeys(
        ("psnr", "ssim", "psnr-difference", "ssim-difference", "brightness-difference"), "quality"
    ),
    **dict.fromkeys(("kernel-ratio", "kernel-difference"), "kernels"),
}
# Protocols that judge without GT exposure.
WITHOUT = ("paper2020",)
# The same images at one gain for all: the control of every amplifier.
CONSTANT = "paper2020-constant"
# Protocols that multiply by the true exposure ratio, the one nearest to Table 1 first.
WITH = (
    "paper2020-gt",
    "release2022",
    "release2022-restricted",
    "sid2018",
    "aligned562",
    "dnf88",
    "mcr50",
    "adu93",
)

Subject = dict[str, Any]


@dataclass(frozen=True)
class Member:
    """One method of a claim, with its figure.

    Attributes:
        name: of the method where the claim speaks of several, with the threads where several were timed.
        measured: the figure.
        other: the same by the other definition of the quantity, where there are two.
    """

    name: str
    measured: Measured
    other: Measured | None = None


@dataclass(frozen=True)
class Evidence:
    """What the results contain about a claim.

    Attributes:
        members: a figure for each method that the claim speaks of.
        protocol: conditions, where they say more than the claim does.
        on: how many cores times were measured on, in words; empty if that does not matter.
    """

    members: tuple[Member, ...]
    protocol: str | None = None
    on: str = ""

    @property
    def rests_on(self) -> tuple[str, ...]:
        """The cells behind all figures, in words."""
        return tuple(dict.fromkeys(cell for figure in self.figures for cell in figure.rests_on))

    @property
    def figures(self) -> tuple[Measured, ...]:
        """Every figure, by either definition."""
        both = [(one.measured, one.other) for one in self.members]
        return tuple(figure for pair in both for figure in pair if figure is not None)

    @property
    def marks(self) -> tuple[str, ...]:
        """What a reader must know about any of the figures."""
        return tuple(dict.fromkeys(mark for one in self.members for mark in one.measured.marks))

    @property
    def synthetic(self) -> bool:
        """Whether any figure rests on synthetic images."""
        return any(one.measured.synthetic for one in self.members)


def measure(quantity: str, subject: Subject, results: Results, error: float = ERROR) -> Evidence:
    """Return the figures of a claim.

    Args:
        quantity: a key of `MEASURES`.
        subject: the quantity's parameters as `claims.toml` gives them.
        results: the records.
        error: probability with which the interval of an ordering may miss.
    """
    if quantity in ORDERINGS:
        return ORDERINGS[quantity](subject, results, error)
    return MEASURES[quantity](subject, results)


def wanted(quantity: str, subject: Subject, results: Results) -> list[Cell]:
    """Return the cells that a claim asks for, an image's name apart; empty if no cell decides it."""
    kind = KINDS.get(quantity)
    if kind is None:
        return []
    if quantity == "brightness-difference":
        better, worse = (_wanted(kind, subject, results, protocol) for protocol in (WITHOUT[0], CONSTANT))
        return [replace(better, model=subject["better"]), replace(worse, model=subject["worse"])]
    named = [subject[key] for key in ("model", "better", "worse", "below") if key in subject]
    models = [*subject.get("above", ()), *named] if kind != "kernels" else [UNPACKING]
    pattern = _wanted(kind, subject, results)
    return [replace(pattern, model=model) for model in models]


def _wanted(kind: Measurement, subject: Subject, results: Results, protocol: str | None = None) -> Cell:
    """Return a cell of the subject's setting, without a model."""
    height, width = _setting(subject)["frame"]
    return Cell(
        "",
        kind,
        protocol=(protocol or protocol_of(subject, results)) if kind == "quality" else None,
        device=None if kind == "complexity" else _setting(subject)["device"],
        runtime=None if kind in {"complexity", "kernels"} else "published",
        precision=None if kind == "complexity" else "fp32",
        height=height,
        width=width,
    )


def with_protocol(results: Results) -> str:
    """Return the protocol that stands for "with GT exposure".

    The paper's own if enough images were scored for an interval, else the one of `WITH` with the most.
    """
    if results.judged.get(WITH[0], 0) >= FEWEST_IMAGES:
        return WITH[0]
    return max(WITH, key=lambda name: results.judged.get(name, 0))


def shown_protocols(results: Results) -> tuple[str, str]:
    """Return the protocols that tables show as "without" and "with GT exposure".

    Those of the claims; where nothing was scored under one but with each frame's own black, that variant.
    """
    variants = [protocols.with_black(name, "per-frame") for name in (*WITHOUT, *WITH)]
    own = [name for name in variants if results.judged.get(name)]
    without, with_gt = WITHOUT[0], with_protocol(results)
    if not results.judged.get(without) and variants[0] in own:
        without = variants[0]
    if not results.judged.get(with_gt):
        with_gt = next((name for name in own if name != variants[0]), with_gt)
    return without, with_gt


def protocol_of(subject: Subject, results: Results) -> str:
    """Return the protocol of a claim about images: named outright, or by the exposure that it was given."""
    named = subject.get("protocol_name")
    if named is not None:
        return str(named)
    return WITHOUT[0] if subject.get("exposure", "without") == "without" else with_protocol(results)


def _setting(subject: Subject) -> dict[str, Any]:
    height, width = subject.get("frame", FULL_SIZE)
    return {"device": subject.get("device", "cpu"), "frame": (int(height), int(width))}


def _one(measured: Measured, other: Measured | None = None, protocol: str | None = None) -> Evidence:
    return Evidence((Member("", measured, other),), protocol)


def _scaled(found: Measured, factor: float) -> Measured:
    return found if found.estimate is None else replace(found, estimate=found.estimate.scaled(factor))


def _latency(subject: Subject, results: Results) -> Evidence:
    found = quantities.latency(results, subject["model"], **_setting(subject))
    if found.estimate is not None and "single-pass" in found.marks:
        found = replace(found, estimate=stated(found.estimate.value, quantities.SINGLE_PASS_REPEATABILITY))
    return _one(found)


def _end_to_end(subject: Subject, results: Results) -> Evidence:
    return _one(quantities.end_to_end(results, subject["model"], **_setting(subject)))


def _latency_ratio(subject: Subject, results: Results) -> Evidence:
    setting = _setting(subject)
    counts = results.thread_counts(setting["device"], setting["frame"]) or (None,)
    members = []
    for above in subject["above"]:
        for threads in counts:
            name = above if len(counts) == 1 else f"{above} on {plural(threads or 1, 'thread')}"
            ratio = quantities.latency_ratio(results, above, subject["below"], **setting, threads=threads)
            members.append(Member(name, ratio))
    return Evidence(tuple(members), on=_cores(members))


def _cores(members: list[Member]) -> str:
    """Say on how many cores times were measured: ratios of time depend on it."""
    counts = sorted({r.cell.threads for one in members for r in one.measured.behind if r.cell.threads})
    if not counts:
        return ""
    said = " and ".join(map(str, counts))
    return f"on {plural(counts[0], 'core') if len(counts) == 1 else f'{said} cores'}"


def _memory(subject: Subject, results: Results) -> Evidence:
    model, setting = subject["model"], _setting(subject)
    run, whole = (
        _scaled(find(results, model, **setting), 1 / GB)
        for find in (quantities.memory, quantities.whole_process)
    )
    return _one(run, whole)


def _memory_ratio(subject: Subject, results: Results) -> Evidence:
    setting, below = _setting(subject), subject["below"]
    return Evidence(
        tuple(
            Member(
                above,
                quantities.memory_ratio(results, above, below, **setting),
                quantities.whole_process_ratio(results, above, below, **setting),
            )
            for above in subject["above"]
        )
    )


def _parameters(subject: Subject, results: Results) -> Evidence:
    field = subject.get("field", "parameters")
    return _one(_scaled(quantities.count(results, subject["model"], field), 1e-6))


def _parameters_ratio(subject: Subject, results: Results) -> Evidence:
    below = quantities.count(results, subject["below"], "parameters")
    members = []
    for model in subject["above"]:
        above = quantities.count(results, model, "parameters")
        members.append(Member(model, _quotient(above, below, model, subject["below"])))
    return Evidence(tuple(members))


def _quotient(above: Measured, below: Measured, *names: str) -> Measured:
    for one, name in zip((above, below), names, strict=True):
        if one.estimate is None:
            return Measured(None, f"parameters of {name}: {one.reason}")
    assert above.estimate is not None
    assert below.estimate is not None
    if not below.estimate.value:
        return Measured(None, f"{names[1]} has no parameters")
    return Measured(
        exact(above.estimate.value / below.estimate.value),
        rests_on=(*above.rests_on, *below.rests_on),
        behind=(*above.behind, *below.behind),
    )


def _count(subject: Subject, results: Results) -> Evidence:
    return _one(quantities.count(results, subject["model"], subject["field"]))


def _gmac(subject: Subject, results: Results) -> Evidence:
    return _one(quantities.count(results, subject["model"], "gmac", _setting(subject)["frame"]))


def _image(metric: str) -> Callable[[Subject, Results], Evidence]:
    def mean(subject: Subject, results: Results) -> Evidence:
        protocol = protocol_of(subject, results)
        found = image_scores.quality(results, subject["model"], protocol, metric)
        if found.estimate is not None and _is_the_published_list(subject["model"], protocol, results):
            # The source's own images, all of them: no other scenes could have been drawn.
            found = replace(found, estimate=exact(found.estimate.value))
        return _one(found, protocol=f"{protocol}, mean over its images")

    return mean


def _is_the_published_list(model: str, protocol: str, results: Results) -> bool:
    """Whether a method was scored on whole frames of as many real images as the protocol's source."""
    judged = results.scored(model, protocol).ok.values()
    published = protocols.load().get(protocol)
    whole = all(record.values["area_fraction"] == 1 for record in judged)
    return published is not None and not results.synthetic and whole and len(judged) == published.pairs


def _image_difference(metric: str) -> Callable[[Subject, Results, float], Evidence]:
    def difference(subject: Subject, results: Results, error: float) -> Evidence:
        protocol = protocol_of(subject, results)
        better, worse = (subject["better"], protocol), (subject["worse"], protocol)
        found = image_scores.quality_difference(results, better, worse, metric, error)
        return _one(found, protocol=f"{protocol}, median over common scenes")

    return difference


def _brightness_difference(subject: Subject, results: Results, error: float) -> Evidence:
    method, control = (subject["better"], WITHOUT[0]), (subject["worse"], CONSTANT)
    found = image_scores.brightness_difference(results, method, control, error)
    return _one(found, protocol=f"{WITHOUT[0]} against {CONSTANT}, median over common scenes")


def _kernel_ratio(subject: Subject, results: Results) -> Evidence:
    setting, below = _setting(subject), subject["below"]
    members = [Member(form, unpack.ratio(results, form, below, **setting)) for form in subject["above"]]
    return Evidence(tuple(members), on=_cores(members))


def _kernel_difference(subject: Subject, results: Results) -> Evidence:
    return _one(unpack.difference(results, subject["forms"], **_setting(subject)))


def _training_difference(subject: Subject, results: Results, error: float) -> Evidence:
    return _one(arms.difference(results.trainings, subject["better"], subject["worse"], error))


def _stuck_difference(subject: Subject, results: Results, error: float) -> Evidence:
    return _one(arms.stuck_difference(results.trainings, subject["better"], subject["worse"], error))


def _dark_share(subject: Subject, results: Results) -> Evidence:
    return _one(arms.dark_share(results.trainings, subject["model"]))


def _nothing(subject: Subject, results: Results) -> Evidence:  # noqa: ARG001
    return _one(Measured(None, "not decided by result cells"))


# How each quantity of `claims.toml` is measured.
MEASURES: dict[str, Callable[[Subject, Results], Evidence]] = {
    "latency": _latency,
    "end-to-end": _end_to_end,
    "latency-ratio": _latency_ratio,
    "memory": _memory,
    "memory-ratio": _memory_ratio,
    "parameters": _parameters,
    "parameters-ratio": _parameters_ratio,
    "count": _count,
    "gmac": _gmac,
    "psnr": _image("psnr"),
    "ssim": _image("ssim"),
    "kernel-ratio": _kernel_ratio,
    "kernel-difference": _kernel_difference,
    "dark-share": _dark_share,
    "none": _nothing,
}
# The same of differences in quality, whose intervals are the wider the more of them are decided together.
ORDERINGS: dict[str, Callable[[Subject, Results, float], Evidence]] = {
    "psnr-difference": _image_difference("psnr"),
    "ssim-difference": _image_difference("ssim"),
    "brightness-difference": _brightness_difference,
    "training-difference": _training_difference,
    "stuck-difference": _stuck_difference,
}
# Decided by the experiment on UnPack rather than by cells.
OF_TRAININGS = frozenset({"training-difference", "stuck-difference", "dark-share"})
