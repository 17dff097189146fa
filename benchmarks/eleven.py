"""Scores networks on dark raws that are made from photographs, as the papers score them on SID.

    python benchmarks/eleven.py PHOTOS --out FOLDER [--models llpacknet,llpacknet-2020] [--exposures CSV]
                                [--weights NAME=FILE]

Three verbs in a row: `llbench data redark` exposes the photographs, `llbench run` restores and judges them
under `release2022` (true ratio, truncation to 8 bits), and the table shows every exposure and the mean. A
method with an amplifier of its own gets the mosaic as it is, so that its column is without ground-truth gain.

Without --exposures, photographs that are named like SID's test scenes (10003.jpg) get the exposure times and
ISO of that scene's first frames (`bench/data/facts/sid_test93.csv`): eleven for the scenes 10003, 10011,
10054, 10101, 10176 and 10217, whose truths the authors published with their restorations.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import subprocess
import sys
from importlib import resources
from pathlib import Path

from baselines import spec
from bench.judge.results import Results
from bench.records.protocols import default


def sid_exposures(photos: Path) -> list[dict[str, str]]:
    """SID's first frames of the scenes that photographs are named after, as rows for `--exposures`."""
    text = resources.files("bench.data").joinpath("facts/sid_test93.csv").read_text(encoding="utf-8")
    named = {path.stem: path.name for path in photos.iterdir()}
    rows = []
    for row in csv.DictReader(text.splitlines()):
        scene, _, short = row["short"].removesuffix("s.ARW").split("_")
        if scene in named:
            long = row["long"].removesuffix("s.ARW").split("_")[-1]
            rows.append({"photo": named[scene], "short_s": short, "long_s": long, "iso": row["iso"]})
    return rows


def write_exposures(photos: Path, path: Path) -> None:
    """Write the CSV that `llbench data redark --exposures` reads; exit where it would be empty."""
    rows = sid_exposures(photos)
    if not rows:
        sys.exit(
            f"eleven: no photograph in {photos} is named after a test scene of SID: give --exposures CSV"
        )
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def llbench(*arguments: str) -> None:
    """Run a verb; end as it ends where it fails."""
    status = subprocess.run([sys.executable, "-m", "bench", *arguments], check=False).returncode
    if status:
        sys.exit(status)


def table(results: Results, models: list[str]) -> str:
    """PSNR and gain of each exposure, and the mean, as Markdown."""
    protocol = default().name
    judged = {model: results.pictures(model, protocol) for model in models}
    images = sorted({image for pictures in judged.values() for image in pictures.ok})
    heads = [f"{model} ({'true ratio' if spec(model).needs_gain else 'its own gain'})" for model in models]
    lines = [["exposure", "ratio", *heads], ["---"] + ["---:"] * (len(models) + 1)]
    for image in images:
        found = [judged[model].ok.get(image) for model in models]
        ratio = next(record.values["ratio"] for record in found if record is not None)
        cells = [f"{r.values['psnr']:.2f} (×{r.values['gain']:.0f})" if r else "–" for r in found]
        lines.append([image, f"{ratio:.0f}", *cells])
    means = [statistics.fmean(r.values["psnr"] for r in judged[m].ok.values()) for m in models]
    lines.append(["mean", "", *(f"{mean:.2f}" for mean in means)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Make, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", default="llpacknet")
    parser.add_argument("--exposures", type=Path)
    parser.add_argument("--weights", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if not given.photos.is_dir():
        sys.exit(f"eleven: no such folder of photographs: {given.photos}")
    models = given.models.split(",")
    given.out.mkdir(parents=True, exist_ok=True)
    exposures = given.exposures or given.out / "exposures.csv"
    if given.exposures is None:
        write_exposures(given.photos, exposures)
    dark, judged = given.out / "dark", given.out / "judged"
    redark = ["--exposures", str(exposures), "--seed", str(given.seed), "--out", str(dark)]
    llbench("data", "redark", str(given.photos), *redark)
    weights = [part for one in given.weights for part in ("--weights", one)]
    run = ["--measure", "quality", "--dataset", str(dark), "--protocol", default().name, *weights]
    llbench("run", "--models", given.models, *run, "--out", str(judged), "--predictions", "--resume")
    results = Results.load(judged)
    print(table(results, models))


if __name__ == "__main__":
    main()
