"""The photographs that patches are cut from: gathered from Debian packages, or from any folder of the user.

A folder may hold a `photographs.csv` with the columns file, use ("training" or "validation"), author,
licence, package and path, which the model card then credits; `python -m bench.train.gather` writes one.
Without it every sixth file is set aside for validation, and the card lists author and licence as unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.data.decode import image_file
from bench.data.folder import lists
from llpacknet.errors import InputError, cause

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

Use = Literal["training", "validation"]
LIST_NAME = "photographs.csv"
# Without a list, one file in so many is kept for validation.
HELD_OUT = 6


@dataclass(frozen=True)
class Photograph:
    """One photograph, and whom to credit for it.

    Attributes:
        file: its name in the folder.
        use: "training" or "validation".
        author: who took it; "unknown" if the folder has no list.
        licence: SPDX identifier or a phrase; "unknown" if the folder has no list.
        package: the package it came from; empty if the folder has no list.
        path: its path in that package; empty if the folder has no list.
    """

    file: str
    use: Use
    author: str = "unknown"
    licence: str = "unknown"
    package: str = ""
    path: str = ""


def read_list(text: str, source: str) -> tuple[Photograph, ...]:
    """Read a list of photographs from CSV text; `source` names it in errors.

    Raises:
        InputError: for a missing column, or a use that is neither training nor validation.
    """
    rows = []
    for number, row in enumerate(lists.rows(text), start=2):
        use = row.get("use")
        if "file" not in row or use not in {"training", "validation"}:
            raise InputError(
                f"{source}, line {number}: needs the columns file and use, the latter training or validation"
            )
        extra = {key: row[key] for key in ("author", "licence", "package", "path") if row.get(key)}
        rows.append(Photograph(file=row["file"], use=use, **extra))  # type: ignore[arg-type]
    return tuple(rows)


def listed(folder: Path) -> tuple[Photograph, ...]:
    """Photographs of a folder, by its own list or, where it has none, by name.

    Raises:
        InputError: for a folder that is missing, has no photographs, or whose list names missing files.
    """
    if not folder.is_dir():
        raise InputError(
            f"there is no folder {folder} of photographs (see python -m bench.train.gather --help)"
        )
    list_file = folder / LIST_NAME
    if list_file.is_file():
        photographs = read_list(lists.read_text(list_file, "list"), str(list_file))
        absent = [each.file for each in photographs if not (folder / each.file).is_file()]
        if absent:
            raise InputError(
                f"{list_file} names {absent[0]}, which is missing: gather again or correct the list"
            )
        return photographs
    files = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in image_file.SUFFIXES)
    if not files:
        image_file.refuse_arrays(folder)
        raise InputError(f"{folder} contains no JPEG, PNG or TIFF photographs: give another --photos")
    held = {name for index, name in enumerate(files) if index % HELD_OUT == HELD_OUT - 1}
    return tuple(Photograph(name, "validation" if name in held else "training") for name in files)


def load(folder: Path, photographs: Iterable[Photograph]) -> list[NDArray[np.uint8]]:
    """Decode photographs to (H, W, 3) uint8 arrays, in the order given.

    Raises:
        InputError: for a file that is not an image.
    """
    return [_decoded(folder / each.file) for each in photographs]


@dataclass(frozen=True)
class Loaded:
    """The photographs of a folder that can be used.

    Attributes:
        images: (H, W, 3) uint8 each.
        photographs: what they are, in the same order.
        left_out: a line for each that cannot be used, with its name.
    """

    images: list[NDArray[np.uint8]]
    photographs: list[Photograph]
    left_out: list[str]


def load_usable(folder: Path, photographs: Iterable[Photograph]) -> Loaded:
    """Decode photographs as `load` does; one that is not an image is left out.

    Raises:
        InputError: if none of the photographs can be used.
    """
    loaded = Loaded([], [], [])
    for each in photographs:
        try:
            image = _decoded(folder / each.file)
        except InputError as error:
            loaded.left_out.append(str(error))
            continue
        loaded.images.append(image)
        loaded.photographs.append(each)
    if loaded.left_out and not loaded.images:
        raise InputError(f"no photograph can be used: {loaded.left_out[0]}")
    return loaded


def _decoded(path: Path) -> NDArray[np.uint8]:
    try:
        image = image_file.read(path)
    except InputError as error:
        raise InputError(f"{path} {error}") from None
    except Exception as error:
        raise InputError(f"{path} cannot be read as an image ({cause(error)}); remove it") from error
    if image.size == 0:
        raise InputError(f"{path} contains no image; remove it")
    return _eight_bits(image)


def _eight_bits(image: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    if image.dtype == np.uint8:
        return np.asarray(image, np.uint8)
    return np.rint(image / np.float32(257)).astype(np.uint8)
