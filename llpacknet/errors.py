"""Errors that a user can fix; catching InputError catches them all."""

from __future__ import annotations

import traceback
from pathlib import Path

_LONGEST = 300


class InputError(ValueError):
    """Unusable input: one line that says what is wrong, where, and how to fix it.

    The command line prints it to standard error and exits with status 2; it never shows a traceback for it.
    Its subclasses say whether the call, the data or the machine is at fault.
    """


class UsageError(InputError):
    """The call is at fault: an unknown name, or an option or argument that cannot be used."""


class DataError(InputError):
    """The data is at fault: a file or folder that is missing, damaged or unsuitable."""


class DeviceError(InputError):
    """The machine is at fault: it lacks a device, a package, memory or disk space, or cannot be reached."""


class UnsupportedError(DeviceError):
    """A combination of method, runtime, number format and device that does not exist here; says why."""


def one_line(message: str) -> str:
    """Escape characters that would break the line or control the terminal; file names may hold anything."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in message)


def cause(error: BaseException) -> str:
    """Describe an exception in one line: its type, its message, and the line that raised it.

    For unexpected exceptions, such as those from a user's own code.
    """
    words = " ".join(str(error).split())[:_LONGEST]
    if isinstance(error, SystemExit):
        return f"it ended the process: SystemExit({error.code if error.code is not None else ''})"
    where = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(where[-1].filename).name}:{where[-1].lineno})" if where else ""
    if isinstance(error, SyntaxError) and error.filename:
        place = f" ({Path(error.filename).name}:{error.lineno})"
        words = error.msg
    return f"{type(error).__name__}{f': {words}' if words else ''}{place}"
