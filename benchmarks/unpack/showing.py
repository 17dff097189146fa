"""Tables (Markdown, CSV) and a figure of the experiment's results."""

from __future__ import annotations

import csv
import io
from statistics import fmean
from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from bench.records import store
from bench.show.figures import style
from bench.show.tables.numbers import fixed
from benchmarks.unpack import judging
from benchmarks.unpack.arms import ARMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bench.judge.statistics import Estimate
    from benchmarks.unpack.judging import Difference
    from benchmarks.unpack.running import Outcome, Setting

# Of the figure and of the Markdown file.
NAME = "unpack"

DIGITS = 2
# The arms whose curves are drawn: colour, line, words. All of batch 4.
DRAWN = {
    "unpack": ("#D55E00", "-", "UnPack"),
    "unpack-old": ("#0072B2", "-", "UnPack, old form"),
    "pixelshuffle": ("#009E73", "--", "PixelShuffle"),
    "unpack-as-2020": ("#CC79A7", "-", "UnPack, as in 2020"),
    "unpack-old-as-2020": ("#332288", "-", "UnPack, old form, as in 2020"),
}


def write(out: Path, outcomes: Sequence[Outcome], setting: Setting) -> list[Path]:
    """Write `unpack.md`, `arms.csv`, `differences.csv`, `unpack.png` and `.svg` into a folder.

    Returns:
        the files.
    """
    found = judging.differences(outcomes)
    texts = {
        f"{NAME}.md": markdown(outcomes, found, setting),
        "arms.csv": arms_csv(outcomes),
        "differences.csv": differences_csv(found),
    }
    for name, text in texts.items():
        store.replace(out / name, text)
    with style.styled():
        drawings = style.save(draw(outcomes, found), out, NAME)
    return [*(out / name for name in texts), *drawings]


def markdown(outcomes: Iterable[Outcome], found: Iterable[Difference], setting: Setting) -> str:
    """Both tables, with the setting in a sentence before them."""
    arms = judging.of_arms(outcomes)
    rows = []
    for arm in ARMS:
        if arm.name not in arms:
            continue
        finished = [outcome.psnr for outcome in arms[arm.name].values() if outcome.psnr is not None]
        mean = fixed(fmean(finished), DIGITS) if finished else "–"
        lost = len(arms[arm.name]) - len(finished)
        rows.append([*arm.words().values(), str(len(arms[arm.name])), mean, str(lost)])
    words = next(iter(ARMS)).words()
    head = [*words, "seeds", "PSNR dB, mean", "diverged"]
    questions = [
        [
            each.question.text,
            ", ".join(signed(value) for value in each.by_seed.values()) or "–",
            spoken(each.estimate),
            each.verdict,
        ]
        for each in found
    ]
    return (
        f"{setting.steps} steps, patches of {setting.patch}², L1, largest rate {setting.lr:g}; validated on "
        f"{setting.validation_patches} images of {setting.validation_size}².\n\n"
        + _table(head, rows)
        + "\n"
        + _table(["changed", "dB by seed", "together (from … to; kind)", "the change is"], questions)
    )


def spoken(found: Estimate | None) -> str:
    """Figure and ends of a difference in dB, signed, and what kind of ends they are."""
    if found is None:
        return "–"
    if found.low is None or found.high is None:
        return signed(found.value)
    return f"{signed(found.value)} ({signed(found.low)} … {signed(found.high)}; {found.kind})"


def signed(value: float) -> str:
    """Return a difference with its sign; one that rounds to nothing has none."""
    text = fixed(value, DIGITS)
    return f"+{text}" if round(value, DIGITS) > 0 else fixed(round(value, DIGITS) + 0.0, DIGITS)


def arms_csv(outcomes: Iterable[Outcome]) -> str:
    """One row per training."""
    declared = {arm.name: place for place, arm in enumerate(ARMS)}
    ordered = sorted(outcomes, key=lambda each: (declared.get(each.arm, len(declared)), each.seed))
    rows = [
        [
            each.arm,
            each.seed,
            _figure(each.psnr),
            _figure(each.dark),
            each.diverged or "",
            f"{each.seconds:.0f}",
        ]
        for each in ordered
    ]
    return _csv(["arm", "seed", "validation_psnr_db", "dark_share", "diverged", "seconds"], rows)


def differences_csv(found: Iterable[Difference]) -> str:
    """One row per question."""
    rows = [
        [
            each.question.changed,
            each.question.base,
            len(each.by_seed),
            *(_figure(end) for end in (_ends(each.estimate))),
            each.estimate.kind if each.estimate else "",
            each.verdict,
        ]
        for each in found
    ]
    return _csv(["changed", "base", "seeds", "db", "low_db", "high_db", "kind", "verdict"], rows)


def draw(outcomes: Sequence[Outcome], found: Sequence[Difference]) -> Figure:
    """Draw the curves on the left, the differences on the right; call it inside `style.styled()`."""
    figure = style.figure(style.PAGE, 3.2)
    left, right = figure.subplots(1, 2, width_ratios=[1, 1])
    _draw_curves(left, outcomes)
    _draw_differences(right, found)
    if left.lines:
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=len(DRAWN))
    return figure


def _draw_curves(axes: Axes, outcomes: Sequence[Outcome]) -> None:
    arms = judging.of_arms(outcomes)
    for name, (colour, line, words) in DRAWN.items():
        runs = arms.get(name, {}).values()
        for run in runs:
            axes.plot(
                [row[0] for row in run.curve], [row[2] for row in run.curve], line, color=colour, lw=0.5,
                alpha=0.4,
            )  # fmt: skip
        mean = judging.mean_curve(runs)
        if mean:
            axes.plot(*zip(*mean, strict=True), line, color=colour, lw=1.5, label=words)
    axes.set(xlabel="step", ylabel="validation PSNR (dB)", title="Batch 4: thick, mean of the seeds")
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def _draw_differences(axes: Axes, found: Sequence[Difference]) -> None:
    drawn = [each for each in found if each.estimate is not None]
    for row, each in enumerate(drawn):
        value, low, high = _ends(each.estimate)
        if low is not None and high is not None:
            axes.plot([low, high], [row, row], color="#444444", lw=1.2, solid_capstyle="butt")
        if value is not None:
            axes.plot([value], [row], "o", color="#D55E00", ms=4)
        axes.plot(list(each.by_seed.values()), [row] * len(each.by_seed), "|", color="#56B4E9", ms=7)
    axes.axvline(0, color="#444444", lw=0.7)
    axes.set_yticks(range(len(drawn)), [_folded(each.question.text) for each in drawn])
    axes.set_ylim(len(drawn) - 0.5, -0.5)
    axes.set(xlabel="change of PSNR (dB)", title="Difference, its ends, each seed")


def _folded(text: str) -> str:
    """Break a question at its first comma."""
    first, comma, rest = text.partition(", ")
    return f"{first}{comma.strip()}\n{rest}" if comma else text


def _ends(found: Estimate | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if found is None else (found.value, found.low, found.high)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([head, *rows])
    return stream.getvalue()
