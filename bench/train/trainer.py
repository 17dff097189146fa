"""The trainer, from top to bottom: options, data, network, the loop, the weights.

Everything that a step needs is a function of the seed and the step's number, and a checkpoint holds everything
else, so a run that was killed and resumed ends with the same weights, bit for bit (on a CPU, with the same number
of threads). Under `torchrun` every process makes its own share of each batch.
"""

from __future__ import annotations

import importlib
import math
import os
import signal
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
import torch.distributed
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset


from baselines.registry import conventions, spec
from bench.train import card, checkpoints, curve, photographs
from bench.train.losses import LOSSES
from bench.train.patches import Patch, Patches
from bench.train.progress import Reporter
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

WARM_UP_STEPS = 500
LAST_RATE = 0.01
"""Share of the learning rate that is left at the end of the cosine."""

EMA_DECAY = 0.999
VALIDATION_PATCHES, VALIDATION_SIZE, VALIDATION_SEED = 24, 512, 2020
PAUSE_FACTOR = 10.0
"""A step that takes so many times longer than usual was paused; it counts as a usual one."""


class Diverged(RuntimeError):
    """The loss or the gradient is no longer finite; the last good checkpoint is kept."""


class PatchSource(Protocol):
    """Where training pairs come from: photographs through the camera model, or a real data set."""

    def patch(self, step: int, index: int) -> Patch:
        """Return patch `index` of a step; a pure function of both."""


@dataclass(frozen=True)
class Options:
    """What `llbench train` was asked for.

    The schedule ends after `steps`, or after `minutes` of training time where that is given; then it follows the
    clock, and two runs are no longer identical. `photos` and `dataset` exclude each other.
    """

    name: str
    out: Path
    photos: Path | None = None
    dataset: Path | None = None
    validation: Path | None = None
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

    def recipe(self) -> dict[str, Any]:
        """What a resumed run must share with the run it resumes."""
        free = {"out", "steps", "minutes", "workers", "threads", "validate_every", "checkpoint_every_s", "resume"}
        places = {"photos", "dataset", "validation"}
        return {
            key: (str(value) if key in places and value is not None else value)
            for key, value in asdict(self).items()
            if key not in free
        }


