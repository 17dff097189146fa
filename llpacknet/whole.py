"""Files that get their name only once they are complete."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# How the names of files end that are still being written; they begin with a dot.
PARTIAL = ".partial"


@contextlib.contextmanager
def whole(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Provide a path to write to; at the end its file takes the name `path` in one step.

    Meanwhile, readers of `path` see the old file or none, never a part of the new one. Where the body
    raises, what it wrote is removed. Several processes, of several hosts too, may write the same file at
    once: the last one wins.

    Args:
        path: the file; its folder must exist.
        durable: let the bytes, then the name, reach the disk before this returns, so that a machine that
            loses power keeps the old file or the new one.

    Raises:
        OSError: the folder does not take the file.
    """
    # Hosts that share the folder can have the same process ids.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{PARTIAL}")
    try:
        yield temporary
        if durable:
            _flush(temporary, os.O_RDWR)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    if durable and os.name == "posix":  # elsewhere folders cannot be flushed
        _flush(path.parent, os.O_RDONLY)


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
