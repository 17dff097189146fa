"""The published tables, read from `published.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def load() -> dict[str, Any]:
    """Decode `published.toml`; figures are the printed strings, so that no digit is added or lost."""
    text = resources.files("bench.show").joinpath("published.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def title(model: str) -> str:
    """How tables and figures call a registered method; a user's own model keeps its name."""
    return str(load()["methods"].get(model, model))


def figure(text: str | None) -> float | None:
    """A printed figure as a number; None for one that is missing or only a bound (>2000)."""
    return None if text is None or text.startswith((">", "<")) else float(text)
