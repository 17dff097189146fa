"""`llbench restore`: restore dark raw photographs."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from bench.cli.counting import counting
from bench.cli.examples import examples
from bench.cli.options import weights_option
from bench.machine.hosting import building, hosting
from bench.machine.wording import plural
from bench.records.forms import DEVICES, PRECISIONS, RUNTIMES
from llpacknet.errors import InputError, one_line

if TYPE_CHECKING:
    from llpacknet.photos.steps import Done
    from llpacknet.restoring import Restorer

KINDS = ("png", "jpeg", "tiff", "dng")


def stops(_: click.Context, __: click.Parameter, value: str | None) -> tuple[float, ...]:
    """Parse comma-separated exposure values; repeated ones count once."""
    try:
        found = tuple(dict.fromkeys(float(part) for part in (value or "0").split(",")))
    except ValueError:
        found = (math.nan,)
    if not all(-10 <= one <= 10 for one in found):
        raise click.BadParameter(f"{value!r}: give stops from -10 to 10, for example -1,0,+1")
    return found


@click.command(
    epilog=examples(
        "llbench restore night.ARW -o night.png",
        "llbench restore holiday/ -o restored --format jpeg --runtime openvino",
        "llbench restore night.NEF -o night.tif --gain 120",
        "llbench restore night.CR3 -o night.dng --ev -1,0,+1",
    )
)
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IN...")
@click.option(
    "-o",
    "--out",
    type=click.Path(),  # a Path would drop the slash after a folder
    required=True,
    help="Output folder, or file for a single image.",
)
@click.option(
    "--model",
    default="llpacknet",
    show_default=True,
    help="Name of a network, or module:factory of your own.",
)
@click.option(
    "--gain",
    default="auto",
    show_default=True,
    help="What the raw is multiplied by. 'auto': the network's own amplifier chooses; for a network "
    "without one, RED's formula estimates it from how dark the raw is.",
)
@click.option("--ev", callback=stops, metavar="STOPS",
              help="Exposure bracket in stops, for example -1,0,+1.")  # fmt: skip
@click.option("--black", type=click.Choice(("file", "per-frame")), default="file", show_default=True,
              help="Black level to subtract: the file's, or one estimated from each frame.")  # fmt: skip
@click.option("--format", "kind", type=click.Choice(KINDS),
              help="png, jpeg, tiff (16 bits) or dng; default: by the suffix of OUT, else png.")  # fmt: skip
@click.option(
    "--runtime",
    type=click.Choice(RUNTIMES),
    default="eager",
    show_default=True,
    help="Runtime of the network.",
)
@click.option("--precision", type=click.Choice(PRECISIONS), default="fp32", show_default=True,
              help="Number format.")  # fmt: skip
@click.option(
    "--device", type=click.Choice(DEVICES), default="cpu", show_default=True, help="Device to run on."
)
@weights_option
@click.option("--threads", type=click.IntRange(1), help="CPU threads; default: all usable cores.")
@click.option("--overwrite", is_flag=True, help="Restore photographs again that already have an image.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per photograph.")
def command(
    inputs: tuple[Path, ...],
    out: str,
    model: str,
    gain: str,
    ev: tuple[float, ...],
    black: str,
    kind: str | None,
    runtime: str,
    precision: str,
    device: str,
    weights: dict[str, Path],
    threads: int | None,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Restore raw photographs from any camera with a Bayer sensor, upright and with their EXIF time.

    A file that cannot be restored is reported and skipped; the exit status is then 1.
    """
    from baselines.own import check_name
    from llpacknet.photos import batch

    check_name(model)
    into_folder = out.endswith(("/", os.sep))
    found = batch.tasks(inputs, Path(out), kind, into_folder=into_folder)  # type: ignore[arg-type]
    todo = batch.bracket(found, ev)
    todo = [replace(task, own_black=black == "per-frame") for task in todo]
    left = [task for task in todo if overwrite or not task.target.exists()]
    if len(left) < len(todo):
        kept = len(todo) - len(left)
        click.echo(f"{kept} already restored and kept (--overwrite restores them again)", err=True)
    if not left:
        return 0
    # The network may be a user's own, which may go to another folder.
    absolute = [replace(task, source=task.source.absolute(), target=task.target.absolute()) for task in left]
    build = partial(_restorer, model, gain, ev, device, runtime, precision, weights, threads)
    ended: list[Done] = []
    noted: set[tuple[Path, str]] = set()
    start = time.perf_counter()
    with hosting() as output, counting("restoring") as advance:
        for number, outcome in enumerate(batch.restore_all(build, absolute)):
            advance(number + 1, len(left))
            done = replace(outcome, task=left[number])
            ended.append(done)
            if as_json:
                _tell_json(done, output)
            else:
                _tell(done, output, noted)
    if len(ended) > 1 and not as_json:
        click.echo(_spent(ended, time.perf_counter() - start), err=True)
    return 1 if any(done.reason is not None for done in ended) else 0


