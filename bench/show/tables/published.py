"""The published tables, read from `published.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.judge.results import Results

# Measurements that give a method of a user's own a row in Table 1.
SHOWN = ("latency", "memory", "complexity", "quality")
OWN = (
    "Not a method of this suite, which does not know whether and how it was trained: beside the others', its "
    "PSNR and SSIM say little about the architecture."
)


@cache
def load() -> dict[str, Any]:
    """Decode `published.toml`; figures are the printed strings, so that no digit is added or lost."""
    text = resources.files("bench.show.tables").joinpath("published.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def rows(results: Results) -> list[dict[str, Any]]:
    """Rows of Table 1 of which anything was measured; methods that no published table knows follow."""
    known = load()["methods"]
    present = set(results.models)
    found = [row for row in load()["table1"] if present & {*row["cost"], row["without"], row.get("with")}]
    own = [
        model
        for model in results.models
        if model not in known and any(results.of(kind, model) for kind in SHOWN)
    ]
    return found + [_own_row(results, model) for model in own]


def _own_row(results: Results, model: str) -> dict[str, Any]:
    row: dict[str, Any] = {"title": model, "short": model, "cost": [model], "without": model, "with": model}
    return row | {"note": OWN} if _trained_elsewhere(results, model) else row


def _trained_elsewhere(results: Results, model: str) -> bool:
    """Whether it was scored with weights that came with its code rather than from a file."""
    return any(
        one.status == "ok"
        and not one.values.get("random_weights")
        and not one.provenance.get("weights_sha256")
        for one in results.of("quality", model)
    )


def title(model: str) -> str:
    """Name a registered method in a table; a user's own model keeps its name."""
    return str(load()["methods"].get(model, model))


def label(model: str) -> str:
    """Name a method in a figure: its short title, or the table's."""
    return str(load()["labels"].get(model, title(model)))


def ordered(models: Iterable[str]) -> list[str]:
    """Methods in the order of `published.toml`, a user's own models after them by name."""
    known = list(load()["methods"])
    return sorted(models, key=lambda model: (known.index(model) if model in known else len(known), model))


def figure(text: str | None) -> float | None:
    """Return a printed figure as a number; None for one that is missing or only a bound (>2000)."""
    return None if text is None or text.startswith((">", "<")) else float(text)
