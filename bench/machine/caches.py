"""Where the suite keeps what it can make or download again: images, kernels, int8 networks, a backbone."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

import platformdirs

from llpacknet.errors import InputError

VARIABLE = "LLBENCH_CACHE"
LIMIT_VARIABLE = "LLBENCH_CACHE_BYTES"
DEFAULT_LIMIT = 10_000_000_000
# Folder of int8 models, below `place`.
QUANTISED = "quantised"


def place() -> Path:
    """Folder of all caches: $LLBENCH_CACHE, else the user's cache folder, else a private temporary one.

    The last one is for a user who may write to neither, such as one without a name or home in a container; it
    is created once, announced once on standard error, shared with child processes, and removed at the end.
    """
    wanted = named()
    if wanted is not None and can_write(wanted):
        return wanted
    return _temporary(wanted)


def named() -> Path | None:
    """Folder intended for all caches, whether it can be written or not; None if there is no home."""
    variable = os.environ.get(VARIABLE)
    if variable:
        return Path(variable)
    try:
        usual = Path(platformdirs.user_cache_dir("llbench"))
    except RuntimeError:  # as newer versions say that there is no home; older ones give a relative path
        return None
    return usual if usual.is_absolute() else None


def can_write(folder: Path) -> bool:
    """Whether a folder can be written, or created if it does not exist yet; nothing is created."""
    for one in (folder, *folder.absolute().parents):
        try:
            if one.exists():
                return one.is_dir() and os.access(one, os.W_OK | os.X_OK)
        except OSError:
            return False
    return False


@cache
def _temporary(wanted: Path | None) -> Path:
    folder = tempfile.mkdtemp(prefix="llbench-")
    atexit.register(_remove, folder, os.getpid())
    os.environ[VARIABLE] = folder
    why = "this user has no home folder" if wanted is None else f"{wanted} cannot be written"
    print(
        f"llbench: {why}: caches go to {folder} and are removed at the end; set {VARIABLE}=FOLDER to keep "
        "them",
        file=sys.stderr,
    )
    return Path(folder)


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # not a fork of it
        shutil.rmtree(folder, ignore_errors=True)


def limit() -> int:
    """How many bytes each cache of images may hold: $LLBENCH_CACHE_BYTES, else 10 GB.

    Raises:
        InputError: the variable is not a whole number of bytes.
    """
    text = os.environ.get(LIMIT_VARIABLE, str(DEFAULT_LIMIT))
    if not text.isdecimal():
        raise InputError(
            f"{LIMIT_VARIABLE}={text} is not a number of bytes: give a whole number, for example "
            f"{DEFAULT_LIMIT}"
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
