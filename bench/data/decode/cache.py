"""A store of decoded images on disk: checked on every read, bounded in size, safe with several processes.

An entry is one file: the SHA-256 of all that follows, then an array in NumPy's own format. It gets its name
only when it is complete, and is used only if its digest matches: a half-written or damaged entry is never
trusted but made again. When the store exceeds its limit, the least recently used entries are removed first.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from bench.data.decode.hashes import DIGEST_BYTES
from bench.machine.caches import limit, place
from llpacknet.whole import PARTIAL, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_SUFFIX = ".picture"
_STALE_S = 3600.0
_LOCK_WAIT_S = 120.0


@dataclass(frozen=True)
class Usage:
    """Where the store is, its size, and its limit."""

    place: Path
    entries: int
    size: int
    limit: int


def image(key: str, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """Return the entry of a key (a hexadecimal digest), made and stored if it is missing or damaged.

    One process makes an entry while others wait for it. If the store cannot be written, the image is
    made every time.
    """
    path = _folder() / f"{key}{_SUFFIX}"
    found = _read(path)
    if found is not None:
        return found
    try:
        with _lock(key[:2]):
            found = _read(path)
            if found is None:
                found = make()
                _write(path, found)
    except (OSError, Timeout):
        return make() if found is None else found
    _keep_within(limit())
    return found


def usage() -> Usage:
    """Count what is stored."""
    sizes = [status.st_size for _, status in _entries()]
    return Usage(_folder(), len(sizes), sum(sizes), limit())


def clear() -> Usage:
    """Remove every entry; returns what was there."""
    before = usage()
    for path, _ in (*_entries(), *_entries(PARTIAL)):
        path.unlink(missing_ok=True)
    return before


def _folder() -> Path:
    return place() / "pictures"


def _lock(name: str) -> FileLock:
    """Lock by the first digits of a key, so that the number of lock files is bounded."""
    folder = _folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{name}.lock", timeout=_LOCK_WAIT_S)


def _read(path: Path) -> NDArray[Any] | None:
    try:
        content = path.read_bytes()
        if hashlib.sha256(memoryview(content)[DIGEST_BYTES:]).digest() != content[:DIGEST_BYTES]:
            path.unlink(missing_ok=True)
            return None
        os.utime(path)
    except OSError:
        return None
    stream = BytesIO(content)
    stream.seek(DIGEST_BYTES)
    array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


def _write(path: Path, array: NDArray[Any]) -> None:
    stream = BytesIO()
    np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)
    content = stream.getbuffer()
    if len(content) + DIGEST_BYTES > limit():
        return
    with whole(path) as partial, partial.open("wb") as file:
        file.write(hashlib.sha256(content).digest())
        file.write(content)


def _entries(suffix: str = _SUFFIX) -> Iterator[tuple[Path, os.stat_result]]:
    folder = _folder()
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.suffix == suffix:
            try:
                yield path, path.stat()
            except FileNotFoundError:  # another process removed it meanwhile
                continue


def _keep_within(most: int) -> None:
    """Remove the entries used longest ago until the rest fits, and what killed processes left behind."""
    for path, status in _entries(PARTIAL):
        if status.st_mtime < time.time() - _STALE_S:
            path.unlink(missing_ok=True)
    entries = sorted(_entries(), key=lambda entry: entry[1].st_mtime_ns)
    total = sum(status.st_size for _, status in entries)
    for path, status in entries:
        if total <= most:
            return
        path.unlink(missing_ok=True)
        total -= status.st_size
