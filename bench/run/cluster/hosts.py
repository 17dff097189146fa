"""The host that a worker runs on: its name in results, and whose turn it is there.

Quality may be scored beside anything; what is timed must have its host to itself. Workers of one host agree
through two locked files on a disk of its own, which the kernel lets go of when a process dies.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.machine.environment import gpus, machine, usable_cores
from bench.records import provenance
from llpacknet.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER_VARIABLE = "LLBENCH_HOST_LOCKS"


@cache
def label() -> str:
    """Name of this host in results: its processor, its cores and six digits that distinguish equal hosts.

    The digits come from a hash of the host's name, which is not recorded itself.
    """
    model = re.sub(r"[^a-z0-9]+", "-", machine()["cpu"]["model"].lower()).strip("-")
    digest = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]
    return f"{model[:40].rstrip('-')}-{usable_cores()}c-{digest}"


@cache
def facts() -> dict[str, Any]:
    """Describe the worker that asks: its host, what it may use there, and which code it runs."""
    base = provenance.base()
    return {
        "host": label(),
        "cores": usable_cores(),
        "gpus": len(gpus()),
        "code": {key: base[key] for key in ("code_sha256", "torch", "rawpy", "libraw")},
    }


class Turn:
    """Whose turn it is on this host.

    Args:
        name: one per host; hosts that share a folder for temporary files need different ones.
    """

    def __init__(self, name: str | None = None) -> None:
        folder = Path(os.environ.get(FOLDER_VARIABLE) or tempfile.gettempdir())
        self._gate = folder / f"llbench-{name or label()}.gate"
        self._room = folder / f"llbench-{name or label()}.room"

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Work beside others, once no process works, or waits to work, alone."""
        with _locked(self._room, alone=False, behind=self._gate):
            yield

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until the others have finished their current work, then keep them out."""
        with _locked(self._gate, alone=True), _locked(self._room, alone=True):
            yield


@contextlib.contextmanager
def _locked(path: Path, *, alone: bool, behind: Path | None = None) -> Iterator[None]:
    """Hold a file; one who is to get it `behind` another file passes through that one first."""
    import fcntl

    descriptor = _open(path)
    try:
        with _locked(behind, alone=False) if behind else contextlib.nullcontext():
            fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        try:
            # The workers of another user lock the same file.
            return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except PermissionError:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise DeviceError(
            f"the workers of a host cannot agree through {path} ({error.strerror}): "
            f"set {FOLDER_VARIABLE} to a folder on a disk of the host"
        ) from error
