"""The tables beside Table 1; each is left out where the results hold nothing for it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bench.judge import image_scores, quantities
from bench.judge.evidence import WITHOUT, with_protocol
from bench.judge.quantities import GB
from bench.judge.results import describe
from bench.judge.statistics import seed_reach
from bench.records import protocols
from bench.show.figures import roofline
from bench.show.tables import published
from bench.show.tables.costs import cost_table, scope_table
from bench.show.tables.entries import counted, figure_entry, image_entry, printed, sentence, with_note
from bench.show.tables.field import field_table
from bench.show.tables.form_rows import deployment_table, loss_table, speedup_table
from bench.show.tables.gain_worth import worth_table
from bench.show.tables.layout import Column, Entry, Part, Table, dash, ranked, word
from bench.show.tables.machine import environment_rows
from bench.show.tables.numbers import compact
from bench.show.tables.scaling import scaling_table
from bench.show.tables.setting import cost_setting, data_setting
from bench.show.tables.standings import floor_table, profile_table
from bench.show.tables.stress import stress_table
from bench.show.tables.unpacking import kernel_table

if TYPE_CHECKING:
    from bench.judge.results import Results
    from bench.records.cells import Record

# Name of the table of machine and versions, which the report sets apart.
ENVIRONMENT = "environment"


def tables(results: Results) -> list[Table]:
    """Every further table that these results can fill."""
    found = [red_table(results), field_table(results), ablation_table(results)]
    found += [ratio_table(results, protocol) for protocol in results.protocols]
    found += [cost_table(results), deployment_table(results), speedup_table(results), loss_table(results)]
    found += [scaling_table(results), scope_table(results), kernel_table(results), roofline.table(results)]
    found += [floor_table(results), profile_table(results)]
    found += [image_table(results, protocol) for protocol in results.protocols]
    found += [worth_table(results), stress_table(results)]
    found += [gain_table(results, protocol) for protocol in results.protocols]
    found += [problem_table(results), environment_table(results)]
    return [table for table in found if table is not None]


def red_table(results: Results) -> Table | None:
    """Lay RED's Table 1 (Bayer, with GT exposure) beside what was measured; None if nothing of it was."""
    rows = published.load()["red"]
    if not any(row.get("model") in results.models for row in rows):
        return None
    columns = [Column("Method", ("method",), numeric=False)]
    heads = (("Params M", "parameters_m"), ("GMAC", "gmac"), ("Memory GB", "memory_gb"), ("GPU ms", "gpu_ms"),
             ("CPU s", "cpu_s"))  # fmt: skip
    for title, key in heads:
        columns.append(Column("RED", (f"{key}_published",), title))
        columns.append(Column("here", (f"{key}_measured",), title, ("low",), intervals=True))
    columns.append(Column("RED", ("psnr_published", "ssim_published"), "PSNR/SSIM"))
    protocol = with_protocol(results)
    columns.append(_quality_column(protocol, ("psnr_measured", "ssim_measured"), "PSNR/SSIM"))
    columns.append(Column("RED", ("niqe_published", "ma_published"), "NIQE/Ma"))
    body = []
    for row in rows:
        figures, model = row["published"], row.get("model")
        measured = _red_measured(results, model, protocol) if model else [word("–")] * 6
        cells = [with_note(word(row["title"]), row.get("note") if model else "Not a registered method.")]
        for key, here in zip(("parameters", "gmac", "memory", "gpu", "time"), measured, strict=False):
            cells += [printed(figures, key), here]
        cells += [printed(figures, "psnr", "ssim"), measured[5], printed(figures, "niqe", "ma")]
        body.append(tuple(cells))
    caption = " ".join(
        filter(None, (cost_setting(results), data_setting(results, (protocol,)), f"Protocol {protocol}."))
    )
    return ranked(Table("red", "RED's Table 1, published and measured", caption, tuple(columns), tuple(body)))


