"""Tables of deployments: what each runtime and number format costs and loses, and who gains by it most."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.judge import deployments, quantities
from bench.judge.evidence import with_protocol
from bench.judge.quantities import GB, Measured
from bench.show.tables import published
from bench.show.tables.entries import figure_entry, part, sentence, with_note
from bench.show.tables.layout import Column, Entry, Part, Table, dash, word
from bench.show.tables.numbers import plain
from bench.show.tables.setting import cost_setting, data_setting

if TYPE_CHECKING:
    from bench.judge.deployments import Form
    from bench.judge.results import Results
    from bench.records.cells import Record

REFERENCE = "llpacknet"
CLAIMED = "5–20×"
PLAIN = (
    "The plain network, weight-norm fused and channels-last; only LLPackNet has a form that processes the "
    "frame in bands."
)


def deployment_table(results: Results) -> Table | None:
    """Time, memory and, of scored images, lost quality of every form; None if no method has several."""
    shown = published.ordered(deployments.several(results))
    if not shown:
        return None
    protocol = with_protocol(results)
    body = [
        _row(results, model, form, protocol) for model in shown for form in deployments.forms(results, model)
    ]
    columns: tuple[Column, ...] = (
        Column("Method", ("method",), numeric=False),
        Column("Runtime", ("runtime",), numeric=False),
        Column("Precision", ("precision",), numeric=False),
        Column("Time s", ("time_s",), intervals=True),
        Column("× published form", ("ratio_published",), intervals=True),
        Column("Peak GB", ("peak_gb",), intervals=True),
    )
    scored, lost = data_setting(results, (protocol,)), ""
    if scored:
        columns += (
            Column("mean", ("psnr_lost_mean_db",), "PSNR lost, dB", intervals=True),
            Column("worst", ("psnr_lost_worst_db",), "PSNR lost, dB"),
            Column("mean", ("ssim_lost_mean",), "SSIM lost", intervals=True),
            Column("worst", ("ssim_lost_worst",), "SSIM lost"),
        )
        lost = (
            "; lost quality is against fp32 image by image, negative where a form is better by chance. "
            f"Protocol {protocol}"
        )
    caption = (
        "The same weights in each runtime and number format. Ratios are taken round by round within one "
        f"interleaved run{lost}. {cost_setting(results, one_form=False)} {scored}"
    ).strip()
    rows = tuple(row[: len(columns)] for row in body)
    return Table("deployments", "Deployments: runtime × precision", caption, columns, rows)


def loss_table(results: Results) -> Table | None:
    """PSNR and SSIM lost by every image in every form; None if nothing was scored in several."""
    protocol = with_protocol(results)
    found: dict[tuple[str, Form], dict[str, tuple[float, float]]] = {}
    for model in published.ordered(deployments.several(results)):
        for form in deployments.forms(results, model):
            decibels, similarity = (
                deployments.losses(results, model, protocol, form, metric) for metric in ("psnr", "ssim")
            )
            both = {image: (decibels[image], similarity[image]) for image in decibels if image in similarity}
            if both:
                found[model, form] = both
    if not found:
        return None
    columns = [Column("Image", ("image",), numeric=False)]
    for model, form in found:
        keys = (f"psnr_lost_{model}_{'_'.join(form)}", f"ssim_lost_{model}_{'_'.join(form)}")
        columns.append(Column(" ".join(form), keys, published.title(model)))
    body = []
    for image in sorted({image for both in found.values() for image in both}):
        cells = [_pair(both.get(image)) for both in found.values()]
        body.append((word(image), *cells))
    caption = f"PSNR in dB / SSIM lost against fp32. {data_setting(results, (protocol,))}"
    return Table(
        "deployment-losses", f"Quality lost image by image: {protocol}", caption, tuple(columns), tuple(body)
    )


def speedup_table(results: Results) -> Table | None:
    """How many times as long as LLPackNet each other method takes in the same form; None without any."""
    forms = deployments.forms(results, REFERENCE)
    others = [model for model in published.ordered(deployments.several(results)) if model != REFERENCE]
    if len(forms) < 2 or not others:
        return None
    rows = [
        (word(published.title(model)), *(_speedup(results, model, form) for form in forms))
        for model in others
    ]
    columns = [Column("Method", ("method",), numeric=False)]
    columns += [Column(" ".join(form), ("ratio_" + "_".join(form),), intervals=True) for form in forms]
    caption = (
        "Time relative to LLPackNet in the same runtime and number format, round by round; the claim is "
        f"{CLAIMED} less time than its rivals. {_bands(forms)}{cost_setting(results, one_form=False)}"
    )
    return Table("speedups", "Time relative to LLPackNet in every form", caption, tuple(columns), tuple(rows))


def _row(results: Results, model: str, form: Form, protocol: str) -> tuple[Entry, ...]:
    runtime, precision = form
    timed, watched = (deployments.cost(results, kind, model, form) for kind in ("latency", "memory"))
    time = dash(sentence(timed)) if isinstance(timed, str) else _seconds(results, model, form)
    judged = list(results.scored(model, protocol, runtime, precision).ok.values())
    notes = deployments.note([*(one for one in (timed, watched) if not isinstance(one, str)), *judged])
    return (
        word(published.title(model)),
        with_note(word(runtime), PLAIN if _is_plain(timed, watched) else None),
        with_note(word(precision), sentence(notes) if notes else None),
        time,
        _against_published(results, model, timed),
        dash()
        if isinstance(watched, str)
        else figure_entry(_bare(quantities.peak(results, watched)), 1 / GB),
        *_lost(results, model, protocol, form),
    )


def _bands(shown: list[Form]) -> str:
    eager = any(runtime == "eager" for runtime, _ in shown)
    return "In the eager runtime, only LLPackNet processes the frame in bands. " if eager else ""


def _is_plain(*records: Record | str) -> bool:
    """Whether a form is eager without going down the frame in bands."""
    return any(not isinstance(one, str) and one.values.get("banded") is False for one in records)


def _seconds(results: Results, model: str, form: Form) -> Entry:
    found = quantities.latency(results, model, runtimes=(form[0],), precision=form[1])
    return figure_entry(_bare(found), 1.0, spread=True)


def _against_published(results: Results, model: str, timed: Record | str) -> Entry:
    own = deployments.cost(results, "latency", model, ("published", "fp32"))
    if isinstance(timed, str) or isinstance(own, str) or timed is own:
        return dash()
    return figure_entry(_bare(quantities.record_ratio(results, timed, own)), 1.0, 3, spread=True)


def _speedup(results: Results, model: str, form: Form) -> Entry:
    above, below = (deployments.cost(results, "latency", name, form) for name in (model, REFERENCE))
    for found in (above, below):
        if isinstance(found, str):
            return dash(sentence(found))
    assert not isinstance(above, str)
    assert not isinstance(below, str)
    return figure_entry(_bare(quantities.record_ratio(results, above, below)), 1.0, 2, spread=True)


def _lost(results: Results, model: str, protocol: str, form: Form) -> list[Entry]:
    cells: list[Entry] = []
    for metric, most in (("psnr", 3), ("ssim", 4)):
        found = deployments.loss(results, model, protocol, form, metric)
        if found is None:
            cells += [dash(), dash()]
        else:
            worst = Part(f"{found.worst:.{most}f}", found.worst)
            cells += [
                Entry((part(found.mean, plain(found.mean, most), is_ranked=False),)),
                Entry((worst,)),
            ]
    return cells


def _pair(lost: tuple[float, float] | None) -> Entry:
    if lost is None:
        return dash()
    return Entry((Part(f"{lost[0]:.3f}", lost[0]), Part(f"{lost[1]:.4f}", lost[1])))


def _bare(found: Measured) -> Measured:
    """Leave out the mark that names the runtime: the row names it."""
    marks = tuple(mark for mark in found.marks if mark == "single-pass")
    return replace(found, marks=marks)
