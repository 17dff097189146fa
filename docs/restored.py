# ruff: noqa: INP001 - a script, no package
"""Writes the README's first image: dark input, LLPackNet, truth, from the images that a run kept.

    python docs/restored.py RUN [--image 11000_00_0.1s] [--protocol NAME]

RUN is what `llbench reproduce`, or `llbench run --predictions`, wrote.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

from bench.records.protocols import default

TARGET = Path(__file__).parent / "images" / "restored.jpg"
WIDTH, GAP = 495, 7
PARTS = ("input", "llpacknet", "truth")


def joined(run: Path, image: str, protocol: str) -> Image.Image:
    """Put the three images side by side, reduced, on white."""
    images = []
    for part in PARTS:
        folder = run / "predictions" if part == "input" else run / "predictions" / protocol
        with Image.open(folder / part / f"{image}.png") as opened:
            whole = opened.convert("RGB")
        height = round(WIDTH * whole.height / whole.width)
        images.append(whole.resize((WIDTH, height), Image.Resampling.LANCZOS))
    sheet = Image.new("RGB", (len(PARTS) * (WIDTH + GAP) - GAP, images[0].height), "white")
    for place, one in enumerate(images):
        sheet.paste(one, (place * (WIDTH + GAP), 0))
    return sheet


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--image", default="11000_00_0.1s")
    parser.add_argument("--protocol", default=default().name, help="under which the image was scored")
    arguments = parser.parse_args()
    joined(arguments.run, arguments.image, arguments.protocol).save(TARGET, quality=90)
