"""The trainer, from top to bottom: options, data, networks, the loop, the weights.

All that a step needs is a function of the seed and the step's number, and a checkpoint holds all the rest, so
a run that was killed and resumed ends with the same weights, bit for bit (on a CPU, with the same number of
threads). Under `torchrun` every process trains on its own share of each batch.
"""

from __future__ import annotations

import math
import os
import signal
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import torch
import torch.distributed

from baselines.checkpoints import sha256
from baselines.registry import spec
from bench.train import checkpoints, curve
from bench.train.learner import Diverged, Learner
from bench.train.loading import batches
from bench.train.progress import Reporter
from bench.train.sources import Data, data_of
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WARM_UP_STEPS = 500
LAST_RATE = 0.01
"""Share of the learning rate that is left at the end of the cosine."""

FREE = (
    *("out", "steps", "minutes", "threads", "workers", "validate_every", "checkpoint_every_s"),
    *("graph", "resume", "unfinished"),
)
"""Options that a resumed run may be given anew."""

LOG_EVERY = 100
PAUSE_FACTOR = 10.0
"""A step that takes so many times longer than usual was paused; it counts as a usual one."""


@dataclass(frozen=True)
class Options:
    """What `llbench train` was asked for.

    The run ends after `steps`, or after `minutes` of training where that is given; then its schedule follows
    the clock, and two runs are no longer identical. `photos` and `dataset` exclude each other; `scenes` is
    how many procedural scenes are shown beside the photographs. `init` is a weights file to start from in
    place of random weights. `graph` lets a CUDA device replay a recorded step. `unfinished` marks the weights
    as those of a training cut short.
    """

    name: str
    out: Path
    photos: Path | None = None
    dataset: Path | None = None
    validation: Path | None = None
    scenes: int = 0
    init: Path | None = None
    steps: int = 16_000
    minutes: float | None = None
    batch: int = 4
    patch: int = 256
    lr: float = 1.5e-3
    weight_decay: float = 0.0
    clip: float = 1.0
    loss: str = "l1"
    seed: int = 0
    device: str = "cpu"
    precision: str = "fp32"
    graph: bool = True
    threads: int | None = None
    workers: int | None = None
    validate_every: int = 500
    checkpoint_every_s: float = 120.0
    resume: bool = False
    unfinished: bool = False

    def recipe(self) -> dict[str, Any]:
        """Say what a resumed run must share with the run it goes on with; of folders only their names."""
        fixed = asdict(self)
        for free in FREE:
            del fixed[free]
        for place in ("photos", "dataset", "validation", "init"):
            fixed[place] = fixed[place] and fixed[place].name
        if not self.scenes:
            del fixed["scenes"]
        if self.init is not None:
            fixed["init_sha256"] = sha256(self.init)
        return fixed


def train(options: Options, data: Data | None = None) -> Path:
    """Train a network and write its weights, model card, log and curve under `options.out`.

    Args:
        options: what to train, on what, and how.
        data: what to train and to validate on, where it is not what `options` say.

    Returns:
        The weights' file: fp16 safetensors of the averaged weights that validated best.

    Raises:
        InputError: for unusable options or data, or an output folder that holds another run.
        Diverged: where the loss or gradient became infinite or NaN.
        KeyboardInterrupt: after SIGINT or SIGTERM, once a checkpoint is written, and the weights that
            validated best so far, which their card calls unfinished.
    """
    (weights,) = train_side_by_side([options], data)
    return weights


