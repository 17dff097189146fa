"""The option type HxW, as 2848x4256: height and width in pixels."""

from __future__ import annotations

import re

import click


class Size(click.ParamType[tuple[int, int]]):
    """Reads "2848x4256" as (2848, 4256)."""

    name = "HxW"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002
        """Show the format as it is typed, where click would print HXW."""
        return self.name

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return height and width; anything but two whole numbers with an x between is a usage error."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d{1,6})[x×](\d{1,6})", value.strip().lower())
        if match is None:
            self.fail(
                f"{value!r} is not a size: give height and width in pixels, for example 2848x4256", param, ctx
            )
        return int(match[1]), int(match[2])
