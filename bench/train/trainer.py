"""The trainer, from top to bottom: options, data, network, the loop, the weights.

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

import numpy as np
import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from baselines.checkpoints import sha256
from baselines.registry import conventions, factory, spec
from bench.train import card, checkpoints, curve
from bench.train.loading import batch_of, batches
from bench.train.losses import LOSSES
from bench.train.progress import Reporter
from bench.train.sources import Data, data_of
from bench.train.starting import start_from
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

WARM_UP_STEPS = 500
LAST_RATE = 0.01
"""Share of the learning rate that is left at the end of the cosine."""

EMA_DECAY = 0.999
FREE = (
    *("out", "steps", "minutes", "threads", "workers", "validate_every", "checkpoint_every_s"),
    *("resume", "unfinished"),
)
"""Options that a resumed run may be given anew."""

LOG_EVERY = 100
PAUSE_FACTOR = 10.0
"""A step that takes so many times longer than usual was paused; it counts as a usual one."""


class Diverged(RuntimeError):  # noqa: N818
    """The loss or the gradient is no longer finite; the last good checkpoint is kept."""


@dataclass(frozen=True)
class Options:
    """What `llbench train` was asked for.

    The run ends after `steps`, or after `minutes` of training where that is given; then its schedule follows
    the clock, and two runs are no longer identical. `photos` and `dataset` exclude each other; `scenes` is
    how many procedural scenes are shown beside the photographs. `init` is a weights file to start from in
    place of random weights. `unfinished` marks the weights as those of a training cut short.
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


