"""`llbench models`: the registry as a table; `llbench models check NAME`: the conformance test."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import click

from baselines import names, spec, weights_path
from baselines.own import check_name
from bench.cli.completing import method
from bench.cli.examples import examples
from bench.cli.options import only_free_option, weights_option
from llpacknet.errors import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from baselines.spec import Spec
    from bench.measure.conformance.findings import Finding

# Columns of the table where the output is no terminal.
PLAIN_WIDTH = 160


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "llbench models", "llbench models --json", "llbench models check my_package.network:factory"
    ),
)
@only_free_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@click.pass_context
def command(context: click.Context, only_free: bool, as_json: bool) -> None:
    """List the registered methods, one row each."""
    if context.invoked_subcommand is not None:
        return
    shown = [name for name in names() if not (only_free and spec(name).restricted)]
    if as_json:
        click.echo(json.dumps([entry(name) for name in shown], indent=1))
    else:
        _print_table(shown)


@command.command(
    short_help="Check that a method follows the calling convention.",
    epilog=examples(
        "llbench models check llpacknet",
        "llbench models check my_package.network:factory --json",
        more="How to add a method: docs/adding.md.",
    ),
)
@click.argument("name", shell_complete=method)
@weights_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def check(name: str, weights: dict[str, Path], as_json: bool) -> int:
    """Check that the method NAME follows the calling convention; exit status 1 if a check fails.

    NAME is a registered name or module:factory. It checks that the method builds, and its
    handling of sizes, batches, determinism, input, gain, dtype, weights, torch's settings, ONNX export and
    memory. Each failure says what to do about it. A network that has no weights is checked with random ones.
    """
    from bench.measure.conformance import runner
    from bench.run.span import weights_choice

    spec(name)
    check_name(name)
    found = []
    for finding in runner.check(name, weights_choice(name, weights)):
        found.append(finding)
        if not as_json:
            _print_finding(finding)
    failed = sum(finding.result == "failed" for finding in found)
    if as_json:
        findings = [dataclasses.asdict(finding) for finding in found]
        click.echo(json.dumps({"name": name, "conforms": not failed, "checks": findings}, indent=1))
    else:
        click.echo(f"{name}: {f'{failed} of {len(found)} checks failed' if failed else 'conforms'}")
    return 1 if failed else 0


def _print_finding(finding: Finding) -> None:
    click.echo(f"{finding.result:<8}{finding.check:<13}{one_line(finding.seen)}")
    if finding.remedy is not None:
        click.echo(f"{'':<8}{'to do:':<13}{one_line(finding.remedy)}")


def entry(name: str) -> dict[str, Any]:
    """Return a method's declaration, whether it works on tiles, and whether it has weights here (or null)."""
    declared = spec(name)
    shipped = weights_path(name) is not None if declared.learned else None
    return {**dataclasses.asdict(declared), "tile_safe": declared.tile_safe, "weights_shipped": shipped}


def _print_table(shown: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Registered methods (GMAC at 2848×4256)", title_justify="left")
    table.add_column("name", no_wrap=True)
    table.add_column("year")
    for heading in ("params", "fused", "GMAC", "sides"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("gain", "weights"):
        table.add_column(heading, no_wrap=True)
    table.add_column("licence", min_width=20)
    for name in shown:
        table.add_row(*_row(spec(name)))
    console = Console()
    (console if console.is_terminal else Console(width=PLAIN_WIDTH)).print(table)


def _row(declared: Spec) -> tuple[str, ...]:
    from bench.records.provenance import weights_facts

    path = weights_path(declared.name)
    shipped = "not shipped" if path is None else "shipped"
    if weights_facts(path).get("weights_unfinished"):
        shipped = "unfinished"
    return (
        declared.name,
        str(declared.year or "–"),
        f"{declared.params:,}" if declared.params else "–",
        f"{declared.params_fused:,}" if declared.params else "–",
        "–" if declared.gmac is None else f"{declared.gmac:,.1f}",
        f"×{declared.size_multiple}",
        "given" if declared.needs_gain else "own",
        shipped if declared.learned else "none needed",
        declared.licence,
    )
