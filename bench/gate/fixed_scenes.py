"""Fixed synthetic scenes on which two revisions are compared with the truth and with each other.

They are stored beside this file, so that every machine scores the same images: the two scenes of
`llbench data make --scenes 2 --seed 10 --size 160x240`, each with its short exposures of ratio 100 and 300.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.folder.pairs import Pair
from llpacknet.whole import whole

if TYPE_CHECKING:
    from bench.measure.subjects import Subject

NAME = "gate-scenes"
FOLDER = Path(__file__).parent / "scenes_raw"
SIZE = (160, 240)
# So many values of an image, evenly spread, go into its record.
PIXELS = 2048


def scenes() -> list[Pair]:
    """List the scenes' pairs of exposures."""
    pairs = []
    for short in sorted((FOLDER / "short").glob("*.dng")):
        scene, frame, seconds = short.stem.split("_")
        long = next((FOLDER / "long").glob(f"{scene}_*.dng"))
        long_s = float(long.stem.rpartition("_")[2].removesuffix("s"))
        pairs.append(Pair(scene, frame, float(seconds.removesuffix("s")), long_s, short, long))
    return pairs


def restored(subject: Subject, request: dict[str, Any]) -> dict[str, Any]:
    """Restore one short exposure in a seat, keep the image as it left the network, and score it.

    Args:
        subject: the revision's method.
        request: `short`, `long` (raw files), `ratio` (the gain), `image` (where the restored one goes, as a
            NumPy file of (H, W, 3) float32, unclipped).
    """
    from bench.data.decode.truth import truth
    from bench.metrics import psnr, quantise, ssim
    from bench.records import protocols
    from llpacknet.raw.read import read_raw

    frame = read_raw(Path(request["short"]))
    ratio = float(request["ratio"])
    called = subject.conventions
    given = ratio if called.needs_gain else 1.0
    placed = subject.place(frame, given, called.input_clip)
    output = subject.forward(placed)
    rgb = subject.image(output, *frame.mosaic.shape)
    whole = _raw(output) if subject.network else rgb
    _keep(Path(request["image"]), whole)
    protocol = protocols.default()
    target = truth(Path(request["long"]))
    prediction, reference = (quantise(image, protocol.quantise) for image in (rgb, target))
    data_range = None if prediction.dtype == np.uint8 else 1.0
    decibels = psnr(prediction, reference, data_range)
    return {
        "psnr": "inf" if math.isinf(decibels) else decibels,
        "ssim": ssim(prediction, reference, data_range, definition=protocol.ssim),
        "lpips": None,
        "lpips_reason": "the gate does not need it",
        "gain": subject.chosen_gain(placed, given),
        "ratio": ratio,
        "area_fraction": 1.0,
        # For a baseline that is kept without its images.
        "pixels": whole.reshape(-1)[:: max(whole.size // PIXELS, 1)][:PIXELS].astype(float).round(6).tolist(),
    }


def _raw(output: Any) -> Any:
    return output[0].float().permute(1, 2, 0).contiguous().cpu().numpy()


def _keep(path: Path, image: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as partial, partial.open("wb") as stream:
        np.save(stream, image)
