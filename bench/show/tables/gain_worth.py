"""The table of what knowing the exposure ratio is worth, and what Table 1's caption says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.judge.amplification import SOURCES, worth
from bench.judge.evidence import CONSTANT
from bench.show.tables import published
from bench.show.tables.layout import Column, Entry, Part, Table, dash, word
from bench.show.tables.setting import data_setting

if TYPE_CHECKING:
    from bench.judge.amplification import At
    from bench.judge.results import Results

CAPTION = (
    "Mean PSNR in dB and rms brightness error in stops, over the {count} images that all methods "
    "have. One gain for all is the geometric mean of the exposure ratios in SID's "
    "training list (protocol paper2020-constant), the gain from the mean level a fixed line fitted to SID's "
    "test frames (paper2020-level)."
)


def worth_table(results: Results) -> Table | None:
    """One row per method, one column for each source of a gain; None if no control was scored."""
    found = worth(results)
    if found is None:
        return None
    shown = {key for sources in found.methods.values() for key in sources}
    columns = [Column("Method", ("method",), numeric=False)]
    names = {key: key.replace("-", "_") for key in SOURCES}
    kept = [key for key in SOURCES if key in shown]
    columns += [
        Column(SOURCES[key], (f"psnr_{names[key]}", f"stops_{names[key]}"), "dB / stops, gain:")
        for key in kept
    ]
    body = [
        (word(published.title(model)), *(_entry(found.methods[model].get(key)) for key in kept))
        for model in published.ordered(found.methods)
    ]
    caption = f"{CAPTION.format(count=len(found.images))} {data_setting(results, (CONSTANT,))}"
    title = "What knowing the exposure ratio is worth"
    return Table("gain-worth", title, caption, tuple(columns), tuple(body))


def control_sentence(results: Results) -> str:
    """Say what methods get without any amplifier, for the caption of a table without GT exposure."""
    found = worth(results)
    if found is None:
        return ""
    at = {model: sources[CONSTANT] for model, sources in found.methods.items() if CONSTANT in sources}
    if not at:
        return ""
    figures = ", ".join(f"{published.label(model)} {at[model].psnr:.1f}" for model in published.ordered(at))
    return f"Control without GT exposure, PSNR at one gain for all images ({CONSTANT}): {figures} dB."


def _entry(found: At | None) -> Entry:
    if found is None:
        return dash()
    stops = Part("–") if found.stops is None else Part(f"{found.stops:.2f}", found.stops)
    return Entry((Part(f"{found.psnr:.2f}", found.psnr), stops), behind=found.behind)
