"""Figures of cost: time with its intervals, memory, runtimes, scaling with resolution and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter

from baselines.paper import FULL_SIZE
from bench.judge import quantities
from bench.judge.quantities import GB
from bench.judge.statistics import over_rounds
from bench.show.figures import style
from bench.show.figures.style import Drawn
from bench.show.tables import published
from bench.show.tables.numbers import with_interval
from bench.show.tables.setting import cost_setting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.judge.results import Results
    from bench.records.cells import Record

INK = "#222222"
# How a published figure is drawn wherever it stands beside a measured one.
PAPER: dict[str, Any] = {"marker": "D", "markersize": 5, "mfc": "white", "mec": INK, "mew": 0.9, "ls": ""}


def latency(results: Results) -> Drawn | None:
    """Draw the time of each method: every round, the median and its interval, beside the paper's figure."""
    rows = [(model, results.cost("latency", model)) for model in published.ordered(results.models)]
    timed = [(model, record) for model, record in rows if not isinstance(record, str)]
    if not timed:
        return None
    timed.sort(key=lambda row: -_seconds(row[1]))
    drawn = style.figure(style.PAGE, 1.0 + 0.27 * len(timed))
    axes = drawn.subplots()
    papers = _published("time") if results.frame() == FULL_SIZE else {}
    beside = axes.get_yaxis_transform()
    for height, (model, record) in enumerate(timed):
        colour, marker = style.look(model, results.models)
        medians = list(quantities.rounds(record).values())
        found = over_rounds(quantities.rounds(record))
        axes.plot(medians, [height - 0.22] * len(medians), "|", color=colour, ms=5, mew=0.8)
        if found.low is not None and found.high is not None:
            axes.plot([found.low, found.high], [height] * 2, color=colour, lw=2.6, solid_capstyle="butt")
        single = bool(record.values.get("single_pass"))
        axes.plot(
            [found.value], [height], marker, color=colour, ms=4.5, mfc="white" if single else colour, mew=1.0
        )
        axes.text(
            1.01, height, f"{with_interval(found, 3)} s", transform=beside, va="center", fontsize=7, color=INK
        )
        if model in papers:
            axes.plot([papers[model]], [height], **PAPER)
    _methods(axes, [model for model, _ in timed])
    _log_seconds(axes, "x")
    axes.set_xlabel("time for one frame (s)")
    handles = [
        Line2D(
            [], [], marker="o", ls="-", lw=2.6, color="#777777", ms=4.5, label="median, interval over rounds"
        ),
        Line2D([], [], marker="|", ls="", color="#777777", ms=6, label="each round"),
        Line2D([], [], marker="o", ls="", mfc="white", mec="#777777", ms=4.5, label="single pass"),
        Line2D([], [], label="paper, Table 1", **PAPER),
    ]
    drawn.legend(handles=handles, loc="outside lower center", ncols=4, columnspacing=1.4, handletextpad=0.5)
    caption = f"Time of one pass. {cost_setting(results)}"
    return Drawn(
        "latency", "Time", caption, "Time of each method on a logarithmic axis, with intervals.", drawn
    )


def memory(results: Results) -> Drawn | None:
    """Draw the peak memory of each method: the forward pass, the whole process, the paper's figure."""
    rows = [(model, results.cost("memory", model)) for model in published.ordered(results.models)]
    peaks = [(model, record) for model, record in rows if not isinstance(record, str)]
    if not peaks:
        return None
    peaks.sort(key=lambda row: -float(row[1].values["run_peak_bytes"]))
    drawn = style.figure(style.PAGE, 1.0 + 0.25 * len(peaks))
    axes = drawn.subplots()
    papers = _published("memory") if results.frame() == FULL_SIZE else {}
    beside = axes.get_yaxis_transform()
    for height, (model, record) in enumerate(peaks):
        colour, _ = style.look(model, results.models)
        peak = quantities.peak(results, record).estimate
        run = (peak.value if peak is not None else 0.0) / GB
        whole = float(record.values["process_peak_bytes"]) / GB
        axes.barh(height, whole, height=0.62, color="#e4e4e4", lw=0)
        axes.barh(height, run, height=0.62, color=colour, alpha=0.8, lw=0)
        axes.text(1.01, height, f"{run:.2f} GB", transform=beside, va="center", fontsize=7, color=INK)
        if model in papers:
            axes.plot([papers[model]], [height], **PAPER)
    _methods(axes, [model for model, _ in peaks])
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("peak memory (GB, 1e9 bytes)")
    handles = [
        Patch(color="#777777", label="forward pass (labelled)"),
        Patch(color="#e4e4e4", label="whole process"),
        Line2D([], [], label="paper, Table 1", **PAPER),
    ]
    drawn.legend(handles=handles, loc="outside lower center", ncols=3)
    methods = sorted({str(record.values.get("method")) for _, record in peaks})
    caption = f"Peak memory, measured by {' and '.join(methods)}. {cost_setting(results)}"
    return Drawn(
        "memory", "Memory", caption, "Peak memory of each method as bars, beside the paper's.", drawn
    )


