# ruff: noqa: INP001 - a script, no package
"""Draws docs/images/scene_statistics.png: synthetic scenes beside photographs, and a page of twelve scenes.

    python docs/scene_statistics.py PHOTOGRAPHS DATASET docs/images

PHOTOGRAPHS is a folder of rendered photographs of SID, DATASET one that `llbench data make` wrote; the long
exposures are rendered by rawpy and treated like the photographs. Numbers go to scene_statistics.csv.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from PIL import Image

from bench.data.folder.index import index
from docs.image_statistics import gradient_kurtosis, luminance, power_spectrum, spectrum_slope
from llpacknet.raw.render import render

mpl.use("Agg")
COLOURS = {"photograph of SID": "tab:orange", "synthetic scene": "tab:blue"}
PAGE = 12


def main(photographs: Path, dataset: Path, out: Path) -> None:
    """Measure both sets, draw, and write the numbers."""
    out.mkdir(parents=True, exist_ok=True)
    measured = [
        measure("photograph of SID", path.stem, np.asarray(Image.open(path)))
        for path in sorted(photographs.glob("*.jpg"))
    ]
    thumbnails = []
    for path in sorted({pair.long for pair in index(dataset).pairs})[:PAGE]:
        image = (render(path) >> 8).astype(np.uint8)
        measured.append(measure("synthetic scene", path.stem, image))
        thumbnails.append(Image.fromarray(image).resize((420, 281), Image.Resampling.LANCZOS))
    draw(measured, out / "scene_statistics.png")
    page(thumbnails, out / "scenes.jpg")
    with (out / "scene_statistics.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["set", "image", "spectrum_slope", "gradient_kurtosis", "median_luminance"])
        for kind, name, _, slope, kurtosis, median in measured:
            writer.writerow([kind, name, f"{slope:.3f}", f"{kurtosis:.1f}", f"{median:.3f}"])


def measure(kind: str, name: str, image: np.ndarray) -> tuple:
    """Spectrum, its slope, gradient kurtosis and median luminance of one image."""
    plane = luminance(image)
    found = (power_spectrum(plane), spectrum_slope(plane), gradient_kurtosis(plane), float(np.median(plane)))
    print(kind, name, f"{found[1]:.2f} {found[2]:.0f} {found[3]:.3f}", flush=True)
    return kind, name, *found


def draw(measured: list[tuple], target: Path) -> None:
    """Spectra on the left, slope against kurtosis on the right."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for kind, colour in COLOURS.items():
        mine = [each for each in measured if each[0] == kind]
        for number, (_, _, (frequency, power), *_) in enumerate(mine):
            middle = np.interp(np.log(0.03), np.log(frequency), np.log(power))
            left.loglog(
                frequency,
                power / np.exp(middle),
                color=colour,
                lw=1,
                alpha=0.7,
                label=None if number else kind,
            )
        right.scatter([each[3] for each in mine], [each[4] for each in mine], color=colour, label=kind)
    left.set(
        xlabel="cycles per pixel",
        ylabel="power (1 at 0.03 cycles per pixel)",
        title="power spectrum of luminance",
    )
    right.set(xlabel="slope of the spectrum, 0.005 to 0.25 cycles per pixel", ylabel="kurtosis of gradients")
    right.set(yscale="log", title="two numbers per image")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(target, dpi=110)


def page(thumbnails: list[Image.Image], target: Path) -> None:
    """Four columns of small images."""
    width, height = thumbnails[0].size
    sheet = Image.new("RGB", (4 * width, -(-len(thumbnails) // 4) * height))
    for place, thumbnail in enumerate(thumbnails):
        sheet.paste(thumbnail, (place % 4 * width, place // 4 * height))
    sheet.save(target, quality=85)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
