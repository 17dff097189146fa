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
        "llbench reproduce                    # all methods at full resolution, three pictures",
        "llbench reproduce --tier smoke       # one small scene, a check of the installation",
        "llbench reproduce --dataset ~/SID    # on the Sony half of See-in-the-Dark",
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
    models={"help": "Names with commas between, 'all' or 'field'; default: the tier's."},
    dataset={"help": "Folder in SID's layout, or its address (s3://…); made if not given."},
    size={"help": "Frame size of made data instead of the tier's."},
    rounds={"help": "Interleaved rounds of latency; default: the tier's."},
    images={"help": "Judged per protocol, at most; default: the tier's."},
)
@only_free_option
@click.option("--offline", is_flag=True, help="Fetch nothing; LPIPS is then left out if it is not at hand.")
@click.option(
    "--budget",
    type=click.FloatRange(0, min_open=True),
    metavar="MINUTES",
    help="Leave what does not fit into so many minutes for --resume.",
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
    """Make dark raws if none are given, measure, and write tables, figures, verdicts and report into OUT."""
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