def runtimes(results: Results) -> Drawn | None:
    """Draw time by runtime and precision for each method that was timed in several; None without any."""
    frame = results.frame()
    threads = None if frame is None else results.threads("cpu", frame)
    groups: dict[str, list[Record]] = {}
    for record in results.of("latency"):
        main = (record.cell.height, record.cell.width) == frame and record.cell.threads == threads
        if record.status == "ok" and main and record.cell.device == "cpu":
            groups.setdefault(record.cell.model, []).append(record)
    groups = {model: records for model, records in groups.items() if len({_form(r) for r in records}) > 1}
    if not groups:
        return None
    rows = [
        (model, record)
        for model in reversed(published.ordered(groups))
        for record in sorted(groups[model], key=_seconds)
    ]
    drawn = style.figure(style.PAGE, 0.8 + 0.2 * len(rows))
    axes = drawn.subplots()
    labels = []
    for height, (model, record) in enumerate(rows):
        colour, _ = style.look(model, results.models)
        seconds = _seconds(record)
        plain = record.cell.runtime == "published"
        axes.barh(height, seconds, height=0.7, color=colour, alpha=0.45 if plain else 0.9, lw=0)
        axes.text(seconds, height, f" {seconds:.3g}", va="center", fontsize=6.5, color=INK)
        labels.append(f"{published.label(model)}: {_form(record)}")
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.grid(axis="y", visible=False)
    _log_seconds(axes, "x")
    axes.set_xlabel("time for one frame (s)")
    caption = (
        f"Time in every runtime and precision; the published form is shown pale. {cost_setting(results)}"
    )
    return Drawn(
        "runtimes", "Runtimes and precisions", caption, "Time by runtime and precision as bars.", drawn
    )


def resolution(results: Results) -> Drawn | None:
    """Draw time and memory against megapixels for methods measured at several sizes; None without any."""
    time = _sweep(results, "latency", "megapixels")
    peaks = _sweep(results, "memory", "megapixels")
    if not time and not peaks:
        return None
    drawn = style.figure(style.PAGE, 3.0)
    left, right = drawn.subplots(1, 2)
    for axes, series, label in ((left, time, "time (s)"), (right, peaks, "peak memory (GB)")):
        _lines(axes, series, results)
        axes.set_xscale("log")
        axes.set_yscale("log")
        style.plain_log(axes.xaxis, axes.yaxis)
        axes.set_xlabel("megapixels")
        axes.set_ylabel(label)
    (left if time else right).legend(fontsize=7)
    caption = "Time and peak memory against the size of the frame; both axes are logarithmic."
    return Drawn(
        "resolution", "Scaling with resolution", caption, "Time and memory against megapixels.", drawn
    )


def threads(results: Results) -> Drawn | None:
    """Draw time against threads for methods timed with several; None without any."""
    series = _sweep(results, "latency", "threads")
    if not series:
        return None
    drawn = style.figure(style.COLUMN, 2.8)
    axes = drawn.subplots()
    _lines(axes, series, results)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    counts = sorted({int(x) for points in series.values() for x, _ in points})
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.xaxis.set_minor_formatter(NullFormatter())
    style.plain_log(axes.yaxis)
    axes.set_xlabel("threads")
    axes.set_ylabel("time (s)")
    axes.legend(fontsize=7)
    return Drawn("threads", "Scaling with threads", "Time against threads.", "Time against threads.", drawn)


def _sweep(results: Results, kind: str, axis: str) -> dict[str, list[tuple[float, float]]]:
    """Points (size or threads, seconds or GB) of each method with more than one, the other axis fixed."""
    frame = results.frame()
    most = None if frame is None else results.threads("cpu", frame)
    series: dict[str, dict[float, float]] = {}
    for record in results.of(kind):
        cell = record.cell
        if record.status != "ok" or cell.device != "cpu" or not cell.height or not cell.width:
            continue
        if cell.precision not in {"fp32", None} or cell.runtime not in {"published", "eager", None}:
            continue
        fixed = cell.threads == most if axis == "megapixels" else (cell.height, cell.width) == frame
        if not fixed or (axis == "threads" and cell.threads is None):
            continue
        x = cell.height * cell.width / 1e6 if axis == "megapixels" else float(cell.threads or 0)
        y = _seconds(record) if kind == "latency" else float(record.values["run_peak_bytes"]) / GB
        points = series.setdefault(cell.model, {})
        if x not in points or cell.runtime == "published":
            points[x] = y
    return {
        model: sorted(series[model].items()) for model in published.ordered(series) if len(series[model]) > 1
    }


def _lines(axes: Axes, series: dict[str, list[tuple[float, float]]], results: Results) -> None:
    for model, points in series.items():
        colour, marker = style.look(model, results.models)
        axes.plot(
            *zip(*points, strict=True),
            marker=marker,
            color=colour,
            ls=style.LINES.get(model, "-"),
            lw=1.1,
            ms=4,
            label=published.label(model),
        )


def _seconds(record: Record) -> float:
    return over_rounds(quantities.rounds(record)).value


def _form(record: Record) -> str:
    return f"{record.cell.runtime} {record.cell.precision}"


def _published(key: str) -> dict[str, float]:
    rows = published.load()["table1"]
    return {row["cost"][0]: float(row["published"][key]) for row in rows if "published" in row}


def _methods(axes: Axes, models: list[str]) -> None:
    axes.set_yticks(range(len(models)), [published.label(model) for model in models])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.6, len(models) - 0.4)


def _log_seconds(axes: Axes, which: str) -> None:
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low, high * 1.25)
    style.plain_log(axes.xaxis if which == "x" else axes.yaxis)
