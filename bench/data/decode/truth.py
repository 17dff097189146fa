"""The truth of a pair: its long exposure as LibRaw renders it, rendered once and kept."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import rawpy

from bench.data.decode.cache import image
from bench.data.decode.hashes import file_sha256
from llpacknet.raw.render import ARGUMENTS, render

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


def truth(path: Path) -> NDArray[np.uint16]:
    """Render a long exposure, or take the same rendering from the cache; (H, W, 3) uint16.

    The key is the file's SHA-256, the versions of rawpy and LibRaw (pixel values have changed between them)
    and the arguments of the rendering; the file's name and location do not matter.

    Raises:
        InputError: like `llpacknet.raw.render.render`.
    """
    return image(_key(path), lambda: render(path))


def _key(path: Path) -> str:
    identity: dict[str, Any] = {
        "file": file_sha256(path),
        "rawpy": version("rawpy"),
        "libraw": rawpy.libraw_version,
        "arguments": ARGUMENTS,
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
