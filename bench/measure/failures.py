"""How an attempt at a measurement ends: with a value, or with a status and a one-line reason."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.machine.environment import scrub
from bench.records.store import UnwritableError
from llpacknet.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.records.cells import Status

HOST_MEMORY_SIGNS = ("can't allocate memory", "not enough memory", "std::bad_alloc", "Cannot allocate memory")


class WrongOutputError(Exception):
    """The method gave something that is not an image of its input."""


# The first that fits counts: an UnsupportedError is an InputError too.
STATUSES: dict[type[Exception], Status] = {
    UnsupportedError: "unsupported",
    WrongOutputError: "wrong-output",
    InputError: "bad-input",
}


@dataclass(frozen=True)
class Attempt:
    """How an attempt ended: a status with its reason, or a value."""

    status: Status
    reason: str | None = None
    value: Any = None


def attempt(work: Callable[[], Any]) -> Attempt:
    """Run something that may fail in any way that leaves the process alive."""
    try:
        return Attempt("ok", value=work())
    except (KeyboardInterrupt, UnwritableError):
        raise
    except BaseException as error:  # noqa: BLE001 -- a model may raise anything, SystemExit included
        traceback.print_exc()
        return Attempt(*_classify(error))


def _classify(error: BaseException) -> tuple[Status, str]:
    """Turn an exception into a status and a one-line reason."""
    from torch import OutOfMemoryError

    text = scrub(" ".join(str(error).split()))[:400]
    named = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), None)
    if named:
        return named, text
    if isinstance(error, OutOfMemoryError) or "CUDA out of memory" in text:
        return "oom-device", text
    if isinstance(error, MemoryError) or any(sign in text for sign in HOST_MEMORY_SIGNS):
        return "oom-host", text or "MemoryError"
    if isinstance(error, SystemExit):
        return "crash", f"the method ended the process: SystemExit({error.code})"
    where = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(where[-1].filename).name}:{where[-1].lineno})" if where else ""
    return "crash", f"{type(error).__name__}: {text}{place}"
