"""The synthetic pictures behind somebody else's results, made again here.

Synthetic data are the same files for the same seed and size, so nobody needs to send them. Results record
what `llbench data make` was asked for; for older ones, which do not, the defaults of the main job are tried.
A hash tells whether the files are those behind a result.
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
    """Say what `llbench data make` is to be asked for so that it makes a result's pictures.

    Args:
        record: a picture's.
        records: all that it came with.

    Returns:
        None for pictures that `data make` did not make.
    """
    known = record.provenance.get("recipe")
    if known:
        return dict(known)
    name = str(record.cell.dataset)
    if not name.startswith(_MADE):
        return None
    frames = Counter(
        (one.cell.height, one.cell.width) for one in records if one.cell.measurement == "latency"
    )
    height, width = next(iter(frames), FULL_SIZE)
    offsets = {"black_offset": list(BLACK_OFFSETS)} if STRESS in name else {}
    return {"seed": SEED, "height": height, "width": width, **offsets}


def recorded(record: Record) -> bool:
    """Whether a result says itself how its pictures were made."""
    return bool(record.provenance.get("recipe"))


def make_again(
    folder: Path, wanted: Sequence[Record], asked: dict[str, Any], making: Making | None = None
) -> Dataset:
    """Make the scenes of some pictures, and all before them, into a folder; what is there already is kept.

    Raises:
        InputError: the folder cannot be written or holds something else.
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
    """How many scenes a set needs to hold some pictures."""
    return max(int(scene(str(record.cell.image))) for record in wanted) - FIRST_ID + 1


def command(wanted: Sequence[Record], asked: dict[str, Any]) -> str:
    """Give the command that makes the pictures."""
    size = f"{asked['height']}x{asked['width']}"
    black = " --black-offset" if asked.get("black_offset") else ""
    return (
        f"llbench data make --scenes {scenes(wanted)} --seed {asked['seed']} --size {size}{black} --out DIR"
    )
