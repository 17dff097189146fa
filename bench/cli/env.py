"""`llbench env`: what every result records about this machine."""

from __future__ import annotations

import json
from typing import Any

import click

from bench.cli.examples import examples


@click.command(epilog=examples("llbench env", "llbench env --json"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(as_json: bool) -> None:
    """Show what every result records about this machine: no user name, host name or path."""
    from bench.machine.environment import machine, moment
    from bench.records import provenance

    facts = {**machine(), "now": moment(), "code": provenance.base()}
    if as_json:
        print(json.dumps(facts, indent=1))
        return
    for line in _lines(facts, ""):
        print(line)


def _lines(value: dict[str, Any], indent: str) -> list[str]:
    lines = []
    for key, part in value.items():
        if isinstance(part, dict):
            lines += [f"{indent}{key}", *_lines(part, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {'-' if part is None or part == [] else _text(part)}")
    return lines


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, int) and value >= 1_000_000:
        return f"{value / 1e9:.2f} GB"
    return str(value)
