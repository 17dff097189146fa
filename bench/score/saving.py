"""What `llbench score` writes and prints: tables of images, of protocols and of the steps between them."""

from __future__ import annotations

import csv
import json
import math
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from bench.judge.waterfall import AXES, Step, Waterfall, changes
from bench.machine.wording import plural
from bench.metrics.definitions import METRICS
from bench.show.figures import style, waterfalls

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


def figure(metric: str, value: float | str | None, sign: str = "") -> str:
    """Write decibels with four digits after the point, else five; a dash where there is no value."""
    if value is None:
        return "–"
    number = float(value)
    digits = 4 if metric == "psnr" else 5
    return f"{number:{sign}.{digits}f}".replace("-", "−") if math.isfinite(number) else "∞"


def image_table(result: dict[str, Any]) -> Table:
    """One row for each image of the chosen protocol, with every metric, and their mean."""
    names = list(result["pictures"][0]["metrics"]) if result["pictures"] else []
    table = Table(title=f"protocol {result['protocol']}: {plural(len(result['pictures']), 'image')}")
    table.add_column("image", no_wrap=True)
    for name in names:
        table.add_column(METRICS[name].title, justify="right")
    for image in result["pictures"]:
        table.add_row(escape(image["name"]), *(figure(name, image["metrics"][name]) for name in names))
    table.add_section()
    table.add_row("mean", *(figure(name, result["mean"]["metrics"][name]) for name in names))
    return table


def protocol_table(result: dict[str, Any]) -> Table:
    """One row for each protocol: how many pairs of its subset are here, and its means."""
    table = Table(title="the same images under every protocol")
    table.add_column("protocol", no_wrap=True)
    for heading in ("pairs here", "pairs in SID", "PSNR dB", "SSIM", "LPIPS"):
        table.add_column(heading, justify="right")
    for name, row in result["protocols"].items():
        figures = (figure(quantity, row[quantity]) for quantity in ("psnr", "ssim", "lpips"))
        table.add_row(name, str(row["pairs"]), str(row["pairs_published"]), *figures)
    return table


def waterfall_table(falls: Sequence[Waterfall]) -> Table:
    """One row for each change from the first protocol to another, and the whole that the parts add up to."""
    quantities = list(dict.fromkeys(fall.quantity for fall in falls))
    table = Table(title="where the difference comes from, one change at a time")
    table.add_column("from → to, and each change")
    for quantity in quantities:
        table.add_column(quantity.upper(), justify="right")
    for end in dict.fromkeys(fall.end for fall in falls):
        _rows_to(end, {fall.quantity: fall for fall in falls if fall.end == end}, quantities, table)
        table.add_section()
    return table


def _rows_to(end: str, group: Mapping[str, Waterfall], quantities: Sequence[str], table: Table) -> None:
    """Add the rows of one protocol; a quantity that it does not have, or that was not computed, is a dash."""
    steps = {(step.axis, q): step for q, fall in group.items() for step in fall.steps}
    start = next(iter(group.values())).start

    def row(label: str, values: Mapping[str, float | None], sign: str = "", style: str = "") -> None:
        table.add_row(label, *(figure(q, values.get(q), sign) for q in quantities), style=style)

    row(f"{start} → {end}", {q: fall.before for q, fall in group.items()}, style="bold")
    for axis in [axis for axis in AXES if any((axis, q) in steps for q in quantities)]:
        step = next(steps[axis, q] for q in quantities if (axis, q) in steps)
        here = {q: steps[axis, q] for q in quantities if (axis, q) in steps}
        table.add_row(f"  {AXES[axis]}: {changes(step)[axis]}", *(_part(q, here.get(q)) for q in quantities))
    some = "known changes" if any(step.part is None for step in steps.values()) else "changes"
    row(f"  sum of the {some}", {q: whole_of(fall) for q, fall in group.items()}, "+")
    row(f"  {end}", {q: fall.after for q, fall in group.items()})
    told = {q: fall.published for q, fall in group.items() if fall.published is not None}
    if told:
        row(f"  published: {next(fall.published_by for fall in group.values() if fall.published_by)}", told)


def remark(falls: Sequence[Waterfall]) -> str:
    """Say what the question marks of `waterfall_table` mean and how to find out; empty if it has none."""
    unknown = {step.axis for fall in falls for step in fall.steps if step.part is None}
    if not unknown:
        return ""
    text = f"?: images do not show what {' and '.join(AXES[axis] for axis in AXES if axis in unknown)} add."
    if unknown <= {"domain"}:
        return text
    return (
        f"{text} To measure what the input adds, restore the raws under two protocols: "
        "llbench run --models MODEL --measure quality --dataset DIR --protocol A,B"
    )


def whole_of(fall: Waterfall) -> float:
    """Sum of a waterfall's known parts."""
    return sum(step.part for step in fall.steps if step.part is not None)


def _part(quantity: str, step: Step | None) -> str:
    if step is None:
        return figure(quantity, None, "+")
    return "?" if step.part is None else figure(quantity, step.part, "+")


def write(out: Path, result: dict[str, Any], falls: Sequence[Waterfall]) -> None:
    """Write scores.json, scores.csv and, for several protocols, waterfall.{csv,png,svg} into a folder."""
    text = json.dumps(result, indent=2, allow_nan=False)
    (out / "scores.json").write_text(text + "\n", encoding="utf-8")
    names = list(result["pictures"][0]["metrics"]) if result["pictures"] else []
    rows = [[image["name"], *(image["metrics"][name] for name in names)] for image in result["pictures"]]
    rows.append(["mean", *(result["mean"]["metrics"][name] for name in names)])
    _write_csv(out / "scores.csv", ["picture", *names], rows)
    if falls:
        heading = ["quantity", "from", "to", "change", "before", "after", "part", "mean", "note"]
        _write_csv(out / "waterfall.csv", heading, _steps(falls))
        with style.styled():
            drawn = waterfalls.draw(falls)
            if drawn is not None:
                style.save(drawn, out, "waterfall")


def _steps(falls: Iterable[Waterfall]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for fall in falls:
        ends = [fall.quantity, fall.start, fall.end]
        rows.append([*ends, "start", "", "", "", fall.before, ""])
        rows += [
            [*ends, step.axis, step.before, step.after, step.part, step.mean, step.note]
            for step in fall.steps
        ]
        rows.append([*ends, "whole", "", "", whole_of(fall), fall.after, ""])
        if fall.published is not None:
            rows.append([*ends, "published", "", "", "", fall.published, fall.published_by])
    return rows


def _write_csv(path: Path, heading: list[str], rows: Iterable[list[Any]]) -> None:
    # A name may hold bytes that are no text.
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heading)
        writer.writerows(rows)
