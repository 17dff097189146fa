# ruff: noqa: INP001 - a hook of mkdocs, no package
"""Orders the pages of the documentation; a page that no section names comes under "More", so none is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SECTIONS: dict[str, tuple[str, ...]] = {
    "Start": ("index.md", "quickstart.md", "installing.md"),
    "Use": (
        "commands.md",
        "restoring.md",
        "runtimes.md",
        "gating.md",
        "adding.md",
        "training.md",
        "dataframe.md",
        "sid.md",
        "two-sids.md",
        "gpu.md",
        "clusters.md",
    ),
    "Understand": (
        "why-different.md",
        "methodology.md",
        "intervals.md",
        "field.md",
        "protocols.md",
        "amplifier.md",
        "metrics.md",
        "data.md",
        "verdicts.md",
        "statements.md",
        "findings.md",
        "unpack.md",
        "gallery.md",
        "roofline.md",
    ),
    "Look up": ("glossary.md", "rooms.md", "licences.md"),
    "API": ("api/llpacknet.md", "api/baselines.md", "api/metrics.md", "api/conformance.md"),
}
REST = "More"


def on_config(config: Any) -> Any:
    """Set the navigation from the pages that are there."""
    folder = Path(config.docs_dir)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}
    sections = {title: [page for page in pages if page in there] for title, pages in SECTIONS.items()}
    named = {page for pages in sections.values() for page in pages}
    sections[REST] = sorted(there - named)
    config.nav = [{title: pages} for title, pages in sections.items() if pages]
    return config
