"""Writes images as people bring them to `llbench score`: python scorecases.py FOLDER (numpy, Pillow).

Each folder but the first holds `pred/` and `truth/`.

    sid_final    one folder as SID's test script leaves it: _out, _gt and _scale of three exposures
    sid_split    the same, predictions and truths apart
    alpha        PNG with an alpha channel: opaque in the prediction, in both, half transparent, none
    exif         truths that an EXIF tag turns upright: a square one, one upside down, an oblong one
    profile      truths stored in a space wider than sRGB, with its profile, and a plain one beside it
    plain        two ordinary pairs
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ORIENTATION = 0x0112
SRGB_TO_D50 = np.array(  # linear sRGB to XYZ under D50, as profiles have it
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
WIDE_TO_D50 = np.array(  # a space with the primaries of Adobe RGB (1998)
    [[0.6097559, 0.2052401, 0.1492240], [0.3111242, 0.6256560, 0.0632197], [0.0194811, 0.0608902, 0.7448387]]
)
WIDE_GAMMA = 563 / 256


def pair(seed: int, height: int = 120, width: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """A truth and the same with noise, (H, W, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width][..., None]
    base = 90 + 60 * np.sin(x / 17 + seed) * np.cos(y / 23) * np.array([1, 0.8, 0.6]) + 30 * (x > y)
    truth = np.clip(base, 0, 255).astype(np.uint8)
    return truth, noisy(truth, seed)


def noisy(truth: np.ndarray, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(-12, 13, truth.shape)
    return np.clip(truth.astype(int) + noise, 0, 255).astype(np.uint8)


def save(path: Path, pixels: np.ndarray, **options) -> None:
    """Write an image in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, **options)


def with_alpha(pixels: np.ndarray, alpha: int) -> np.ndarray:
    return np.dstack([pixels, np.full(pixels.shape[:2], alpha, np.uint8)])


def to_wide(pixels: np.ndarray) -> np.ndarray:
    """An sRGB image in the wider space, uint8."""
    v = pixels / 255
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    wide = linear @ (np.linalg.inv(WIDE_TO_D50) @ SRGB_TO_D50).T
    return np.rint(255 * np.clip(wide, 0, 1) ** (1 / WIDE_GAMMA)).astype(np.uint8)


def wide_profile() -> bytes:
    """An ICC profile (version 2, matrix and gamma) of the wider space."""

    def xyz(values) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))

    name = b"Wide RGB\0"
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(WIDE_GAMMA * 256)) + b"\0\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        **{key: xyz(column) for key, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), WIDE_TO_D50.T, strict=True)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    place, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for key, value in tags.items():
        table += key + struct.pack(">II", place + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    head = b"none" + struct.pack(">I", 0x02100000) + b"mntrRGB XYZ "
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp"
    head += bytes(28) + struct.pack(">3i", *(round(v * 65536) for v in (0.9642, 1.0, 0.8249)))
    body = head.ljust(124, b"\0") + struct.pack(">I", len(tags)) + table + data
    return struct.pack(">I", len(body) + 4) + body


def main(root: Path) -> None:
    for scene, ratios in ((10003, (100, 250)), (10045, (300,))):
        for step, ratio in enumerate(ratios):
            truth, pred = pair(scene + step)
            stem = f"{scene}_00_{ratio}"
            save(root / "sid_final" / f"{stem}_out.png", pred)
            save(root / "sid_final" / f"{stem}_gt.png", truth)
            save(root / "sid_final" / f"{stem}_scale.png", truth // 3)
            save(root / "sid_split/pred" / f"{stem}_out.png", pred)
            save(root / "sid_split/truth" / f"{stem}_gt.png", truth)

    truth, pred = pair(1)
    for name, in_pred, in_truth in (
        ("opaque", 255, None),
        ("both", 255, 255),
        ("sheer", 128, None),
        ("none", None, None),
    ):
        save(root / "alpha/pred" / f"{name}.png", pred if in_pred is None else with_alpha(pred, in_pred))
        save(root / "alpha/truth" / f"{name}.png", truth if in_truth is None else with_alpha(truth, in_truth))

    # Stored lying or upside down, with the tag that turns them upright; predictions are stored upright.
    for name, sides, orientation, quarters in (
        ("square", (128, 128), 6, 1),
        ("upside", (120, 160), 3, 2),
        ("oblong", (120, 160), 6, 1),
    ):
        truth, pred = pair(7, *sides)
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        save(root / "exif/pred" / f"{name}.png", pred)
        save(root / "exif/truth" / f"{name}.jpg", np.rot90(truth, quarters), quality=98, exif=exif)

    truth, _ = pair(3)
    grey = truth.mean(-1, keepdims=True)
    truth = np.clip(grey + 2 * (truth - grey), 0, 255).astype(np.uint8)  # vivid, so that the space matters
    pred = noisy(truth, 3)
    for name, pixels, options in (
        ("wide", to_wide(truth), {"icc_profile": wide_profile()}),
        ("srgb", truth, {}),
    ):
        save(root / "profile/pred" / f"{name}.png", pred)
        save(root / "profile/truth" / f"{name}.png", pixels, **options)

    for seed, name in ((4, "street"), (5, "bridge")):
        truth, pred = pair(seed)
        save(root / "plain/pred" / f"{name}.png", pred)
        save(root / "plain/truth" / f"{name}.png", truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
