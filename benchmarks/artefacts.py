"""Measure visible artefacts in restored images: a grid in even areas, and lamps that turned dark.

    python benchmarks/artefacts.py --out FOLDER [--models llpacknet,red] [--weights NAME=FILE] [--scenes 12]
                                   [--size 1424x2128] [--seed 7]

Generate night scenes (`llbench data make`), restore one short exposure of each with every network at the true
ratio (one with an amplifier of its own chooses its gain), and prints for each network the grid at 8 and 16
pixels (`bench.metrics.artefacts.grid_energy`, percent of the range, root mean square over scenes that have
even areas) and how many lamps, and pixels of lamps, are darker than their surroundings. FOLDER/artefacts.json
holds the same; with --crops each network's worst lamp is saved beside it, restored and true.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from baselines.registry import conventions, create, spec
from bench.data.folder.index import index
from bench.metrics.artefacts import grid_energy, lamps
from llpacknet.raw.read import read_raw
from llpacknet.raw.render import render

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.data.folder.pairs import Pair

LEARNED = (
    "llpacknet,llpacknet-2020,llpacknet-2020-conv,llpacknet-pixelshuffle,red,sid-unet,sid-unet+amplifier"
)
PERIODS = (8, 16)
CROP = 192


def restored(name: str, network: Any, pair: Pair) -> NDArray[np.uint8]:
    """Restore a pair's short exposure: (H, W, 3) uint8."""
    called = conventions(name, network)
    mosaic = torch.from_numpy(read_raw(pair.short).normalised())[None, None]
    if called.needs_gain:
        mosaic = mosaic * pair.ratio
    if called.input_clip is not None:
        mosaic = mosaic.clamp(max=called.input_clip)
    with torch.inference_mode():
        rgb = network(mosaic)[0].clamp(0, 1)
    return (rgb * 255).floor().byte().permute(1, 2, 0).contiguous().numpy()


def scenes(folder: Path, count: int, size: str, seed: int) -> list[Pair]:
    """Make the data set unless it is there, and return the darkest first frame of every scene."""
    if not folder.exists():
        make = ["data", "make", "--scenes", str(count), "--seed", str(seed), "--size", size]
        subprocess.run([sys.executable, "-m", "bench", *make, "--out", str(folder)], check=True)
    darkest: dict[str, Pair] = {}
    for pair in index(folder).pairs:
        if pair.scene not in darkest or pair.short_s < darkest[pair.scene].short_s:
            darkest[pair.scene] = pair
    return list(darkest.values())


def main() -> None:
    """Make, restore, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", default=LEARNED)
    parser.add_argument("--weights", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument("--size", default="1424x2128")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--crops", action="store_true", help="write the worst lamp of every network as PNG")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    files = dict(each.split("=", 1) for each in given.weights)
    pairs = scenes(given.out / "scenes", given.scenes, given.size, given.seed)
    truths = [(render(pair.long) >> 8).astype(np.uint8) for pair in pairs]
    table = {}
    for name in given.models.split(","):
        network = create(name, files.get(name, "shipped"))
        images = [restored(name, network, pair) for pair in pairs]
        table[name] = measured(images, truths)
        print(line(name, table[name]), flush=True)
        if given.crops:
            write_crop(given.out / f"{name}.png", images, truths)
    (given.out / "artefacts.json").write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


def measured(images: list[NDArray[np.uint8]], truths: list[NDArray[np.uint8]]) -> dict[str, Any]:
    """Grid and lamps of a network's images."""
    both = list(zip(images, truths, strict=True))
    grid = {}
    for period in PERIODS:
        values = [value for a, b in both if not math.isnan(value := grid_energy(a, b, period))]
        grid[str(period)] = round(math.sqrt(float(np.mean(np.square(values)))), 4) if values else None
    found = [lamp for a, b in both for lamp in lamps(a, b)]
    dark = [asdict(lamp) for lamp in found if lamp.is_dark]
    share = sum(lamp.dark for lamp in found) / max(1, sum(lamp.pixels for lamp in found))
    return {
        "grid_percent": grid,
        "lamps": len(found),
        "dark_lamps": len(dark),
        "dark_pixels_percent": round(100 * share, 2),
        "dark": dark,
    }


def line(name: str, found: dict[str, Any]) -> str:
    """One row of the printed table."""
    grid = "  ".join(f"grid {period}: {value} %" for period, value in found["grid_percent"].items())
    pixels = f"{found['dark_pixels_percent']} % of their pixels"
    return f"{spec(name).title:36} {grid}  dark lamps: {found['dark_lamps']} of {found['lamps']}, {pixels}"


def write_crop(path: Path, images: list[NDArray[np.uint8]], truths: list[NDArray[np.uint8]]) -> None:
    """Write the lamp that is darkest against its surroundings, restored and true, side by side."""
    found = [
        (lamp.inside - lamp.around, number, lamp)
        for number, (image, truth) in enumerate(zip(images, truths, strict=True))
        for lamp in lamps(image, truth)
    ]
    worst = min(found, key=lambda each: each[0], default=None)
    if worst is None:
        return
    _, number, lamp = worst
    top, left = (
        int(np.clip(centre - CROP // 2, 0, side - CROP))
        for centre, side in zip((lamp.row, lamp.column), truths[number].shape, strict=False)
    )
    place = (slice(top, top + CROP), slice(left, left + CROP))
    Image.fromarray(np.concatenate((images[number][place], truths[number][place]), axis=1)).save(path)


if __name__ == "__main__":
    main()