def train(options: Options, data: Data | None = None) -> Path:  # noqa: C901, PLR0912, PLR0915
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
    # Where this process stands among those of torchrun; alone without it.
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    first = rank == 0
    device = _device(options)
    _check(options, world)
    recipe = options.recipe()
    saved = _saved(options, recipe)
    if world > 1:
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    if options.threads:
        torch.set_num_threads(options.threads)

    # Data: patches of this process's share of each batch, and fixed pairs to validate on.
    data = data or data_of(options)

    # The network, its optimiser, and the average of its weights.
    torch.manual_seed(options.seed)
    network = _network(options.name)
    if options.init is not None:
        start_from(network, options.init)
    network = network.to(device).train()
    needs_gain, input_clip = conventions(options.name, network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.lr, weight_decay=options.weight_decay)
    average = AveragedModel(network)
    step, seconds, best, best_weights = 0, 0.0, -math.inf, _half(network)
    losses: list[float] = []
    if saved is not None:
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        average.load_state_dict(saved["average"])
        step, seconds, losses = saved["step"], saved["seconds"], saved.get("losses", [])
        best, best_weights = saved["best"], saved["best_weights"]
    parallel: nn.Module = DistributedDataParallel(network) if world > 1 else network

    def restored(model: nn.Module, mosaic: Tensor, ratio: Tensor) -> Tensor:
        if needs_gain:
            mosaic = mosaic * ratio.view(-1, 1, 1, 1)
        if input_clip is not None:
            mosaic = mosaic.clamp(max=input_clip)
        with torch.autocast(device.type, torch.bfloat16, enabled=options.precision == "bf16"):
            output: Tensor = model(mosaic)
        return output.float()

    def validated() -> float:
        average.eval()
        scores = []
        with torch.no_grad():
            for pair in data.validation:
                mosaic, truth, ratio = (each.to(device) for each in batch_of([pair]))
                scores.append(psnr_8bit(restored(average.module, mosaic, ratio), truth))
        return float(np.mean(scores))

    def checkpoint() -> None:
        state = {
            "recipe": recipe,
            "step": step,
            "seconds": seconds,
            "best": best,
            "best_weights": best_weights,
            "losses": losses,
            "network": network.state_dict(),
            "optimiser": optimiser.state_dict(),
            "average": average.state_dict(),
        }
        checkpoints.write(options.out, state)

    weights = options.out / f"{options.name.replace(':', '.')}.safetensors"

    def ship(*, unfinished: bool) -> None:
        curve.draw(options.out, options.name)
        result: dict[str, Any] = {
            "steps": step,
            "seconds": round(seconds),
            "processes": world,
            "validation_psnr": round(best, 3),
            "parameters": sum(each.numel() for each in network.parameters()),
        }
        if unfinished:
            result["unfinished"] = True
        card.write(weights, best_weights, {**recipe, **result}, data.credited)

    def progress() -> float:
        return step / options.steps if options.minutes is None else seconds / (60 * options.minutes)

    if first:
        curve.truncate(options.out, step)
    loss_of = LOSSES[options.loss]
    made = batches(data.source, options.batch // world, step, rank, options.workers, device.type == "cuda")
    usual, saved_at = math.inf, time.monotonic()
    with closing(made) as upcoming, _Interrupts() as interrupts, Reporter(options.name, first) as reporter:
        while (done := progress()) < 1:
            started = time.monotonic()
            rate = options.lr * schedule(done, step)
            for group in optimiser.param_groups:
                group["lr"] = rate
            mosaic, truth, ratio = (each.to(device, non_blocking=True) for each in next(upcoming))
            loss = loss_of(restored(parallel, mosaic, ratio), truth, network.parameters(), step)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(network.parameters(), options.clip)
            if not math.isfinite(float(loss.detach() + norm)):
                raise Diverged(
                    f"step {step}: loss {float(loss.detach()):g}, norm of the gradient {float(norm):g}; "
                    f"the last good checkpoint is kept in {options.out}: lower --lr and give another --out"
                )
            optimiser.step()
            average.multi_avg_fn = _ema(min(EMA_DECAY, (1 + step) / (10 + step)))
            average.update_parameters(network)
            losses.append(float(loss.detach()))
            step += 1

            took = time.monotonic() - started
            if took > PAUSE_FACTOR * usual:
                took = usual
            usual = took if math.isinf(usual) else 0.9 * usual + 0.1 * took
            seconds += took
            score = None
            if progress() >= 1 or step % options.validate_every == 0:
                score = validated()
                if score >= best:
                    best, best_weights = score, _half(average.module)
            if score is not None or step % LOG_EVERY == 0:
                mean = float(np.mean(losses))
                losses.clear()
                if first:
                    curve.append(options.out, (step, mean, rate, seconds, score))
                reporter.step(step, progress(), seconds, mean, best if best > -math.inf else None)
            due = time.monotonic() - saved_at >= options.checkpoint_every_s
            if first and (score is not None or due or interrupts.asked):
                checkpoint()
                saved_at = time.monotonic()
            if interrupts.asked:
                if first and best > -math.inf:
                    ship(unfinished=True)
                raise KeyboardInterrupt
        if first:
            ship(unfinished=options.unfinished)
            reporter.say(f"{weights}: {best:.2f} dB on the validation patches after {step} steps")
    if world > 1:
        torch.distributed.destroy_process_group()
    return weights


def schedule(done: float, step: int) -> float:
    """Share of the learning rate: linear warm-up over the first steps, times a cosine over the whole run."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return warm * (LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def psnr_8bit(restored: Tensor, truth: Tensor) -> float:
    """PSNR in dB of pictures in [0, 1]: restored clipped and truncated to 8 bits, truth rounded to them."""
    ours = (restored.clamp(0, 1) * 255).floor()
    error = (ours - (truth * 255).round()).square().mean()
    return float(10 * torch.log10(255**2 / error.clamp(min=1e-10)))


def _ema(decay: float) -> Any:
    return get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]


def _device(options: Options) -> torch.device:
    if options.device == "cuda":
        if not torch.cuda.is_available():
            raise InputError("--device cuda: torch sees no CUDA device; use --device cpu")
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
        raise InputError(f"--batch {options.batch} cannot be divided between {world} processes")
    if world > 1 and options.minutes is not None:
        raise InputError("--minutes follows one process's clock: give --steps under torchrun")
    if spec(options.name).kind != "network":
        raise InputError(f"{options.name} is not learned: there is nothing to train")
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


def _network(name: str) -> nn.Module:
    """Build a network; its weights come from torch's current seed (`baselines.create` has a fixed one)."""
    network: nn.Module = factory(name)()
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise InputError(f"{name} has no trainable parameters")
    return network


def _half(module: nn.Module) -> dict[str, Tensor]:
    """Half-precision copy of the weights on the CPU, with the names of the network's own state dict."""
    return {
        name: value.detach().to("cpu", torch.float16 if value.is_floating_point() else value.dtype, copy=True)
        for name, value in module.state_dict().items()
    }


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
