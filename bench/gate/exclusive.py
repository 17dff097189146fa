"""All gates of a machine take turns: two that compute at once would measure each other."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = "llbench-gate.lock"
SHARED = Path("/tmp")  # noqa: S108 -- one place for all users and jobs, whatever each calls its temporary folder
FOR_ALL = 0o666
POLL_S = 0.2


@contextlib.contextmanager
def exclusive(say: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other gate on this machine is measuring, and keep others waiting within a `with` block.

    The lock ends with the process that holds it, however that ends.

    Args:
        say: is notified that there is something to wait for, or that no lock is available.
    """
    folder = SHARED if os.access(SHARED, os.W_OK) else Path(tempfile.gettempdir())
    lock = FileLock(folder / NAME, mode=FOR_ALL)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say("waiting for another gate on this machine (under pytest-xdist: for another test)")
            lock.acquire(poll_interval=POLL_S)
    except OSError as error:
        say(f"other gates on this machine may disturb this one: {error}")
    try:
        yield
    finally:
        lock.release()