def train(options: Options) -> Path:
    """Train a network and write its weights, model card, log and curve under `options.out`.

    Returns:
        The weights' file: fp16 safetensors of the averaged weights that validated best.

    Raises:
        InputError: for unusable options or data, or an output folder that holds another run.
        Diverged: where the loss or gradient became infinite or NaN.
        KeyboardInterrupt: after SIGINT or SIGTERM, once a checkpoint is written.
    """
    # Where this process stands among those of torchrun; alone without it.
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    device = _device(options)
    first = rank == 0
    if world > 1:
        if options.minutes is not None:
            raise InputError("--minutes follows one process's clock: give --steps under torchrun")
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    if options.threads:
        torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    saved = _saved(options)

    # Data: patches of this process's share of each batch, and fixed pairs to validate on.
    source, validation, credits = _data(options)
    declared = spec(options.name)

    # The network, its optimiser, and the average of its weights.
    torch.manual_seed(options.seed)
    network = _network(options.name, declared.factory).to(device).train()
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise InputError(f"{options.name} has no trainable parameters")
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.lr, weight_decay=options.weight_decay)
    average = AveragedModel(network)
    step, seconds, best, best_state = 0, 0.0, -math.inf, None
    if saved is not None:
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        average.load_state_dict(saved["average"])
        step, seconds, best, best_state = saved["step"], saved["seconds"], saved["best"], saved["best_state"]
    parallel: nn.Module = DistributedDataParallel(network) if world > 1 else network
    needs_gain, input_clip = conventions(options.name, network)

    def amplified(mosaic: Tensor, ratio: Tensor) -> Tensor:
        if needs_gain:
            mosaic = mosaic * ratio.view(-1, 1, 1, 1)
        return mosaic if input_clip is None else mosaic.clamp(max=input_clip)

    def restored(model: nn.Module, mosaic: Tensor, ratio: Tensor) -> Tensor:
        half = options.precision == "bf16"
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            output: Tensor = model(amplified(mosaic, ratio))
        return output.float()

    def validated() -> float:
        average.eval()
        scores = []
        with torch.no_grad():
            for pair in validation:
                mosaic, truth, ratio = (each.to(device) for each in _batch([pair]))
                scores.append(psnr_8bit(restored(average.module, mosaic, ratio), truth))
        return float(np.mean(scores))

    def checkpoint() -> None:
        if first:
            state = {
                "recipe": options.recipe(), "step": step, "seconds": seconds, "best": best, "best_state": best_state,
                "network": network.state_dict(), "optimiser": optimiser.state_dict(), "average": average.state_dict(),
            }  # fmt: skip
            checkpoints.write(options.out, state)

    loss_of = LOSSES[options.loss]
    batches = iter(_loader(source, options, step, rank, world))
    if first:
        curve.truncate(options.out, step)
    losses: list[Tensor] = []
    usual_s, saved_at = math.inf, time.monotonic()
    with _Interrupts() as interrupts, Reporter(options.name, first) as reporter:
        while (done := _progress(options, step, seconds)) < 1:
            started = time.monotonic()
            rate = options.lr * schedule(done, step)
            for group in optimiser.param_groups:
                group["lr"] = rate
            mosaic, truth, ratio = (each.to(device, non_blocking=True) for each in next(batches))
            loss = loss_of(restored(parallel, mosaic, ratio), truth, network.parameters(), step)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(network.parameters(), options.clip)
            if not math.isfinite(float(loss.detach() + norm)):
                raise Diverged(
                    f"step {step}: the loss is {float(loss):g}, the gradient's norm {float(norm):g}; the last good "
                    f"checkpoint is kept in {options.out}: go on from it with a lower --lr in a copy of the folder"
                )
            optimiser.step()
            decay = min(EMA_DECAY, (1 + step) / (10 + step))
            average.multi_avg_fn = get_ema_multi_avg_fn(decay)
            average.update_parameters(network)
            losses.append(loss.detach())
            step += 1

            took = time.monotonic() - started
            usual_s = took if math.isinf(usual_s) else usual_s + 0.1 * (min(took, PAUSE_FACTOR * usual_s) - usual_s)
            seconds += usual_s if took > PAUSE_FACTOR * usual_s else took
            now = _progress(options, step, seconds)
            score = None
            if now >= 1 or step % options.validate_every == 0:
                score = validated()
                if score >= best:
                    best, best_state = score, _half(average.module)
            if score is not None or step % 100 == 0:
                mean = float(torch.stack(losses).mean())
                losses.clear()
                if first:
                    curve.append(options.out, (step, mean, rate, seconds, score))
                reporter.step(step, now, seconds, mean, best if math.isfinite(best) else None)
            due = time.monotonic() - saved_at >= options.checkpoint_every_s
            if score is not None or due or interrupts.asked:
                checkpoint()
                saved_at = time.monotonic()
            if interrupts.asked:
                raise KeyboardInterrupt

        weights = options.out / f"{options.name.replace(':', '.')}.safetensors"
        if first:
            assert best_state is not None
            curve.draw(options.out, options.name)
            facts = {
                **options.recipe(), "steps": step, "processes": world, "seconds": round(seconds), "device": str(device),
                "validation_psnr": round(best, 3), "parameters": sum(each.numel() for each in network.parameters()),
            }  # fmt: skip
            card.write(weights, best_state, facts, credits)
            reporter.say(f"{weights}: {best:.2f} dB on the validation patches after {step} steps")
    if world > 1:
        torch.distributed.destroy_process_group()
    return weights


