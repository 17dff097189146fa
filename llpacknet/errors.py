"""The one error class for input that cannot be used."""

from __future__ import annotations


class InputError(ValueError):
    """Unusable input: one line that says what is wrong, where, and how to mend it.

    The command line prints it to standard error and exits with status 2; it never shows a traceback for it.
    """


class UnsupportedError(InputError):
    """A combination of method, runtime, number format and device that does not exist here; says why."""
