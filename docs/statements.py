# ruff: noqa: INP001 - a script, no package
"""Writes the page that lists what the sources state, with the claim that covers it or why none can.

    python docs/statements.py

`tests/judge/test_statements.py` compares the page with `docs/statements.toml` and the claims.
"""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from bench.judge import stated

PAGE = Path(__file__).with_suffix(".md")
INTRODUCTION = """# Statements of the sources

This page lists, in our words, what the paper, the authors' README and code, and RED's table state, with the
claims that cover each statement, or the reason why there is none. A claim counts only if something that is
measured here could decide it, or if it is known what that would take. {count} claims cover {covered} of {all}
statements. For the results, see [Verdicts](verdicts.md).

In claims of the README and the paper, LLPackNet is the network of 2020 (`llpacknet-2020`). RED's table gives
it the true ratio, which that network as published does not take; there the release of 2022 stands for it
(`llpacknet`), which is the same trunk with weight-norm and a sigmoid.
"""


def sources() -> list[dict[str, Any]]:
    """Return the sources with their statements, as `docs/statements.toml` lists them."""
    found = tomllib.loads(PAGE.with_suffix(".toml").read_text(encoding="utf-8"))
    return list(found["source"])


def titles() -> dict[str, str]:
    """Return the title of every claim and conflict by its name."""
    claims, conflicts = stated.load()
    return {one.id: one.title for one in (*claims, *conflicts)}


def covering(statement: dict[str, Any], known: dict[str, str]) -> list[str]:
    """Name the claims that cover a statement, in the order of the claims.

    Raises:
        ValueError: it names a claim that there is not.
    """
    wanted = statement.get("claims", [])
    for pattern in wanted:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise ValueError(f"statements.toml: {statement['says']!r} names {pattern}, which is no claim")
    return [name for name in known if any(fnmatchcase(name, pattern) for pattern in wanted)]


def page() -> str:
    """Return the page."""
    known, parts, all_of_them = titles(), [], [one for source in sources() for one in source["statement"]]
    for source in sources():
        rows = "\n".join(_row(one, known) for one in source["statement"])
        head = "| Where | What it states | Claims, or why there is none |\n| :--- | :--- | :--- |"
        parts.append(f"## {source['name']}\n\n{source['at']}.\n\n{head}\n{rows}")
    covered = sum("claims" in one for one in all_of_them)
    introduction = INTRODUCTION.format(count=len(known), covered=covered, all=len(all_of_them))
    return "\n\n".join([introduction.rstrip(), *parts]) + "\n"


def _row(statement: dict[str, Any], known: dict[str, str]) -> str:
    names = covering(statement, known)
    said = "; ".join(f"{known[name]} (`{name}`)" for name in names) if names else f"None. {statement['why']}"
    return f"| {statement['where']} | {statement['says']} | {said} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
