"""Files named by an address (`s3://bucket/folder/file`): listed through fsspec and copied here before use.

A copy is kept in the local cache under a name derived from the file's version in the store, so that a changed
file is fetched again. It gets its name only when it is complete. When copies exceed the cache's limit, the
least recently used are removed first.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from filelock import FileLock

from bench.machine.caches import limit, place
from llpacknet.errors import InputError
from llpacknet.whole import PARTIAL, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

FOLDER = "raws"
_LOCK_WAIT_S = 600.0
_STALE_S = 3600.0
_VERSION_KEYS = ("ETag", "etag", "version_id", "size", "mtime", "LastModified", "last_modified")


def is_address(source: str) -> bool:
    """Whether a text names a file by protocol and address rather than by path."""
    return "://" in source


def as_path(source: str) -> Path | None:
    """Return the path behind a plain path or a `file://` address; None for any other address."""
    if source.startswith("file://"):
        return Path(unquote(urlsplit(source).path))
    return None if is_address(source) else Path(source)


def local(source: str) -> Path:
    """Return where a file can be read: the path itself, or the copy of what an address names.

    Raises:
        InputError: the address cannot be read, or the copy cannot be written.
    """
    path = as_path(source)
    if path is not None:
        return path
    key = hashlib.sha256(f"{source} {version(source)}".encode()).hexdigest()[:16]
    copy = place() / FOLDER / key / source.rpartition("/")[2]
    if not copy.is_file():
        _fetch(source, copy)
    os.utime(copy)
    return copy


@cache
def version(source: str) -> str:
    """Name the version of what an address names without reading it; the store is asked once in a process."""
    facts = _ask(source, lambda system, inner: system.info(inner))
    return json.dumps([str(facts[key]) for key in _VERSION_KEYS if key in facts])


def names(folder: str) -> list[str]:
    """List the files right in a folder, by name; empty if there is none.

    Raises:
        InputError: the address cannot be reached.
    """

    def listed(system: Any, inner: str) -> list[str]:
        try:
            entries = system.ls(inner, detail=True)
        except FileNotFoundError:
            return []
        return sorted(one["name"].rstrip("/").rpartition("/")[2] for one in entries if one["type"] == "file")

    found: list[str] = _ask(folder, listed)
    return [name for name in found if name]


def _ask(source: str, question: Callable[[Any, str], Any]) -> Any:
    """Query the file system behind an address."""
    try:
        from fsspec.core import url_to_fs

        return question(*url_to_fs(source))
    except FileNotFoundError as error:
        raise InputError(f"there is no file {source}: check the address") from error
    except ImportError as error:
        raise InputError(
            f"{source} cannot be reached ({error}): install the package's extra [cluster], which reads s3://"
        ) from error
    except Exception as error:  # every kind of store has errors of its own
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{source} cannot be read ({said}): check the address, endpoint and credentials"
        ) from error


def _fetch(source: str, copy: Path) -> None:
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        # One process fetches a file while others that need it wait.
        with FileLock(copy.parent / ".lock", timeout=_LOCK_WAIT_S):
            if copy.is_file():
                return
            with whole(copy) as partial:
                _ask(source, lambda system, inner: system.get_file(inner, str(partial)))
    except OSError as error:
        raise InputError(
            f"a copy of {source} cannot be kept in {copy.parent} ({error.strerror or error}): "
            "set LLBENCH_CACHE to a folder with space"
        ) from error
    _keep_within(limit(), copy)


def versions(sources: Iterable[str]) -> str | None:
    """Hash over the versions of files that have an address; None if all are on a disk of this machine."""
    addressed = [source for source in sources if as_path(source) is None]
    if not addressed:
        return None
    return hashlib.sha256(" ".join(version(source) for source in addressed).encode()).hexdigest()


def _copies() -> Iterator[tuple[Path, os.stat_result]]:
    for path in (place() / FOLDER).glob("*/[!.]*"):
        try:
            yield path, path.stat()
        except FileNotFoundError:  # another process removed it meanwhile
            continue


def _keep_within(most: int, newest: Path) -> None:
    """Remove the copies used longest ago until the rest fits, and what killed processes left behind."""
    for path in (place() / FOLDER).glob(f"*/.*{PARTIAL}"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - _STALE_S:
                path.unlink()
    copies = sorted(_copies(), key=lambda one: one[1].st_mtime_ns)
    total = sum(status.st_size for _, status in copies)
    for path, status in copies:
        if total <= most:
            return
        if path != newest:
            path.unlink(missing_ok=True)
            total -= status.st_size
