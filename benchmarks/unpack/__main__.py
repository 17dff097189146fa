"""`python -m benchmarks.unpack`: train the arms, or resume them, and show what is there."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.unpack.arms import Arm

# Folder beside the results where trainings lie until they are done.
UNFINISHED = "unfinished"


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "--photos", type=click.Path(path_type=Path), help="Folder of photographs; without it nothing is trained."
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("unpack"), help="Results folder.")
@click.option("--arms", default="all", help="Names separated by commas, or 'all'.")
@click.option("--seeds", type=click.IntRange(1), default=3, help="Number of seeds, starting from 0.")
@click.option("--steps", type=click.IntRange(1), default=1500, help="Length of each training.")
@click.option("--threads", type=click.IntRange(1), default=1, help="CPU threads for the network.")
@click.option("--workers", type=click.IntRange(0), default=1, help="Processes that prepare patches.")
def command(
    photos: Path | None, out: Path, arms: str, seeds: int, steps: int, threads: int, workers: int
) -> None:
    """Train LLPackNet's trunk with one thing changed at a time, and compare the arms seed by seed.

    Each arm and seed that is done has its file under OUT/runs and is not trained again; one that was
    interrupted or killed resumes where it was. Without --photos only the tables and the figure are made.
    """
    # Before torch is loaded, as in `llbench train`.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        if photos is not None:
            _train(photos, out, _chosen(arms), seeds, steps, threads, workers)
        _show(out)
    except InputError as error:
        print(f"unpack: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    except KeyboardInterrupt:
        print("unpack: interrupted; the same command resumes from here", file=sys.stderr)
        raise SystemExit(130) from None


def _chosen(names: str) -> Sequence[Arm]:
    from benchmarks.unpack.arms import ARMS

    if names == "all":
        return ARMS
    known = {arm.name: arm for arm in ARMS}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise InputError(f"--arms: there is no arm {unknown[0] if unknown else ''!r}: {', '.join(known)}")
    return [known[name] for name in wanted]


def _train(
    photos: Path, out: Path, arms: Sequence[Arm], seeds: int, steps: int, threads: int, workers: int
) -> None:
    from benchmarks.unpack import running

    setting = running.Setting(steps=steps, photographs=running.digest_of(photos))
    trainings = running.run(
        setting, photos, out, out / UNFINISHED, arms, range(seeds), threads=threads, workers=workers
    )
    for outcome in trainings:
        result = outcome.diverged or f"{outcome.psnr:.2f} dB"
        print(f"{outcome.arm}, seed {outcome.seed}: {result}", flush=True)


def _show(out: Path) -> None:
    from benchmarks.unpack import running, showing

    outcomes, setting = running.read_all(out)
    files = showing.write(out, outcomes, setting)
    print((out / f"{showing.NAME}.md").read_text(encoding="utf-8"))
    print(f"{len(outcomes)} trainings; wrote {', '.join(path.name for path in files)} to {out}")


if __name__ == "__main__":
    command()
