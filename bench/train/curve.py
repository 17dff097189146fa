"""The log of a training run: one CSV, and an image of it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from llpacknet.whole import whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAME = "log.csv"
COLUMNS = ("step", "loss", "lr", "seconds", "validation_psnr")
# Step, mean loss since the row before, learning rate, seconds of training so far, PSNR where validated.
Row = tuple[int, float, float, float, float | None]


def truncate(folder: Path, step: int) -> None:
    """Drop the rows after `step`, which a resumed run repeats; step 0 starts the file."""
    kept = [row for row in read(folder) if row[0] <= step]
    with whole(folder / NAME) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_texts(row) for row in kept)


def append(folder: Path, row: Row) -> None:
    """Add a row."""
    with (folder / NAME).open("a", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerow(_texts(row))


def read(folder: Path) -> list[Row]:
    """All rows; an empty list where there is no file; a half-written last line is left out."""
    path = folder / NAME
    if not path.is_file():
        return []
    rows: list[Row] = []
    for texts in csv.reader(path.read_text(encoding="utf-8").splitlines()[1:]):
        if len(texts) == len(COLUMNS):
            psnr = float(texts[4]) if texts[4] else None
            rows.append((int(texts[0]), float(texts[1]), float(texts[2]), float(texts[3]), psnr))
    return rows


def gained_late(rows: Sequence[Row], steps: int) -> float | None:
    """Return how much validation PSNR in dB the last third of a run gained; None if that is not known.

    Compared are the best so far at two thirds of the steps and at the end, since the best is what ships.
    """
    early = [psnr for step, _, _, _, psnr in rows if psnr is not None and 3 * step <= 2 * steps]
    late = [psnr for step, _, _, _, psnr in rows if psnr is not None and 3 * step > 2 * steps]
    return max(*early, *late) - max(early) if early and late else None


def draw(folder: Path, title: str) -> Path:
    """Draw loss and validation PSNR over the steps to `curve.png` and return its path."""
    from matplotlib.figure import Figure

    rows = read(folder)
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([row[0] for row in rows], [row[1] for row in rows], color="tab:gray", linewidth=0.8)
    axes.set(xlabel="step", ylabel="training loss", yscale="log", title=title)
    validated = [(row[0], row[4]) for row in rows if row[4] is not None]
    if validated:
        right = axes.twinx()
        right.plot(*zip(*validated, strict=True), color="tab:blue", marker=".", markersize=3)
        right.set_ylabel("validation PSNR, dB", color="tab:blue")
    path = folder / "curve.png"
    figure.savefig(path, dpi=150)
    return path


def _texts(row: Row) -> list[str]:
    step, loss, lr, seconds, psnr = row
    return [str(step), f"{loss:.6g}", f"{lr:.6g}", f"{seconds:.1f}", "" if psnr is None else f"{psnr:.4f}"]
