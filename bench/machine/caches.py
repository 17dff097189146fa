"""Where the suite keeps what it can make or fetch again: pictures, kernels, int8 networks, a backbone."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from llpacknet.errors import InputError

VARIABLE = "LLBENCH_CACHE"
LIMIT_VARIABLE = "LLBENCH_CACHE_BYTES"
DEFAULT_LIMIT = 10_000_000_000
QUANTISED = "quantised"
"""Folder of int8 models, below `place`."""


def place() -> Path:
    """Folder of all caches: $LLBENCH_CACHE, else the user's cache folder."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path(platformdirs.user_cache_dir("llbench"))


def limit() -> int:
    """How many bytes each cache of pictures may hold: $LLBENCH_CACHE_BYTES, else 10 GB.

    Raises:
        InputError: the variable is no whole number of bytes.
    """
    text = os.environ.get(LIMIT_VARIABLE, str(DEFAULT_LIMIT))
    if not text.isdecimal():
        raise InputError(
            f"{LIMIT_VARIABLE}={text} is no number of bytes: give a whole number, as {DEFAULT_LIMIT}"
        )
    return int(text)


def sizes() -> dict[str, int]:
    """Bytes in each cache, by the name of its folder below `place`."""
    found = {}
    for folder, folders, names in os.walk(place()):
        if Path(folder) == place():
            found = dict.fromkeys(sorted(folders), 0)
        else:
            cache = Path(folder).relative_to(place()).parts[0]
            found[cache] += sum(_size(Path(folder, name)) for name in names)
    return found


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:  # another process removed it meanwhile
        return 0
