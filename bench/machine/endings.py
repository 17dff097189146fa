"""How a process ended, in words: the signal that killed it, the last lines that it wrote."""

from __future__ import annotations

import signal


def signal_name(code: int) -> str:
    """Name the signal of a negative exit status, as SIGSEGV."""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def last_words(tail: str, lines: int = 3, characters: int = 400) -> str:
    """Put the end of a log on one line."""
    said = [line.strip() for line in tail.splitlines() if line.strip()]
    fatal = next((index for index, line in enumerate(said) if line.startswith("Fatal Python error")), None)
    if fatal is not None:
        # Python's own report of a fatal signal: what it was, and the innermost call of the thread at fault.
        frames = [line for line in said[fatal:] if line.startswith('File "')]
        said = [said[fatal], *frames[:1]]
    return " | ".join(said[-lines:])[-characters:]