def _quality_column(title: str, keys: tuple[str, str], group: str) -> Column:
    """PSNR and SSIM: no PSNR is ranked closer than trainings lie apart, and no SSIM."""
    return Column(title, keys, group, ("high", None), intervals=True, floors=(seed_reach(1), 0.0))


def _red_measured(results: Results, model: str, protocol: str) -> list[Entry]:
    return [
        counted(quantities.count(results, model, "parameters"), 1e-6, "{:.3f}"),
        counted(quantities.count(results, model, "gmac"), 1.0, "{:.1f}"),
        figure_entry(quantities.memory(results, model), 1 / GB),
        figure_entry(quantities.latency(results, model, device="cuda"), 1000.0, spread=True),
        figure_entry(quantities.latency(results, model), 1.0, spread=True),
        image_entry(results, model, protocol),
    ]


def ablation_table(results: Results) -> Table | None:
    """Lay the 2020 ablation (UnPack against PixelShuffle) beside what was measured; None without both."""
    rows = published.load()["ablation"]
    protocol = WITHOUT[0]
    if not all(results.scored(row["model"], protocol).ok for row in rows):
        return None
    better, worse = ((row["model"], protocol) for row in rows)
    difference = image_scores.quality_difference(results, better, worse, "psnr")
    body = [
        (
            word(row["title"]),
            printed(row["published"], "psnr", "ssim"),
            image_entry(results, row["model"], protocol),
        )
        for row in rows
    ]
    body.append(
        (
            word("Difference, PSNR over common images"),
            printed(published.load()["ablation_difference"], "psnr"),
            figure_entry(difference, 1.0, 2, spread=True),
        )
    )
    columns = (
        Column("Last step", ("last_step",), numeric=False),
        Column("2020 code", ("psnr_published", "ssim_published"), "PSNR/SSIM"),
        _quality_column(f"here: {protocol}", ("psnr_measured", "ssim_measured"), "PSNR/SSIM"),
    )
    caption = (
        f"The 2020 network with the conv amplifier. Protocol {protocol}. {data_setting(results, (protocol,))}"
    )
    return Table("ablation", "Ablation: UnPack and PixelShuffle compared", caption, columns, tuple(body))


def ratio_table(results: Results, protocol: str) -> Table | None:
    """Means of PSNR and SSIM by exposure ratio under one protocol."""
    shown = [model for model in published.ordered(results.models) if results.scored(model, protocol).ok]
    if not shown:
        return None
    found = sorted({_ratio(r) for model in shown for r in results.scored(model, protocol).ok.values()})
    columns = [Column("Method", ("method",), numeric=False)]
    for ratio in found:
        keys = (f"psnr_x{ratio}", f"ssim_x{ratio}")
        columns.append(_quality_column(f"×{ratio}", keys, "PSNR/SSIM"))
    columns.append(_quality_column("all", ("psnr", "ssim"), "PSNR/SSIM"))
    columns.append(Column("LPIPS", ("lpips",), intervals=True))
    body = []
    for model in shown:
        cells = [image_entry(results, model, protocol, ratio=ratio) for ratio in found]
        cells.append(image_entry(results, model, protocol))
        cells.append(figure_entry(image_scores.quality(results, model, protocol, "lpips"), 1.0))
        body.append((word(published.title(model)), *cells))
    caption = f"Means by exposure ratio. {data_setting(results, (protocol,))}"
    return ranked(
        Table(
            f"ratios-{protocol}",
            f"Quality by exposure ratio: {protocol}",
            caption,
            tuple(columns),
            tuple(body),
        )
    )


