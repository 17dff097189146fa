"""The table of the stress set: what a black level that is off does to each method."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from bench.judge.results import number
from bench.records import protocols
from bench.records.cells import STRESS
from bench.show.tables import published
from bench.show.tables.layout import Column, Entry, Part, Table, word

if TYPE_CHECKING:
    from bench.judge.results import Results
    from bench.records.cells import Record

CAPTION = (
    "Mean PSNR in dB of the same synthetic images with the black level of every short frame wrong by "
    "-2 to +2.9 digital numbers (drawn uniformly; this suite's choice, after the range of PMN's "
    "calibration), and correct. Protocol {protocol}; images: {count}."
)


def stress_table(results: Results) -> Table | None:
    """One row per method that was scored on a stress set and on the same images without it; else None."""
    protocol = protocols.default().name
    rows = []
    count = 0
    for model in published.ordered(results.models):
        plain = results.scored(model, protocol).ok
        stressed = {str(one.cell.image): one for one in _stressed(results, model, protocol)}
        common = sorted(set(plain) & set(stressed))
        if not common:
            continue
        count = max(count, len(common))
        sides = [[found[image] for image in common] for found in (plain, stressed)]
        means = [fmean(number(one.values["psnr"]) for one in side) for side in sides]
        parts = (*means, means[1] - means[0])
        behind = tuple(record for side in sides for record in side)
        cells = [Entry((Part(f"{value:.2f}".replace("-", "−"), value),), behind=behind) for value in parts]
        rows.append((word(published.title(model)), *cells))
    if not rows:
        return None
    columns = (
        Column("Method", ("method",), numeric=False),
        Column("correct", ("psnr",), "PSNR dB"),
        Column("wrong black level", ("psnr_stress",), "PSNR dB"),
        Column("difference", ("difference",), "PSNR dB"),
    )
    caption = CAPTION.format(protocol=protocol, count=count)
    return Table("stress-black", "Stress: wrong black level", caption, columns, tuple(rows))


def _stressed(results: Results, model: str, protocol: str) -> list[Record]:
    return [
        one
        for one in results.of("quality", model)
        if one.status == "ok" and one.cell.protocol == protocol and STRESS in str(one.cell.dataset)
    ]
