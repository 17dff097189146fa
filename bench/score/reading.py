"""Images in files: reading 8 and 16 bits without loss, and pairing two folders by name."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Literal

from bench.data.decode import image_file
from bench.data.folder.pairs import Pair
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

# Names of SID's files, 10003_00_0.1s, and those that its test script writes: 10003_00_100_out.
SID_NAME = re.compile(
    r"(?P<scene>\d{5})_(?P<frame>\d{2})_"
    r"((?P<seconds>\d+(\.\d+)?)s(?![0-9A-Za-z])|(?P<ratio>\d{2,3})(_(out|gt|scale))?$)"
)
# Exposure times that SID's test list has at a ratio; at 300 there are several.
_RATIO_SECONDS = {100: 0.1, 250: 0.04}


@dataclass(frozen=True)
class Match:
    """An image to score, and its truth.

    Attributes:
        name: the prediction's stem.
        prediction: its file.
        truth: the truth's file.
        pair: what the name says in SID's manner (scene, frame, exposure time), None if it says nothing.
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
        unused: a line for every other file that is ignored.
    """

    found: tuple[Match, ...]
    unscored: tuple[str, ...]
    unused: tuple[str, ...]


def match(predictions: Path, truths: Path) -> Matches:
    """Pair the images of two folders.

    A truth with the same stem is preferred; else, of those with the same id before the first underscore, the
    one that shares the longest beginning with the prediction, in whole words between underscores: SID's own
    script calls them 10003_00_100_out and 10003_00_100_gt.

    Raises:
        InputError: a folder is missing or has no images, both are the same folder, or no prediction has a
            truth.
    """
    judged, other = _images(predictions, of="predictions")
    known, other_truths = _images(truths, of="truths")
    if predictions.samefile(truths):
        raise InputError(
            f"{predictions} is given for both predictions and truths: every image would be compared with "
            "itself; put the truths into a folder of their own"
        )
    found, unscored = [], []
    for path in judged:
        candidates = _candidates(path, known)
        doubles = [twin.name for twin in judged if twin.stem == path.stem]
        if len(candidates) != 1:
            names = ", ".join(truth.name for truth in candidates)
            unscored.append(
                f"{path.name}: {f'several truths ({names})' if names else 'no truth with its name or id'}"
            )
        elif len(doubles) > 1:
            unscored.append(f"{path.name}: several predictions with the same name ({', '.join(doubles)})")
        elif path.samefile(candidates[0]):
            unscored.append(f"{path.name}: it and its truth are the same file")
        else:
            found.append(Match(path.stem, path, candidates[0], _sid_pair(path, candidates[0])))
    used = {pair.truth for pair in found}
    if not found:
        raise InputError(
            f"no image in {predictions} has a truth in {truths}: {unscored[0]}; names must agree"
        )
    unused = [f"{truth.name}: a truth without a prediction" for truth in known if truth not in used]
    unused += [f"{path.name}: not a PNG, JPEG or TIFF file" for path in (*other, *other_truths)]
    return Matches(tuple(found), tuple(unscored), tuple(unused))


def made_under(predictions: Path) -> str | None:
    """Return the protocol under which a run of this suite kept the images of a folder; None for others."""
    from bench.records import protocols

    try:
        raw = json.loads((predictions.absolute().parent / "manifest.json").read_text(encoding="utf-8"))
        name = str(raw["protocol"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if name in protocols.load() else None


def _candidates(prediction: Path, truths: Iterable[Path]) -> list[Path]:
    """Truths that match a prediction's name best; more than one if they match equally."""
    same_stem = [truth for truth in truths if truth.stem == prediction.stem]
    if same_stem:
        return same_stem
    shared = {truth: _shared_words(prediction.stem, truth.stem) for truth in truths}
    most = max(shared.values(), default=0)
    return [truth for truth, words in shared.items() if words == most > 0]


def _shared_words(one: str, other: str) -> int:
    pairs = zip(one.split("_"), other.split("_"), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _images(folder: Path, of: Literal["predictions", "truths"]) -> tuple[list[Path], list[Path]]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give one with images")
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    images = [path for path in files if path.suffix.lower() in image_file.SUFFIXES]
    if not images:
        image_file.refuse_arrays(folder)
        raise InputError(f"{folder} contains no images: {_instead(folder, of)}")
    return images, [path for path in files if path not in images]


def _instead(folder: Path, of: Literal["predictions", "truths"]) -> str:
    """Suggest subfolders with images: a run's `predictions/` has one for each method, and for truths."""
    from bench.measure.keeping import INPUT, TRUTH, TRUTH_PART
    from llpacknet.photos.batch import RAW_SUFFIXES

    inside = [*folder.glob("*/*"), *folder.glob("*/*/*")]
    holders = sorted({path.parent for path in inside if path.suffix.lower() in image_file.SUFFIXES})
    no_methods = {INPUT, TRUTH, TRUTH_PART}
    named = [path for path in holders if path.name not in no_methods]
    if of == "truths":
        named = [path for path in holders if path.name in {TRUTH, TRUTH_PART}] or named
    if named:
        more = f" and {len(named) - 8} more" if len(named) > 8 else ""
        return f"its subfolders do; give one of them: {', '.join(map(str, named[:8]))}{more}"
    if any(path.suffix.lower() in RAW_SUFFIXES for path in (*folder.glob("*"), *inside)):
        whose = TRUTH if of == "truths" else "METHOD"
        return (
            "raw files are not scored but images made of them, as 'llbench run --predictions --out OUT' "
            f"keeps in OUT/predictions/PROTOCOL/{whose}"
        )
    return "put PNG, JPEG or TIFF files there"


def _sid_pair(prediction: Path, truth: Path) -> Pair | None:
    name = SID_NAME.match(prediction.stem)
    if name is None:
        return None
    if name["ratio"]:
        short_s = _RATIO_SECONDS.get(int(name["ratio"]), math.nan)
        long_s = short_s * int(name["ratio"])
        return Pair(name["scene"], name["frame"], short_s, long_s, prediction, truth)
    long = SID_NAME.match(truth.stem)
    # A truth called 10003.jpg does not tell its exposure time; no subset's rule asks for it.
    tells = long is not None and long["seconds"] and truth.stem != prediction.stem
    long_s = float(long["seconds"]) if long is not None and tells else math.nan
    return Pair(name["scene"], name["frame"], float(name["seconds"]), long_s, prediction, truth)


def of_subset(matches: Iterable[Match], subset: str) -> list[Match]:
    """Keep the images of a protocol's subset; those without a name like SID's belong to every subset."""
    from bench.data.folder.subsets import select

    return [pair for pair in matches if pair.pair is None or select([pair.pair], subset)]


def read_image(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Read an image at its file's depth, upright and in sRGB: see `bench.data.decode.image_file`.

    Returns:
        (H, W, 3) uint8 or uint16.

    Raises:
        InputError: the file cannot be read, or is not an opaque image of 8 or 16 bits.
    """
    try:
        image = image_file.read(path)
    except InputError as error:
        raise InputError(f"{path.name} {error}") from None
    except Exception as error:  # decoders raise what they like on damaged files
        # Their words may hold folders and addresses in memory, which differ between runs.
        raise InputError(f"{path.name} cannot be read ({type(error).__name__}): write it again") from error
    if image.size == 0:  # tifffile gives nothing, and no error, for a file cut off in its header
        raise InputError(f"{path.name} cannot be read (it contains no image): write it again")
    return image
