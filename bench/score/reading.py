"""Pictures in files: reading 8 and 16 bits without loss, and pairing two folders by name."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.folder.pairs import Pair
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
SID_NAME = re.compile(r"(?P<scene>\d{5})_(?P<frame>\d{2})_(?P<seconds>\d+(\.\d+)?)s(?![0-9A-Za-z])")


@dataclass(frozen=True)
class Match:
    """A picture to be judged and its truth.

    Attributes:
        name: the prediction's stem.
        prediction: its file.
        truth: the truth's file.
        pair: what the name says in SID's manner (scene, frame, exposure time), None where it says nothing.
    """

    name: str
    prediction: Path
    truth: Path
    pair: Pair | None


@dataclass(frozen=True)
class Matches:
    """Two folders, paired.

    Attributes:
        found: all pairs, by name.
        unscored: a line for every prediction that has no single truth.
        unused: a line for every other file that plays no part.
    """

    found: tuple[Match, ...]
    unscored: tuple[str, ...]
    unused: tuple[str, ...]


def match(predictions: Path, truths: Path) -> Matches:
    """Pair the pictures of two folders by equal stem, else by the id before the first underscore.

    Raises:
        InputError: a folder is missing or holds no picture, or no prediction finds a truth.
    """
    judged, other = _pictures(predictions)
    known, other_truths = _pictures(truths)
    found, unscored = [], []
    for path in judged:
        same_stem = [truth for truth in known if truth.stem == path.stem]
        candidates = same_stem or [truth for truth in known if _id(truth) == _id(path)]
        doubles = [twin.name for twin in judged if twin.stem == path.stem]
        if len(candidates) != 1:
            names = ", ".join(truth.name for truth in candidates)
            unscored.append(
                f"{path.name}: {f'several truths ({names})' if names else 'no truth of its name or id'}"
            )
        elif len(doubles) > 1:
            unscored.append(f"{path.name}: several predictions of one name ({', '.join(doubles)})")
        else:
            found.append(Match(path.stem, path, candidates[0], _sid_pair(path, candidates[0])))
    used = {pair.truth for pair in found}
    if not found:
        raise InputError(
            f"no picture in {predictions} has a truth in {truths}: {unscored[0]}; names must agree"
        )
    unused = [f"{truth.name}: a truth without a prediction" for truth in known if truth not in used]
    unused += [f"{path.name}: not a PNG, JPEG or TIFF file" for path in (*other, *other_truths)]
    return Matches(tuple(found), tuple(unscored), tuple(unused))


def _id(path: Path) -> str:
    return path.stem.partition("_")[0]


def _pictures(folder: Path) -> tuple[list[Path], list[Path]]:
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: name one that holds pictures")
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES]
    if not pictures:
        raise InputError(f"{folder} holds no picture: put PNG, JPEG or TIFF files there")
    return pictures, [path for path in files if path not in pictures]


def _sid_pair(prediction: Path, truth: Path) -> Pair | None:
    name = SID_NAME.match(prediction.stem)
    if name is None:
        return None
    long = SID_NAME.match(truth.stem)
    # A truth called 10003.jpg does not tell its exposure time; no subset's rule asks for it.
    long_s = float(long["seconds"]) if long and truth.stem != prediction.stem else math.nan
    return Pair(name["scene"], name["frame"], float(name["seconds"]), long_s, prediction, truth)


def of_subset(matches: Iterable[Match], subset: str) -> list[Match]:
    """Keep the pictures of a protocol's subset; those without a SID name belong to every subset."""
    from bench.data.folder.subsets import select

    return [pair for pair in matches if pair.pair is None or select([pair.pair], subset)]


def read_picture(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Read a colour picture at the depth that its file has.

    Returns:
        (H, W, 3) uint8 or uint16. An orientation tag is not applied: the pixels are compared as they lie.

    Raises:
        InputError: the file cannot be read, or is not RGB of 8 or 16 bits.
    """
    try:
        picture = _decode(path)
    except Exception as error:  # decoders raise what they like on damaged files
        # Their words may hold folders and addresses in memory, which differ between runs.
        raise InputError(f"{path.name} cannot be read ({type(error).__name__}): write it again") from error
    if picture.size == 0:  # tifffile gives nothing, and no error, for a file cut off in its header
        raise InputError(f"{path.name} cannot be read (it holds no picture): write it again")
    if picture.ndim != 3 or picture.shape[2] != 3:
        shape = "x".join(map(str, picture.shape))
        raise InputError(f"{path.name} is no RGB picture (its array is {shape}): save it with three channels")
    if picture.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path.name} holds {picture.dtype} numbers: save it with 8 or 16 bits")
    return picture


def _decode(path: Path) -> NDArray[Any]:
    if path.suffix.lower() in {".jpg", ".jpeg"}:
        from PIL import Image

        with Image.open(path) as image:
            return np.asarray(image)
    if path.suffix.lower() == ".png":
        import imagecodecs  # Pillow reduces 16-bit colour to 8

        png: NDArray[Any] = imagecodecs.png_decode(path.read_bytes())
        return png
    import tifffile

    tiff: NDArray[Any] = tifffile.imread(path)
    return tiff