def _spent(ended: list[Done], seconds: float) -> str:
    """Report where the time of several photographs went; their steps overlap."""

    def total(name: str) -> float:
        return float(sum(getattr(done.steps, name) for done in ended))

    sources = len({done.task.source for done in ended})
    photographs = plural(sources, "photograph")
    images = photographs if len(ended) == sources else f"{plural(len(ended), 'image')} of {photographs}"
    each = ", ".join(f"{name} {total(name):.1f} s" for name in ("reading", "network", "writing", "comparing"))
    return (
        f"{images} in {seconds:.1f} s, with overlapping steps: {each}; the network waited "
        f"{total('waited_for_file'):.1f} s for files and {total('waited_for_disk'):.1f} s for images"
    )


def _tell_json(done: Done, output: TextIO) -> None:
    record = {
        "source": str(done.task.source),
        "target": None if done.reason else str(done.task.target),
        "reason": done.reason,
        "gain": done.gain,
        "ev": done.task.ev,
        "colour_difference": asdict(done.difference) if done.difference else None,
        "seconds": round(done.seconds, 3),
        "steps": {name: round(seconds, 3) for name, seconds in asdict(done.steps).items()},
        "notes": list(done.notes),
    }
    print(json.dumps(record), file=output, flush=True)


def _tell(done: Done, output: TextIO, noted: set[tuple[Path, str]]) -> None:
    """Say what came of a photograph; `noted`: the notes said before, as a bracket's images share theirs."""
    for note in done.notes:
        if (done.task.source, note) not in noted:
            print(one_line(f"note: {done.task.source} {note}"), file=sys.stderr, flush=True)
            noted.add((done.task.source, note))
    if done.reason:
        print(f"llbench: not restored: {one_line(done.reason)}", file=sys.stderr, flush=True)
        return
    apart = done.difference
    gain = "" if done.gain is None else f", gain {done.gain:.4g}"
    colour = ""
    if apart:
        colour = f", ΔE00 to LibRaw's rendering {apart.whole:.1f} ({apart.colour:.1f} without lightness)"
    said = f"{done.task.target}: {done.seconds:.2f} s{gain}{colour}"
    print(one_line(said), file=output, flush=True)


def _restorer(
    model: str,
    gain: str,
    ev: tuple[float, ...],
    device: str,
    runtime: str,
    precision: str,
    weights: dict[str, Path],
    threads: int | None,
) -> Restorer:
    from bench.machine import pages
    from bench.machine.collecting import uncollected

    with pages.huge(), uncollected():
        import torch

        torch.empty(1)

    from baselines import create, spec
    from baselines.registry import kind_of, network_of
    from bench.machine import caches
    from bench.machine.environment import wanted_threads
    from llpacknet.denoising import Denoiser
    from llpacknet.restoring import Restorer

    torch.set_num_threads(threads or wanted_threads())
    others = sorted(set(weights) - {model})
    if others:
        raise InputError(f"--weights is for {others[0]} but --model is {model}: give weights for {model}")
    if spec(model).kind == "classical":
        raise InputError(f"{model} is not a network, which restore needs; choose llpacknet, for example")
    with building(model):
        method = create(model, weights.get(model, "shipped"))
    kept = caches.place() / caches.QUANTISED
    chosen = Denoiser if kind_of(model, method) == "denoiser" else Restorer
    network = network_of(model, method)
    restorer = chosen(network, _gain(gain), device, runtime, precision, kept=kept)
    for one in ev:
        restorer.check_bracket(one)
    if restorer.note:
        click.echo(f"note: {restorer.note}", err=True)
    return restorer


def _gain(given: str) -> float | str:
    if given == "auto":
        return given
    try:
        return float(given)
    except ValueError:
        raise InputError(f"a gain must be 'auto' or a positive number, not {given!r}") from None
