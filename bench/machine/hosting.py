"""Run a user's own code in a command's process, without our arguments and with its output kept apart.

A module that is imported may parse the command line, print, change the folder or end the process; so may a
network in every pass.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, TextIO

from llpacknet.errors import InputError, cause

if TYPE_CHECKING:
    from collections.abc import Iterator

_OUTPUT, _ERRORS = 1, 2


@contextlib.contextmanager
def building(what: str) -> Iterator[None]:
    """Import and build a user's code within this context: any exception becomes one line.

    Its `sys.argv` holds one word, what it prints goes to standard error, and the working folder is restored.

    Args:
        what: its name, for the line.

    Raises:
        InputError: it raised something, or ended the process; the message says what.
    """
    folder = _folder()
    try:
        with _without_arguments(), contextlib.redirect_stdout(sys.stderr):
            yield
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"the model {what} cannot be built: {cause(error)}") from error
    finally:
        if folder is not None:
            os.chdir(folder)


@contextlib.contextmanager
def hosting() -> Iterator[TextIO]:
    """Let a user's code run within this context, passes of its network included.

    Returns:
        a stream for this command's own output: standard output, whose descriptor leads to standard
        error meanwhile.
    """
    ours = sys.stdout
    ours.flush()
    try:
        real = ours.fileno() == _OUTPUT
    except (OSError, ValueError, AttributeError):  # a stream in memory
        real = False
    with contextlib.ExitStack() as stack:
        stack.enter_context(_without_arguments())
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        if real:
            kept = os.dup(_OUTPUT)
            os.dup2(_ERRORS, _OUTPUT)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, _OUTPUT)
            ours = stack.enter_context(
                os.fdopen(os.dup(kept), "w", encoding=ours.encoding, errors=ours.errors, buffering=1)
            )
        yield ours


def plain_streams() -> None:
    """Let standard output and error replace characters that their encoding lacks, rather than raise."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


@contextlib.contextmanager
def _without_arguments() -> Iterator[None]:
    arguments = sys.argv
    sys.argv = arguments[:1]
    try:
        yield
    finally:
        sys.argv = arguments


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 -- to go back to
    except OSError:  # it was removed
        return None
