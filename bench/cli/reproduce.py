"""`llbench reproduce`: the main job, from raw files to Table 1."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bench.cli.crew import cluster_options, crew
from bench.cli.examples import examples
from bench.cli.options import chosen_models, only_free_option, request_options, results_options


@click.command(
    epilog=examples(
        "llbench reproduce                    # all methods at full resolution, three images",
        "llbench reproduce --tier smoke       # one small scene, a check of the installation",
        "llbench reproduce --dataset ~/SID    # on the Sony half of See-in-the-Dark",
        "llbench reproduce --models my_package.network:factory,llpacknet-2020,llpacknet,gain-only --out mine",
    )
)
@request_options(
    *(
        "dataset",
        "tier",
        "models",
        "device",
        "size",
        "threads",
        "rounds",
        "images",
        "seed",
        "black",
        "weights",
    ),
    tier={"default": "quick", "show_default": True},
    models={"help": "Names separated by commas, 'all' or 'field'; default: those of the tier."},
    dataset={"help": "Folder in SID's layout, or its address (s3://…); default: generated."},
    size={"help": "Frame size of generated data; default: that of the tier."},
    rounds={"help": "Interleaved rounds of latency; default: as the tier says."},
    images={"help": "Most images to score per protocol; default: as the tier says."},
)
@only_free_option
@click.option(
    "--offline", is_flag=True, help="Download nothing; LPIPS is skipped if its backbone is missing."
)
@click.option(
    "--budget",
    type=click.FloatRange(0, min_open=True),
    metavar="MINUTES",
    help="Stop after about this many minutes; the rest is left for --resume.",
)
@cluster_options
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("out"), show_default=True, help="Results folder."
)
@results_options
def command(
    only_free: bool,
    offline: bool,
    budget: float | None,
    cluster: str | None,
    every_host: bool,
    out: Path,
    resume: bool,
    as_json: bool,
    **asked: Any,
) -> int:
    """Generate dark raws if none are given, measure, and write tables, figures, verdicts and a report."""
    from bench.cli import main_job  # loads what measures; --help need not
    from bench.run.request import Request

    request = Request(**asked)
    request = replace(request, models=chosen_models(request.methods, only_free=only_free))
    with crew(cluster, every_host=every_host) as workers:
        return main_job.do(
            workers.suited(request),
            workers,
            out,
            resume=resume,
            offline=offline,
            budget_min=budget,
            as_json=as_json,
        )
