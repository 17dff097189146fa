"""Generate the scenes that int8 forms are calibrated on, which are part of the package.

`python -m bench.data.making.calibration` rewrites the file. The scenes come from a seed of their own
and are used for nothing else, so that no network is calibrated on what it is scored on. Each is the
centre of a procedural scene, exposed as briefly as SID's; together they cover every kind of scene and all
three ratios.
"""

from __future__ import annotations

import numpy as np

from bench.data.making import camera
from bench.data.making.camera_settings import draw_capture
from bench.data.making.make import clean_mosaic
from bench.data.making.noise_table import sony_a7s2
from llpacknet.runtimes.calibration import FILE

SEED = 20_201_107
SCENES = 12
RENDERED = (712, 1064)
KEPT = (256, 384)


def main() -> None:
    """Write the file that `llpacknet.runtimes.calibration` reads; the same bytes every time."""
    mosaics, ratios = zip(*(scene(number) for number in range(SCENES)), strict=True)
    np.savez_compressed(
        FILE,
        mosaics=np.stack(mosaics),
        ratios=np.array(ratios, np.float32),
        black=camera.BLACK,
        white=camera.WHITE,
    )


def scene(number: int) -> tuple[np.ndarray, float]:
    """(256, 384) uint16 short exposure of scene `number`, and its exposure ratio."""
    capture = draw_capture(SEED, number)
    clean, _ = clean_mosaic(SEED, number, capture, RENDERED)
    top, left = ((whole - kept) // 4 * 2 for whole, kept in zip(RENDERED, KEPT, strict=True))
    part = clean[top : top + KEPT[0], left : left + KEPT[1]]
    ratio = capture.ratio(capture.shorts_s[number % len(capture.shorts_s)])
    rng = np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=(number,)))
    return camera.expose(part, ratio, sony_a7s2().at(capture.iso), rng), ratio


if __name__ == "__main__":
    main()