def schedule(done: float, step: int) -> float:
    """Share of the learning rate: linear warm-up over the first steps, times a cosine over the whole run."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return warm * (LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def psnr_8bit(restored: Tensor, truth: Tensor) -> float:
    """PSNR in dB as the 2022 protocol has it: restored (…) clipped and truncated to 8 bits, truth rounded to them."""
    ours = (restored.clamp(0, 1) * 255).floor()
    error = (ours - (truth * 255).round()).square().mean()
    return float(10 * torch.log10(255**2 / error.clamp(min=1e-10)))


def _progress(options: Options, step: int, seconds: float) -> float:
    """Share of the run that is done."""
    return step / options.steps if options.minutes is None else seconds / (60 * options.minutes)


def _device(options: Options) -> torch.device:
    if options.device == "cuda":
        if not torch.cuda.is_available():
            raise InputError("--device cuda: torch sees no CUDA device; use --device cpu")
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device(options.device)


def _saved(options: Options) -> dict[str, Any] | None:
    """Return the checkpoint to go on from; None to start."""
    saved = checkpoints.read(options.out)
    if saved is None:
        return None
    if not options.resume:
        raise InputError(f"{options.out} holds a training run: go on with --resume, or give another --out")
    differing = [key for key, value in options.recipe().items() if saved["recipe"].get(key) != value]
    if differing:
        wanted = ", ".join(f"{key} was {saved['recipe'].get(key)}" for key in differing)
        raise InputError(f"{options.out} holds a run of another recipe ({wanted}): give the same, or another --out")
    return saved


def _data(options: Options) -> tuple[PatchSource, list[Patch], list[photographs.Photograph]]:
    """Where patches come from, the pairs to validate on, and whom to credit."""
    if (options.photos is None) == (options.dataset is None):
        raise InputError("give either --photos DIR (see python -m bench.train.gather) or --dataset DIR")
    if options.dataset is not None:
        from bench.train.frames import Frames

        frames = Frames(options.dataset, options.patch, options.seed, "training")
        held = Frames(options.dataset, options.patch, VALIDATION_SEED, "validation")
        return frames, [held.patch(0, index) for index in range(VALIDATION_PATCHES)], []
    assert options.photos is not None
    listed = photographs.listed(options.photos)
    used = [each for each in listed if each.use == "training"]
    source = Patches(photographs.load(options.photos, used), options.patch, options.seed)
    folder = options.validation or options.photos
    kept = [each for each in photographs.listed(folder) if options.validation or each.use == "validation"]
    pool = photographs.load(folder, kept)
    if not pool:
        raise InputError(f"{folder} keeps no photograph for validation: add some, or give --val DIR")
    size = min(VALIDATION_SIZE, 16 * (min(min(each.shape[:2]) for each in pool) // 16))
    held_out = Patches(pool, size, VALIDATION_SEED)
    return source, [held_out.patch(0, index) for index in range(VALIDATION_PATCHES)], used


def _network(name: str, factory: str) -> nn.Module:
    """Build the network with initial weights drawn from torch's current seed (`create` has a fixed one)."""
    if spec(name).kind != "network":
        raise InputError(f"{name} is not learned: there is nothing to train")
    module, _, attribute = factory.partition(":")
    network: nn.Module = getattr(importlib.import_module(module), attribute)()
    return network


def _half(module: nn.Module) -> dict[str, Tensor]:
    """Half-precision copy of the weights on the CPU, with the names of the network's own state dict."""
    return {
        name: value.detach().to("cpu", torch.float16 if value.is_floating_point() else value.dtype, copy=True)
        for name, value in module.state_dict().items()
    }


def _batch(patches: list[Patch]) -> tuple[Tensor, Tensor, Tensor]:
    """Mosaics (B, 1, S, S), truths (B, 3, S, S) and ratios (B,)."""
    mosaics = torch.from_numpy(np.stack([each.mosaic for each in patches]))
    truths = torch.from_numpy(np.stack([each.truth for each in patches]))
    return mosaics, truths, torch.tensor([each.ratio for each in patches], dtype=torch.float32)


class _Steps(Dataset[tuple["Tensor", "Tensor", "Tensor"]]):
    """One item is one step's batch, so that a worker makes whole batches."""

    def __init__(self, source: PatchSource, batch: int, rank: int) -> None:
        self.source, self.batch, self.rank = source, batch, rank

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        start = self.rank * self.batch
        with threadpool_limits(1):
            return _batch([self.source.patch(step, start + index) for index in range(self.batch)])


def _loader(
    source: PatchSource, options: Options, step: int, rank: int, world: int
) -> DataLoader[tuple[Tensor, Tensor, Tensor]]:
    """Batches from `step` on, made ahead by worker processes; `--batch` is divided between the processes."""
    if options.batch % world:
        raise InputError(f"--batch {options.batch} cannot be divided between {world} processes")
    workers = options.workers
    if workers is None:
        workers = max(1, (os.cpu_count() or 1) // (2 * world))
    return DataLoader(
        _Steps(source, options.batch // world, rank),
        batch_size=None,
        sampler=_Endless(step),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=options.device == "cuda",
        worker_init_fn=_leave_interrupts_to_the_parent,
    )


class _Endless:
    """Step numbers from `start` on, without end."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __iter__(self) -> Iterator[int]:
        step = self.start
        while True:
            yield step
            step += 1

    def __len__(self) -> int:
        return 2**31 - 1


def _leave_interrupts_to_the_parent(_: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _Interrupts:
    """Turns SIGINT and SIGTERM into a question that the loop answers between two steps."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> _Interrupts:
        def ask(*_: object) -> None:
            self.asked = True

        self._before = {which: signal.signal(which, ask) for which in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for which, handler in self._before.items():
            signal.signal(which, handler)
