"""SHA-256 of files, computed once for each version of a file that a process meets."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from llpacknet.raw.container import inspect

if TYPE_CHECKING:
    from pathlib import Path

DIGEST_BYTES = hashlib.sha256().digest_size
_known: dict[tuple[str, int, int, int], str] = {}


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a raw file.

    It is remembered by name, size, inode and time of change, so that asking again costs nothing.

    Raises:
        InputError: it is not a plain readable file, or its header is damaged (see `inspect`).
    """
    inspect(path)
    status = path.stat()
    version = (str(path.resolve()), status.st_size, status.st_ino, status.st_mtime_ns)
    if version not in _known:
        with path.open("rb") as file:
            _known[version] = hashlib.file_digest(file, "sha256").hexdigest()
    return _known[version]
