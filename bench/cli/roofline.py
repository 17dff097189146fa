"""`llbench roofline`: how close each form of a network comes to the processor's peak."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.examples import examples
from bench.cli.options import chosen_models, only_free_option, request_options
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from bench.judge.results import Results

# What the tables and the figure are made from.
NEEDED = ("complexity", "latency", "profile")
# UnPack's network, whose cell `kernels` holds the machine's peaks.
KERNELS = "llpacknet"
FORMS = (("published", "eager", "onnxruntime", "openvino"), ("fp32", "bf16", "int8"))


@click.command(
    short_help="how close each network comes to the processor's peak",
    epilog=examples("llbench roofline out", "llbench roofline --models llpacknet --out roofline"),
)
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@request_options(
    *("models", "runtimes", "precisions", "size", "threads", "rounds", "weights"),
    runtimes={"default": ",".join(FORMS[0])},
    precisions={"default": ",".join(FORMS[1])},
    size={"help": "Frame size."},
)
@only_free_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the results that --models measures.")
@click.option("--resume", is_flag=True, help="Resume a run in a folder that already holds results.")
def command(
    folder: Path | None,
    models: tuple[str, ...],
    only_free: bool,
    out: Path | None,
    resume: bool,
    **asked: Any,
) -> int:
    """Show how close each form comes to the processor's peak, and where the rest of the time goes.

    DIR is a results folder with latency, complexity and kernels cells; profile cells add where the time goes.
    Writes the tables of floors and profiles to DIR/tables and a figure of floors to DIR/figures. With
    --models, everything needed is measured first, in --out.
    """
    if (folder is None) == (not models):
        raise InputError("give a results folder to read, or --models and --out to measure anew")
    if models and out is None:
        raise InputError("--models measures, so give a folder for the results with --out")
    failed = 0
    if folder is None:
        assert out is not None
        failed = _measured(chosen_models(models, only_free=only_free), out, resume=resume, **asked)
        folder = out
    from bench.judge.results import Results

    _show(folder, Results.load(folder))
    return 1 if failed else 0


def _measured(models: tuple[str, ...], out: Path, *, resume: bool, **asked: Any) -> int:
    """Measure what is needed; returns the number of failed cells."""
    from bench.cli.crew import crew
    from bench.cli.run import announce
    from bench.run import progress
    from bench.run.plan import plan
    from bench.run.request import Request

    peaks = {name: asked[name] for name in ("size", "threads", "rounds")}
    with crew(None) as workers:
        whole = plan(workers.suited(Request(models, NEEDED, **asked)))
        kernels = plan(workers.suited(Request((KERNELS,), ("kernels",), **peaks)))
        whole = replace(whole, jobs=(*kernels.jobs, *whole.jobs))
        announce(whole)
        summary = workers.execute(whole, out, resume=resume, progress=progress.for_stream())
    return summary.failed


def _show(folder: Path, results: Results) -> None:
    from rich.console import Console

    from bench.show.figures import floor_bars, style
    from bench.show.tables import standings, table1, writers

    made = [standings.floor_table(results), standings.profile_table(results)]
    tables = [table for table in made if table is not None]
    if made[0] is None:
        raise InputError(
            f"{folder} has no times with a measured roof: it needs cells of latency, complexity and "
            "kernels of one frame and thread count ('llbench roofline --models llpacknet --out DIR')"
        )
    table1.write_all(folder, tables)
    with style.styled():
        drawn = floor_bars.figure(results)
        assert drawn is not None
        style.save(drawn.figure, folder / "figures", drawn.name)
    console = Console()
    for table in tables:
        console.print(writers.as_rich(table))
    console.print(f"Figure: {folder / 'figures' / f'{drawn.name}.png'}", highlight=False)
