"""`llbench train`: train a network on photographs through the camera model, or on a real data set."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from bench.cli.completing import method
from bench.cli.examples import examples
from llpacknet.errors import InputError, one_line

LOSSES = ("l1", "l1+ms-ssim", "2020")
FOLDER = click.Path(file_okay=False, path_type=Path)

# What --plan leaves to the command line; all else is a matter of the plan.
BESIDE_A_PLAN = frozenset(
    {"names", "plan", "photos", "out", "device", "precision", "threads", "workers", "resume"}
)


@click.command(
    epilog=examples(
        "python -m bench.train.gather photos",
        "llbench train llpacknet --photos photos --minutes 60",
        "llbench train llpacknet red sid-unet --photos photos --device cuda",
        "llbench train my_package.network:factory --dataset ~/SID --device cuda",
        "llbench train --plan benchmarks/weights.toml --photos photos",
        more="Details: docs/training.md.",
    )
)
@click.argument("names", metavar="NAME...", nargs=-1, shell_complete=method)
@click.option("--plan", type=click.Path(dir_okay=False, path_type=Path),
              help="Train what this TOML file lists, on its terms; with NAME, only these "
              "networks.")  # fmt: skip
@click.option(
    "--photos",
    type=FOLDER,
    help="Train on photographs (JPEG, PNG; at least 6, better 40) through the camera model.",
)
@click.option("--dataset", type=FOLDER, help="Train on a data set in SID's layout (ids that begin with 0).")
@click.option(
    "--val", "validation", type=FOLDER, help="Photographs to validate on. [default: one in six of --photos]"
)
@click.option("--camera", type=click.Path(dir_okay=False, path_type=Path),
              help="CSV from `data calibrate`: expose --photos with that camera's noise instead of the "
              "Sony A7S II's, at those of SID's ISOs that it covers.")  # fmt: skip
@click.option("--scenes", default=0, show_default=True, type=click.IntRange(0),
              help="Number of procedural scenes to use in addition to --photos.")  # fmt: skip
@click.option("--init", type=click.Path(dir_okay=False, path_type=Path),
              help="Weights file to start from, of this network or one with the same layers.")  # fmt: skip
@click.option("--out", type=FOLDER,
              help="Folder of this run, with a subfolder per network if there are several. [default: "
              "training/NAME]")  # fmt: skip
@click.option("--resume", is_flag=True, help="Resume the run in --out, or start one if there is none.")
@click.option(
    "--steps", default=16_000, show_default=True, type=click.IntRange(1), help="Number of training steps."
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True),
              help="Length in minutes instead of --steps; several networks share it.")  # fmt: skip
@click.option("--batch", default=4, show_default=True, type=click.IntRange(1), help="Patches in each step.")
@click.option("--patch", default=256, show_default=True, type=int, help="Side of a patch, a multiple of 16.")
@click.option("--lr", default=1.5e-3, show_default=True, type=click.FloatRange(0, min_open=True),
              help="Peak learning rate.")  # fmt: skip
@click.option(
    "--weight-decay", default=0.0, show_default=True, type=click.FloatRange(0), help="Weight decay of AdamW."
)
@click.option("--clip", default=1.0, show_default=True, type=click.FloatRange(0, min_open=True),
              help="Gradient norm to clip at.")  # fmt: skip
@click.option("--loss", default="l1", show_default=True, type=click.Choice(LOSSES), help="Loss to minimise.")
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="Random seed; the same seed gives the same weights.",
)
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    type=click.Choice(["cpu", "cuda"]),
    help="Device to train on.",
)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16"]),
    help="Number format of the forward pass. [default: bf16 on cuda, fp32 on cpu]",
)
@click.option("--graph/--no-graph", default=True,
              help="Record a training step as a CUDA graph and replay it (one GPU only). [default: "
              "--graph]")  # fmt: skip
@click.option("--threads", type=click.IntRange(1), help="CPU threads for the network.")
@click.option(
    "--workers", type=click.IntRange(0), help="Processes that prepare patches. [default: half the cores]"
)
@click.option(
    "--validate-every",
    default=500,
    show_default=True,
    type=click.IntRange(1),
    help="Steps between validations.",
)
@click.option("--checkpoint-every", "checkpoint_every_s", default=120.0, show_default=True,
              type=click.FloatRange(0), help="Seconds between checkpoints.")  # fmt: skip
@click.option("--restarts", default=0, show_default=True, type=click.IntRange(0),
              help="How many times a loss spike may take the run back to a checkpoint, at half the "
              "learning rate.")  # fmt: skip
@click.option("--unfinished", is_flag=True,
              help="Mark the weights as unfinished: tables show them but never rank them.")  # fmt: skip
def command(names: tuple[str, ...], plan: Path | None, out: Path | None, **chosen: Any) -> int:
    """Train the network NAME and write its weights, model card, log and curve to --out.

    Several networks are trained side by side on the same patches; each ends up as if trained alone.
    With --plan, a file says what is trained and how; unfinished trainings are resumed.

    At least 6 photographs are needed, because every sixth is kept for validation unless a list says
    otherwise; the shipped weights were trained on 36. On two cores the default 16,000 steps take about an
    hour and a half for LLPackNet and six and a half for SID's U-Net. The remaining time is shown; --minutes
    sets a length.

    A photograph or pair that cannot be used is reported and skipped; the exit status is then 1.
    A run that was interrupted or killed resumes with --resume. For several GPUs start it with torchrun:
    `torchrun --nproc-per-node 4 -m bench train NAME ... --device cuda`.
    """
    # Read once, when torch loads OpenMP: threads that wait must sleep, or they take the cores from the
    # processes that make the patches (a step took six times as long on two cores).
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from bench.train.learner import Diverged
    from bench.train.options import Options
    from bench.train.session import Session

    if plan is not None:
        _refuse_beside_a_plan()
        return _carry_out(plan, names, out, chosen)
    _check_names(names, chosen["init"])
    if chosen["camera"] is not None and chosen["photos"] is not None:
        _say_what_is_covered(chosen["camera"])
    # The options of this verb are the fields of `Options`, by the same names.
    chosen["precision"] = chosen["precision"] or ("bf16" if chosen["device"] == "cuda" else "fp32")
    session = Session([Options(name=name, out=_folder(name, names, out), **chosen) for name in names])
    try:
        session.run()
    except Diverged:  # said while the others went on
        return 1
    return 1 if session.data.unusable() else 0


def _check_names(names: tuple[str, ...], init: Path | None) -> None:
    if not names:
        raise InputError("give the name of a network to train, or --plan FILE")
    if len(set(names)) < len(names):
        raise InputError("a network was given twice: give each once")
    if init is not None and len(names) > 1:
        raise InputError("--init is for a single network: train the others separately")


def _say_what_is_covered(camera: Path) -> None:
    """Say where a camera's table narrows which of SID's settings are drawn."""
    from bench.data.making.noise_table import read
    from bench.train.patches import covered, exposures

    count, of = len(covered(read(camera))), len(exposures())
    if count < of:
        print(
            f"llbench: {one_line(camera.name)} covers the ISO of {count} of SID's {of} training pairs: "
            "settings are drawn from these",
            file=sys.stderr,
            flush=True,
        )


def _folder(name: str, names: tuple[str, ...], out: Path | None) -> Path:
    safe = name.replace(":", ".")
    if out is None:
        return Path("training") / safe
    return out / safe if len(names) > 1 else out


def _refuse_beside_a_plan() -> None:
    context = click.get_current_context()
    for option in context.command.params:
        name = option.name or ""
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name not in BESIDE_A_PLAN:
            raise InputError(f"{option.opts[0]} is set by the plan: drop the option, or change the plan")


def _carry_out(plan: Path, names: tuple[str, ...], out: Path | None, chosen: dict[str, Any]) -> int:
    from bench.train import weights_plan

    if chosen["photos"] is None:
        raise InputError("--plan needs --photos DIR (python -m bench.train.gather DIR fills one)")
    wanted = weights_plan.read(plan).of(names)
    where = {name: chosen[name] for name in ("device", "precision", "threads", "workers")}
    place = weights_plan.Place(chosen["photos"], out or Path("training"), **where)
    left_out: set[str] = set()
    finished = weights_plan.carry_out(wanted, place, left_out)
    trainings = sum(len(row.networks) * len(row.seeds) for row in wanted.rows)
    return 0 if len(finished) == trainings and not left_out else 1
