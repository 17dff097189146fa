"""The examples at the end of every verb's --help."""

from __future__ import annotations


def examples(*lines: str, more: str = "") -> str:
    """Lay out command lines as an epilog that click does not wrap.

    Args:
        lines: what a user types, each beginning with llbench (or python for a tool beside it).
        more: where to read more.
    """
    shown = "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
    return f"{shown}\n\n{more}" if more else shown
