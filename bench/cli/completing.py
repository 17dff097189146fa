"""Names of methods as the shell completes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines import names

if TYPE_CHECKING:
    import click


def method(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """Return the registered names that begin as what is typed."""
    return [name for name in names() if name.startswith(begun)]


def methods(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the same for the last name of a list with commas."""
    before, comma, last = begun.rpartition(",")
    return [f"{before}{comma}{name}" for name in method(context, parameter, last)]
