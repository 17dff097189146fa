"""Table cells from measured and published figures, with the footnotes that qualify them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import baselines
from bench.judge import image_scores
from bench.judge.results import NOT_MEASURED, scene
from bench.judge.statistics import clustered_mean
from bench.records.cells import Cell, Record
from bench.show.tables import published
from bench.show.tables.layout import Entry, Part, dash
from bench.show.tables.numbers import plain, with_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.judge.quantities import Measured
    from bench.judge.results import Results
    from bench.judge.statistics import Estimate

# Footnotes for the marks of `bench.judge.quantities.Measured`.
NOTES = {
    "single-pass": "Timed in a single pass because it was predicted to be slow; its spread is unknown.",
    "sampled": "Sampled every millisecond because the kernel keeps no peak: a short peak can be missed.",
    "central-part": "Scored on the central part of the images only; not ranked.",
    "unfinished": "Its weights come from an unfinished training; not ranked.",
    "unequal": "Not trained on the same terms as the others; not ranked.",
    "random": "Its weights are random: train it (llbench train), then use --weights NAME=FILE; not ranked.",
}
_NONE = Record(Cell("", "quality"), "skipped")


def printed(figures: dict[str, str], *keys: str) -> Entry:
    """Return published figures as printed; a dash where the source has none."""
    if not any(key in figures for key in keys):
        return dash()
    return Entry(tuple(Part(figures[key], published.figure(figures[key])) for key in keys))


def figure_entry(
    found: Measured,
    scale: float,
    most: int = 3,
    *,
    is_ranked: bool = False,
    spread: bool = False,
    one_form: bool = False,
) -> Entry:
    """Return a measured figure, rounded from its uncertainty.

    Args:
        found: the quantity.
        scale: factor from its unit to the table's.
        most: most decimals to print.
        is_ranked: whether it takes part in the column's ranking.
        spread: whether to print its interval beside it.
        one_form: whether the method has no published form beside the eager one (a classical method).
    """
    if found.estimate is None:
        return dash(sentence(found.reason))
    notes = [NOTES[mark] for mark in found.marks if mark in NOTES]
    runtime = next((mark for mark in found.marks if mark not in NOTES and mark != "incomplete"), None)
    if runtime is not None and not one_form:
        notes.append(f"In the {runtime} runtime: the published form was not measured.")
    shown = found.estimate.scaled(scale)
    text = with_interval(shown, most) if spread else plain(shown, most)
    return Entry((part(shown, text, is_ranked=is_ranked),), tuple(notes), behind=found.behind)


def counted(found: Measured, scale: float, form: str) -> Entry:
    """Return an exact count; it always takes part in the ranking."""
    if found.estimate is None:
        return dash(sentence(found.reason))
    shown = found.estimate.scaled(scale)
    return Entry((part(shown, form.format(shown.value), is_ranked=True),), behind=found.behind)


def image_entry(
    results: Results, model: str, protocol: str, *, is_ranked: bool = True, ratio: int | None = None
) -> Entry:
    """PSNR / SSIM of a method under a protocol, over all its images or those of one exposure ratio."""
    scored = results.scored(model, protocol)
    ok = {
        image: record
        for image, record in scored.ok.items()
        if ratio is None or round(float(record.values["ratio"])) == ratio
    }
    if not ok:
        return dash(sentence(scored.reason))
    marks = image_scores.image_marks(ok)
    notes = [NOTES[mark] for mark in marks if mark in NOTES]
    asked = results.images(protocol)
    whole = len(scored.ok) == len(asked)
    if not whole and ratio is None:
        why = f": {scored.reason}" if scored.failed else ""
        notes.append(f"Mean over {len(scored.ok)} of {len(asked)} images; not ranked{why}.")
    scenes = {image: scene(image) for image in ok}
    parts = []
    for metric, most in (("psnr", 2), ("ssim", 3)):
        mean = clustered_mean({image: float(record.values[metric]) for image, record in ok.items()}, scenes)
        parts.append(part(mean, plain(mean, most), is_ranked=is_ranked and whole and not marks))
    return Entry(tuple(parts), tuple(notes), behind=tuple(ok.values()))


def part_entry(
    results: Results, model: str, protocol: str, images: Sequence[str], *, is_ranked: bool = True
) -> Entry:
    """PSNR / SSIM of a method on the part of some images that every method of a column was scored on.

    Ranked where the method has all of them. A network that restores the part alone adds a margin that makes
    it the whole frame's; a classical method does not, which a footnote says.
    """
    scored = results.scored(model, protocol)
    ok = {image: scored.ok[image] for image in images if "part" in scored.ok.get(image, _NONE).values}
    if not ok:
        return dash(sentence(scored.reason))
    whole = len(ok) == len(images)
    marks = [mark for mark in image_scores.image_marks(ok) if mark != "central-part"]
    notes = [NOTES[mark] for mark in marks if mark in NOTES]
    if not whole:
        notes.append(f"Mean over {len(ok)} of {len(images)} images; not ranked.")
    alone = any(record.values["area_fraction"] != 1 for record in ok.values())
    if alone and baselines.spec(model).kind == "classical":
        notes.append(
            "Restored only this part of the image, for which it may estimate a different illumination."
        )
    scenes = {image: scene(image) for image in ok}
    parts = []
    for metric, most in (("psnr", 2), ("ssim", 3)):
        values = {image: float(record.values["part"][metric]) for image, record in ok.items()}
        mean = clustered_mean(values, scenes)
        ranked = is_ranked and whole and not marks
        parts.append(part(mean, plain(mean, most), is_ranked=ranked))
    return Entry(tuple(parts), tuple(notes), behind=tuple(ok.values()))


def common_images(results: Results, protocol: str) -> list[str]:
    """Name the images whose part every method was scored on that was scored on the part of any."""
    found: set[str] | None = None
    for model in results.models:
        ok = results.scored(model, protocol).ok
        scored = {image for image, record in ok.items() if "part" in record.values}
        if scored:
            found = scored if found is None else found & scored
    return sorted(found or ())


def part(found: Estimate, text: str, *, is_ranked: bool) -> Part:
    """Make a measured figure a part of a cell."""
    return Part(text, found.value, found.low, found.high, ranked=is_ranked)


def with_note(entry: Entry, note: str | None) -> Entry:
    """Add a footnote to a cell."""
    return entry if note is None else replace(entry, notes=(*entry.notes, note))


def sentence(reason: str) -> str:
    """Return a reason as a footnote: a capital at its start and a full stop at its end."""
    text = reason or NOT_MEASURED
    return f"{text[0].upper()}{text[1:].rstrip('.')}."