def image_table(results: Results, protocol: str) -> Table | None:
    """PSNR of every image and method under one protocol."""
    shown = {model: results.scored(model, protocol) for model in published.ordered(results.models)}
    shown = {model: scored for model, scored in shown.items() if scored.ok}
    if not shown:
        return None
    columns = [Column("Image", ("image",), numeric=False), Column("Ratio", ("ratio",))]
    columns += [Column(published.label(model), (model,), better=("high",)) for model in shown]
    body = []
    for image in results.images(protocol):
        records = [scored.ok.get(image) for scored in shown.values()]
        ratio = next((_ratio(record) for record in records if record is not None), None)
        cells = [
            dash(sentence(scored.failed.get(image, ""))) if record is None else _psnr(record)
            for record, scored in zip(records, shown.values(), strict=True)
        ]
        body.append((word(image), Entry((Part("–" if ratio is None else str(ratio), ratio),)), *cells))
    caption = f"PSNR in dB of each image. {data_setting(results, (protocol,))}"
    return Table(
        f"images-{protocol}", f"PSNR image by image: {protocol}", caption, tuple(columns), tuple(body)
    )


def gain_table(results: Results, protocol: str) -> Table | None:
    """Gains of each image beside the true ratio; None if that, or one for all, was given."""
    if protocol not in protocols.load() or protocols.get(protocol).gain in {"ratio", "constant"}:
        return None
    judged = {model: results.scored(model, protocol).ok for model in published.ordered(results.models)}
    told = {
        model: ok for model, ok in judged.items() if any(record.values.get("gain") for record in ok.values())
    }
    if not told:
        return None
    columns = [Column("Image", ("image",), numeric=False), Column("True ratio", ("ratio",))]
    columns += [Column(published.label(model), (model,)) for model in told]
    body = []
    for image in results.images(protocol):
        records = [ok.get(image) for ok in told.values()]
        ratio = next((_ratio(record) for record in records if record is not None), None)
        cells = [_gain(record) for record in records]
        body.append((word(image), Entry((Part("–" if ratio is None else str(ratio), ratio),)), *cells))
    caption = (
        "What the raw was multiplied by: chosen by the method's own amplifier, or set by the protocol. "
        "The absolute scale of an amplifier's gain means little, since the next layer can absorb any "
        f"factor; what counts is how it follows the ratio. {data_setting(results, (protocol,))}"
    )
    return Table(f"gains-{protocol}", f"Gain of each image: {protocol}", caption, tuple(columns), tuple(body))


def _gain(record: Record | None) -> Entry:
    if record is None or not record.values.get("gain"):
        return dash()
    value = float(record.values["gain"])
    return Entry((Part(compact(value, 3), value),), behind=(record,))


def problem_table(results: Results) -> Table | None:
    """Every cell that gave no figure, with its status and reason; equal ones are counted together."""
    counted_together: Counter[tuple[str, str, str, str]] = Counter()
    for record in results.records:
        if record.status != "ok":
            where = record.cell.protocol or " ".join(
                str(axis) for axis in (record.cell.device, record.cell.runtime, record.cell.precision) if axis
            )
            counted_together[record.cell.model, record.cell.measurement, where, describe(record)] += 1
    if not counted_together:
        return None
    columns = (
        Column("Method", ("method",), numeric=False),
        Column("Measurement", ("measurement",), numeric=False),
        Column("Setting", ("setting",), numeric=False),
        Column("Cells", ("cells",)),
        Column("Status and reason", ("reason",), numeric=False, wraps=True),
    )
    body = [
        (
            word(published.title(model)),
            word(kind),
            word(where),
            Entry((Part(str(count), count),)),
            word(reason),
        )
        for (model, kind, where, reason), count in sorted(counted_together.items())
    ]
    caption = "Tables show a dash for these; nothing is estimated in their place."
    return Table("problems", "Cells without a result", caption, columns, tuple(body))


def environment_table(results: Results) -> Table:
    """List machine and versions as recorded in the result files."""
    columns = (
        Column("Key", ("key",), numeric=False),
        Column("Value", ("value",), numeric=False, wraps=True),
    )
    body = tuple((word(key), word(value)) for key, value in environment_rows(results))
    return Table(ENVIRONMENT, "Environment", "As recorded in the result files.", columns, body)


def _ratio(record: Record) -> int:
    return round(float(record.values["ratio"]))


def _psnr(record: Record) -> Entry:
    value = float(record.values["psnr"])
    return Entry((Part("∞" if value == float("inf") else f"{value:.2f}", value),), behind=(record,))