def train_side_by_side(runs: Sequence[Options], data: Data | None = None) -> list[Path]:  # noqa: C901, PLR0912, PLR0915
    """Train several networks on the same patches, step by step; each ends as it would alone.

    Args:
        runs: what to train; they may differ in the network's name and the output folder only.
        data: as for `train`.

    Returns:
        The weights' files, in the order of the runs.

    Raises:
        InputError, KeyboardInterrupt: as `train`.
        Diverged: once all other networks are trained.
    """
    # Where this process stands among those of torchrun; alone without it.
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    first = rank == 0
    shared = runs[0]
    device = _device(shared)
    for options in runs:
        _check(options, world)
    recipes = [options.recipe() for options in runs]
    saved = [_saved(options, recipe) for options, recipe in zip(runs, recipes, strict=True)]
    if world > 1:
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    if shared.threads:
        torch.set_num_threads(shared.threads)

    # Data: patches of this process's share of each batch, and fixed pairs to validate on.
    data = data or data_of(shared)

    # The networks. Those of an interrupted run may be some steps apart: the later ones wait for the others.
    names = [options.name for options in runs]
    learners = [
        Learner(
            options, recipe, before, device, data, world, [name for name in names if name != options.name]
        )
        for options, recipe, before in zip(runs, recipes, saved, strict=True)
    ]
    step, seconds = min((each.step, each.seconds) for each in learners)

    def progress() -> float:
        return step / shared.steps if shared.minutes is None else seconds / (60 * shared.minutes)

    if first:
        for each in learners:
            curve.truncate(each.options.out, each.step)
    made = batches(data.source, shared.batch // world, step, rank, shared.workers, device.type == "cuda")
    running, diverged = list(learners), list[Diverged]()
    usual = math.inf
    title = names[0] if len(names) == 1 else f"{len(names)} networks"
    with closing(made) as upcoming, _Interrupts() as interrupts, Reporter(title, first) as reporter:
        while running and (done := progress()) < 1:
            started = time.monotonic()
            rate = shared.lr * schedule(done, step)
            mosaic, truth, ratio = (each.to(device, non_blocking=True) for each in next(upcoming))
            learning = [each for each in running if each.step == step]
            for each in learning:
                each.launch((mosaic, truth, ratio), rate)
            for each in tuple(learning):
                try:
                    each.settle()
                except Diverged as error:
                    reporter.say(f"llbench: {error}")
                    diverged.append(error)
                    learning.remove(each)
                    running.remove(each)
            step += 1

            took = time.monotonic() - started
            if took > PAUSE_FACTOR * usual:
                took = usual
            usual = took if math.isinf(usual) else 0.9 * usual + 0.1 * took
            seconds += took
            validating = progress() >= 1 or step % shared.validate_every == 0
            for each in learning:
                each.seconds += took
                score = each.validate() if validating else None
                if first and (validating or step % LOG_EVERY == 0):
                    reporter.step(
                        each.options.name, step, progress(), seconds, each.log(rate, score), each.best
                    )
                if first and (validating or each.checkpoint_due or interrupts.asked):
                    each.checkpoint()
            if interrupts.asked:
                for each in running:
                    if first and each.best > -math.inf:
                        each.ship(unfinished=True)
                raise KeyboardInterrupt
        if first:
            for each in running:
                each.ship(unfinished=shared.unfinished)
                reporter.say(
                    f"{each.weights}: {each.best:.2f} dB on the validation patches after {each.step} steps"
                )
    if world > 1:
        torch.distributed.destroy_process_group()
    if diverged:
        raise diverged[0]
    return [each.weights for each in learners]


def schedule(done: float, step: int) -> float:
    """Share of the learning rate: linear warm-up over the first steps, times a cosine over the whole run."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return warm * (LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def _device(options: Options) -> torch.device:
    if options.device == "cuda":
        if not torch.cuda.is_available():
            raise InputError("--device cuda: torch sees no CUDA device; use --device cpu")
        # Patches have one size: cuDNN may look for its fastest kernels once.
        torch.backends.cudnn.benchmark = True
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device(options.device)


def _check(options: Options, world: int) -> None:
    if (options.photos is None) == (options.dataset is None):
        raise InputError(
            "give either --photos DIR (python -m bench.train.gather DIR fills one) or --dataset DIR"
        )
    if options.init is not None and not options.init.is_file():
        raise InputError(f"--init: there is no weights file {options.init}: check the name")
    if options.scenes and options.photos is None:
        raise InputError("--scenes joins --photos: a real data set is trained on as it is")
    if options.batch % world:
        raise InputError(
            f"--batch {options.batch} cannot be divided between {world} processes: give a multiple of {world}"
        )
    if world > 1 and options.minutes is not None:
        raise InputError("--minutes follows one process's clock: give --steps under torchrun")
    if spec(options.name).kind != "network":
        raise InputError(f"{options.name} is not learned: there is nothing to train; name a network")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {options.out} cannot be made ({error}): give another folder") from error


def _saved(options: Options, recipe: dict[str, Any]) -> dict[str, Any] | None:
    """Return the checkpoint to go on from; None to start."""
    saved = checkpoints.read(options.out)
    if saved is None:
        return None
    if not options.resume:
        raise InputError(f"{options.out} holds a training run: go on with --resume, or give another --out")
    before = saved["recipe"]
    differing = [
        f"{key} was {before.get(key)}"
        for key in sorted(before.keys() | recipe.keys())
        if before.get(key) != recipe.get(key)
    ]
    if differing:
        raise InputError(
            f"{options.out} holds a run of another recipe ({', '.join(differing)}): give the same"
        )
    return saved


class _Interrupts:
    """Turns SIGINT and SIGTERM into a question that the loop answers between two steps."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> Self:
        def ask(*_: object) -> None:
            self.asked = True

        self._before = {which: signal.signal(which, ask) for which in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for which, handler in self._before.items():
            signal.signal(which, handler)
