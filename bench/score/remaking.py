"""Generate the synthetic images behind someone else's results again.

The same seed and size give the same synthetic files, so they need not be sent. Results record the arguments
of `llbench data make`; for older ones, which do not, the defaults of the main job are tried. A hash shows
whether the files are those behind a result.
"""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from baselines.paper import FULL_SIZE
from bench.data.making.camera import BLACK_OFFSETS
from bench.data.making.exposures import FIRST_ID
from bench.data.making.make import make
from bench.judge.results import scene
from bench.records.cells import STRESS
from bench.run.request import SEED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.data.folder.pairs import Dataset
    from bench.records.cells import Record

    # Gives what is called with the number of files made and of all.
    Making = Callable[[], AbstractContextManager[Callable[[int, int], None]]]

_MADE = "made-"


def recipe(record: Record, records: Sequence[Record]) -> dict[str, Any] | None:
    """Return the arguments of `llbench data make` that give a result's images.

    Args:
        record: of an image.
        records: all records of its results.

    Returns:
        None for images that do not come from `data make`.
    """
    known = record.provenance.get("recipe")
    if known:
        return dict(known)
    name = str(record.cell.dataset)
    if not name.startswith(_MADE):
        return None
    timed = [(one.cell.height, one.cell.width) for one in records if one.cell.measurement == "latency"]
    ((height, width), _) = Counter(timed or [FULL_SIZE]).most_common(1)[0]
    offsets = {"black_offset": list(BLACK_OFFSETS)} if STRESS in name else {}
    return {"seed": SEED, "height": height, "width": width, **offsets}


def recorded(record: Record) -> bool:
    """Whether a result itself says how its images were generated."""
    return bool(record.provenance.get("recipe"))


def make_again(
    folder: Path, wanted: Sequence[Record], asked: dict[str, Any], making: Making | None = None
) -> Dataset:
    """Generate the scenes of some images, and all before them, in a folder; existing files are kept.

    Raises:
        InputError: the folder cannot be written or contains something else.
    """
    offsets = asked.get("black_offset")
    with making() if making else nullcontext() as progress:
        return make(
            folder,
            scenes(wanted),
            int(asked["seed"]),
            (int(asked["height"]), int(asked["width"])),
            progress=progress,
            extra_frames=int(asked.get("extra_frames", 1)),
            read_noise=asked.get("read_noise", "gaussian"),
            black_error=float(asked.get("black_error", 0.0)),
            black_offset=(offsets[0], offsets[1]) if offsets else None,
        )


def scenes(wanted: Sequence[Record]) -> int:
    """How many scenes a set needs to contain some images."""
    return max(int(scene(str(record.cell.image))) for record in wanted) - FIRST_ID + 1


def command(wanted: Sequence[Record], asked: dict[str, Any]) -> str:
    """Return the command that generates the images."""
    size = f"{asked['height']}x{asked['width']}"
    more = " --black-offset" if asked.get("black_offset") else ""
    more += f" --camera {asked['camera']['file']}" if asked.get("camera") else ""
    return f"llbench data make --scenes {scenes(wanted)} --seed {asked['seed']} --size {size}{more} --out DIR"
