"""Score networks on dark raws made from photographs, as the papers score them on SID.

    python benchmarks/eleven.py PHOTOS --out FOLDER [--models llpacknet,llpacknet-2020] [--exposures CSV]
                                [--weights NAME=FILE ...]

Three verbs in a row: `llbench data redark` exposes the photographs, `llbench run` restores and scores them
under `release2022` (true ratio, truncation to 8 bits), and the table shows every exposure and the mean. A
method with an amplifier of its own gets the unamplified mosaic, so that its column is without ground-truth
gain.

--weights may name several files for one method, one of each training (seed): its column then holds means over
the trainings, and its last line their median with its interval, or their range. FOLDER/trainings.json holds
every figure.

Without --exposures, photographs that are named like SID's test scenes (10003.jpg) get the exposure times and
ISO of that scene's first frames (`bench/data/facts/sid_test93.csv`): eleven for the scenes 10003, 10011,
10054, 10101, 10176 and 10217, whose truths the authors published with their restorations.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
from importlib import resources
from pathlib import Path

from baselines import spec
from bench.data.folder.index import index
from bench.judge.results import Results
from bench.judge.statistics import median
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
    """Write the CSV that `llbench data redark --exposures` reads; exit if it would be empty."""
    rows = sid_exposures(photos)
    if not rows:
        sys.exit(
            f"eleven: no photograph in {photos} has the name of a test scene of SID: give --exposures CSV"
        )
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def llbench(*arguments: str) -> None:
    """Run a verb; exit with its status if it fails."""
    status = subprocess.run([sys.executable, "-m", "bench", *arguments], check=False).returncode
    if status:
        sys.exit(status)


def trainings(given: list[str]) -> list[list[str]]:
    """Sort NAME=FILE into runs: every method's first file, then the second of those that have one."""
    runs: list[list[str]] = [[]]
    seen: dict[str, int] = {}
    for one in given:
        name = one.partition("=")[0]
        number = seen.get(name, 0)
        seen[name] = number + 1
        if number == len(runs):
            runs.append([])
        runs[number].append(one)
    return runs


# Of every method, for each of its trainings: PSNR in dB and gain of each exposure.
Scores = dict[str, list[dict[str, tuple[float, float]]]]


def scores(judged: list[tuple[Results, list[str]]]) -> Scores:
    """Collect what the runs measured; each run is given with its methods."""
    found: Scores = {}
    for results, models in judged:
        for model in models:
            ok = results.scored(model, default().name).ok
            one = {image: (record.values["psnr"], record.values["gain"]) for image, record in ok.items()}
            found.setdefault(model, []).append(one)
    return found


def mean(values: list[float]) -> str:
    """Return the mean of one training, or the median of several with its interval or their range."""
    if len(values) == 1:
        return f"{values[0]:.2f}"
    found = median(values)
    return f"{found.value:.2f} ({found.low:.2f} … {found.high:.2f}; {found.kind} of {len(values)} trainings)"


def table(found: Scores, ratios: dict[str, float]) -> str:
    """PSNR and gain of each exposure, and the mean, as Markdown."""
    heads = [f"{model} ({'true ratio' if spec(model).needs_gain else 'its own gain'})" for model in found]
    lines = [["exposure", "ratio", *heads], ["---"] + ["---:"] * (len(found) + 1)]
    for image, ratio in sorted(ratios.items()):
        cells = []
        for runs in found.values():
            here = [one[image] for one in runs if image in one]
            psnr, gain = (statistics.fmean(values) for values in zip(*here, strict=True)) if here else (0, 0)
            cells.append(f"{psnr:.2f} (×{gain:.0f})" if here else "–")
        lines.append([image, f"{ratio:.0f}", *cells])
    means = [[statistics.fmean(psnr for psnr, _ in one.values()) for one in runs] for runs in found.values()]
    lines.append(["mean", "", *(mean(values) for values in means)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Generate, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", default="llpacknet")
    parser.add_argument("--exposures", type=Path)
    parser.add_argument("--weights", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if not given.photos.is_dir():
        sys.exit(f"eleven: there is no folder of photographs {given.photos}")
    given.out.mkdir(parents=True, exist_ok=True)
    exposures = given.exposures or given.out / "exposures.csv"
    if given.exposures is None:
        write_exposures(given.photos, exposures)
    dark = given.out / "dark"
    redark = ["--exposures", str(exposures), "--seed", str(given.seed), "--out", str(dark)]
    llbench("data", "redark", str(given.photos), *redark)
    judged = []
    for number, weights in enumerate(trainings(given.weights)):
        models = given.models.split(",") if not number else [one.partition("=")[0] for one in weights]
        folder = given.out / ("judged" if not number else f"judged-{number + 1}")
        run = ["--measure", "quality", "--dataset", str(dark), "--protocol", default().name]
        run += [part for one in weights for part in ("--weights", one)]
        llbench("run", "--models", ",".join(models), *run, "--out", str(folder), "--predictions", "--resume")
        judged.append((Results.load(folder), models))
    found = scores(judged)
    (given.out / "trainings.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    ratios = {pair.name: pair.ratio for pair in index(dark).pairs}
    print(table(found, ratios))


if __name__ == "__main__":
    main()
