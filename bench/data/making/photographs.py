"""Open photographs to darken: JPEG, PNG, and TIFF of 8 or 16 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.decode import image_file
from llpacknet.errors import InputError
from llpacknet.raw.dng import SMALLEST_SIDE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def find_photographs(folder: Path) -> dict[str, Path]:
    """List the photographs of a folder by their names without suffix, sorted.

    Raises:
        InputError: no such folder, no photograph in it, or two photographs with the same name.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give one with photographs")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in image_file.SUFFIXES or path.name.startswith(".") or not path.is_file():
            continue
        if path.stem in found:
            raise InputError(f"{path} and {found[path.stem].name} have the same name: rename one of them")
        found[path.stem] = path
    if not found:
        image_file.refuse_arrays(folder)
        raise InputError(
            f"{folder} contains no photographs ({', '.join(image_file.SUFFIXES)}): give a folder that does"
        )
    return found


def read_photograph(path: Path) -> NDArray[Any]:
    """Read (H, W, 3) uint8 or uint16, upright and in sRGB, cropped to even sides.

    Raises:
        InputError: not a readable, opaque photograph of 8 or 16 bits, too small or too large.
    """
    try:
        image = image_file.read(path)
    except InputError as error:
        raise InputError(f"photograph {path} {error}") from None
    except Exception as error:  # noqa: BLE001 - decoders raise whatever they like on a damaged file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"cannot read photograph {path} ({reason}): replace or remove it") from None
    if image.size == 0:
        raise InputError(f"cannot read photograph {path} (it contains no image): replace or remove it")
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    if min(height, width) < SMALLEST_SIDE:
        raise InputError(
            f"photograph {path} is {width}x{height}: give one of at least {SMALLEST_SIDE} pixels per side"
        )
    return np.ascontiguousarray(image[:height, :width])
