# ruff: noqa: INP001 - a script, no package
"""Writes docs/gallery.md and its images: three photographs in the dark, as every method restores them.

    python docs/gallery.py PHOTOS WORK

PHOTOS is what `python -m bench.train.gather` filled, WORK an empty folder for the raws and the results, or
one to continue with. Every method that needs no weights or has shipped ones is in it; the next to get weights
joins when this runs again. The scenes are among the photographs that nothing was trained on.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from baselines import names, spec, weights_path
from bench.judge.results import Results
from bench.records.protocols import default
from bench.show.figures import restored
from bench.train import photo_pool
from llpacknet.loading import sha256

if TYPE_CHECKING:
    from bench.show.figures.restored import Shot
    from bench.train.photo_pool import Photograph

DOCS = Path(__file__).parent
IMAGES = DOCS / "images" / "gallery"
# Columns and rows of a scene.
SIZE = (1200, 800)
SHOWN = (480, 320)
COLUMNS = 3
# What a person sees in the images, for LLPackNet's weights of that hash alone (its beginning).
REMARKS = {
    "8a12d9d5": """\
What a person sees: LLPackNet turns the saturated magenta of the first scene red, and softens hair and
grass; its grid hardly shows, that of the three forms of 2020 does, in bright uniform areas. RED keeps more
texture, and grain in skies and shadows. SID U-Net, with and without amplifier, keeps blotches of colour in
the shadows: it was not [trained on the same terms](training.md#the-weights-that-are-shipped). DID computes
ninety times as much as LLPackNet. Methods that find the gain themselves assume that these photographs, taken
by day, show darker nights than they do.
""",
}

SOURCES = {
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
}


@dataclass(frozen=True)
class Scene:
    """One photograph and how it is exposed.

    Attributes:
        file: its name among the photographs.
        title: what it shows.
        box: the part that is shown, as shares of the photograph: left, top, right; its height follows.
        short_s: short exposure in seconds.
        long_s: long exposure in seconds.
        iso: sensitivity.
    """

    file: str
    title: str
    box: tuple[float, float, float]
    short_s: float
    long_s: float
    iso: int


SCENES = (
    Scene("Picture_1A_by_freespace.jpg", "Brushes", (0.0, 0.05, 1.0), 0.1, 10, 1600),
    Scene("friends_by_Aitzol_Berasategi.jpg", "Friends", (0.0, 0.15, 1.0), 0.04, 10, 3200),
    Scene("sunset_by_Aitzol_Berasategi.jpg", "Sunset", (0.0, 0.0, 1.0), 0.1, 30, 800),
)


def main(photos: Path, work: Path) -> None:
    """Expose, restore, compose, write the page."""
    listed = {each.file: each for each in photo_pool.listed(photos)}
    credited = [_held_out(listed, scene) for scene in SCENES]
    prepare(photos, work)
    methods = ",".join(name for name in names() if spec(name).kind == "classical" or weights_path(name))
    results = work / "results"
    _llbench(
        *("data", "redark", str(work / "scenes"), "--exposures", str(work / "exposures.csv")),
        *("--out", str(work / "dark")),
    )
    _llbench(
        *("run", "--models", methods, "--measure", "quality", "--dataset", str(work / "dark")),
        *("--protocol", default().name, "--predictions", "--resume", "--timeout", "3600"),
        *("--out", str(results)),
    )
    found = restored.kept(results, Results.load(results), len(SCENES))
    parts = [
        section(scene, credit, shots)
        for scene, credit, shots in zip(SCENES, credited, found.values(), strict=True)
    ]
    (DOCS / "gallery.md").write_text(head() + "".join(parts), encoding="utf-8")


def prepare(photos: Path, work: Path) -> None:
    """Cut the scenes out of the photographs, sharp at their new size, and write how they are exposed."""
    (work / "scenes").mkdir(parents=True, exist_ok=True)
    rows = []
    for number, scene in enumerate(SCENES):
        with Image.open(photos / scene.file) as photograph:
            left, top, right = (
                round(share * photograph.size[place % 2]) for place, share in enumerate(scene.box)
            )
            bottom = top + (right - left) * SIZE[1] // SIZE[0]
            cut = photograph.convert("RGB").crop((left, top, right, bottom))
        # A five-digit name is kept as the scene's id, which keeps the order of SCENES.
        name = f"{11000 + number}.png"
        cut.resize(SIZE, Image.Resampling.LANCZOS).save(work / "scenes" / name)
        rows.append([name, scene.short_s, scene.long_s, scene.iso])
    with (work / "exposures.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["photo", "short_s", "long_s", "iso"], *rows])


def head() -> str:
    """Return what stands above the scenes."""
    weights = weights_path("llpacknet")
    remark = REMARKS.get(sha256(weights)[:8], "") if weights else ""
    return f"""# Gallery

*Written by `python docs/gallery.py PHOTOS WORK`; do not edit it by hand.*

Three photographs that no weights here were trained on, exposed by the [camera model](data.md#the-camera) for
a tenth of a second or less, and restored by every method that needs no weights or has
[trained ones](training.md). Each image shows the whole scene above, and a part of it at full resolution
below. Methods without their own amplifier got the true exposure ratio (protocol `{default().name}`); the
figures are PSNR and SSIM of the whole scene. The dark input is shown as LibRaw renders it.

{remark}
The photographs were cropped, reduced, exposed and restored for this page; the results keep their licences.
"""


def section(scene: Scene, credit: Photograph, shots: list[Shot]) -> str:
    """Write a scene's images and return its part of the page."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    row, column, side, _ = restored.place(shots)
    left = min(max(column + side // 2 - SHOWN[0] // 2, 0), SIZE[0] - SHOWN[0])
    top = min(max(row + side // 2 - SHOWN[1] // 2, 0), SIZE[1] - SHOWN[1])
    cells = []
    for shot in shots:
        name = f"{scene.title.lower()}-{shot.model}.jpg"
        image = shot.open()
        pair = Image.new("RGB", (SHOWN[0], 2 * SHOWN[1] + 4), "white")
        pair.paste(image.resize(SHOWN, Image.Resampling.LANCZOS), (0, 0))
        pair.paste(image.crop((left, top, left + SHOWN[0], top + SHOWN[1])), (0, SHOWN[1] + 4))
        pair.save(IMAGES / name, quality=84, optimize=True)
        score = f"<br>{shot.score}" if shot.score else ""
        cells.append((f"![{scene.title}: {shot.title}](images/gallery/{name})", f"{shot.title}{score}"))
    licence = f"[{credit.licence}]({SOURCES[credit.licence]})"
    ratio = scene.long_s / scene.short_s
    return (
        f"\n## {scene.title}\n\n{scene.short_s:g} s at ISO {scene.iso} instead of {scene.long_s:g} s "
        f"(ratio {ratio:g}). Photograph: {credit.author}, {licence}.\n\n{_grid(cells)}"
    )


def _grid(cells: list[tuple[str, str]]) -> str:
    """Lay cells out in a Markdown table: a row of images, below it what they are."""
    lines = []
    for start in range(0, len(cells), COLUMNS):
        row = cells[start : start + COLUMNS]
        row += [("", "")] * (COLUMNS - len(row))
        lines += [[one for one, _ in row], [two for _, two in row]]
    lines.insert(1, [":---:"] * COLUMNS)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _held_out(listed: dict[str, Photograph], scene: Scene) -> Photograph:
    if scene.file not in listed or listed[scene.file].use != "validation":
        sys.exit(f"gallery: {scene.file} is not among the photographs that are held out from training")
    return listed[scene.file]


def _llbench(*arguments: str) -> None:
    status = subprocess.run([sys.executable, "-m", "bench", *arguments], check=False).returncode
    if status:
        sys.exit(status)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
