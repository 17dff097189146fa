"""One network in training: its optimiser, the average of its weights, its log, checkpoints and weights.

On a CUDA device the launches of a step are recorded once as a CUDA graph and replayed: the small networks
here take a GPU less time than Python needs to launch them.
"""

from __future__ import annotations

import copy
import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import get_ema_multi_avg_fn

from baselines.registry import conventions, factory
from bench.machine.hosting import building
from bench.train import amplifying, card, checkpoints, curve
from bench.train.loading import Batch, batch_of
from bench.train.losses import LOSSES, STEADY
from bench.train.spikes import SpikeWatch
from bench.train.starting import start_from
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.train.options import Options
    from bench.train.sources import Data

# Patches over which the weights are averaged, exponentially; at first over a ninth of what was seen.
AVERAGED_OVER = 4000
# Steps before the recording, in which cuDNN chooses its kernels and the optimiser gets its memory.
UNRECORDED_STEPS = 3
# Parameters from which channels-last is the faster layout for bf16 on a CPU: SID's U-Net gains an eighth by
# it, LLPackNet loses as much.
CHANNELS_LAST_FROM = 2_000_000


class Diverged(RuntimeError):  # noqa: N818
    """The loss or the gradient is no longer finite; the last good checkpoint is kept."""


class Learner:
    """One network and all that its training changes.

    Args:
        options: what to train and how.
        recipe: what a resumed run must have in common, kept in the checkpoint.
        saved: checkpoint to resume from; None to start.
        device: where it is trained.
        data: what to train and validate on.
        world: processes that train it together.
        beside: other networks that the same process trains on the same patches.

    Attributes:
        step: steps done.
        seconds: training time, including that of the networks beside it.
        best: highest validation PSNR in dB so far.

    Raises:
        InputError: for a network without parameters, or weights to start from that do not fit.
    """

    def __init__(
        self, options: Options, recipe: dict[str, Any], saved: dict[str, Any] | None, device: torch.device,
        data: Data, world: int = 1, beside: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.options, self.recipe, self.device = options, recipe, device
        self.world, self.beside, self.data = world, tuple(beside), data
        torch.manual_seed(options.seed)
        self.network = _placed(_started(options), device, options.precision)
        self.average = copy.deepcopy(self.network).eval()
        self.called = conventions(options.name, self.network)
        self._shown: Tensor
        self._gains: Tensor | None = None
        for each in (self.network, self.average):
            amplifier = amplifying.amplifier_of(each)
            if amplifier is not None:
                amplifying.show_instead(amplifier, lambda: self._shown, self._take_gains)
        alone = device.type == "cuda" and world == 1
        self.recorded = alone and options.graph and options.loss in STEADY
        self.optimiser = self._optimiser()
        self.step, self.seconds, self.best, self.best_weights = 0, 0.0, -math.inf, _half(self.network)
        self.losses: list[float] = []
        self.watch = SpikeWatch(options.batch)
        self.restarts: list[dict[str, float]] = []
        if saved is not None:
            self._load(saved)
        elif options.restarts:
            self.checkpoint(checkpoints.RESTART)
        self.parallel: nn.Module = DistributedDataParallel(self.network) if world > 1 else self.network
        self._outcome = torch.zeros(2)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._static: Batch
        self._unrecorded = 0
        self._saved_at = time.monotonic()

    def _optimiser(self) -> torch.optim.AdamW:
        """AdamW whose groups have their peak learning rate in `peak`."""
        options, amplifier = self.options, amplifying.amplifier_of(self.network)
        scaled = amplifying.scales(amplifier) if amplifier is not None else []
        theirs = {each for each, _ in scaled}
        trunk = [each for each in self.network.parameters() if each not in theirs]
        groups: list[dict[str, Any]] = [{"params": trunk, "peak": options.lr}]
        for scale in sorted({scale for _, scale in scaled}):
            params = [each for each, own in scaled if own == scale]
            groups.append({"params": params, "peak": options.amplifier_lr * scale})
        for group in groups:
            # A recorded step reads its rate from the device.
            group["lr"] = torch.tensor(group["peak"], device=self.device) if self.recorded else group["peak"]
        return torch.optim.AdamW(
            groups, weight_decay=options.weight_decay, capturable=self.recorded,
            fused=self.device.type == "cpu",
        )  # fmt: skip

    def _load(self, saved: dict[str, Any]) -> None:
        """Take over the state of a checkpoint."""
        rates = [group["lr"] for group in self.optimiser.param_groups]
        for group in saved["optimiser"]["param_groups"]:
            group["capturable"] = self.recorded
        self.network.load_state_dict(saved["network"])
        self.optimiser.load_state_dict(saved["optimiser"])
        for group, rate in zip(self.optimiser.param_groups, rates, strict=True):
            group["lr"] = rate  # a checkpoint brings the number that it was
        self.average.load_state_dict(saved["average"])
        self.step, self.seconds, self.losses = saved["step"], saved["seconds"], saved["losses"]
        self.best, self.best_weights = saved["best"], saved["best_weights"]
        self.watch, self.restarts = SpikeWatch(self.options.batch, saved["watched"]), saved["restarts"]

    @property
    def weights(self) -> Path:
        """File of the weights."""
        return self.options.out / f"{self.options.name.replace(':', '.')}.safetensors"

    def launch(self, batch: Batch, share: float) -> None:
        """Learn from a batch on the device, at a share of the largest rate; a GPU may still work on return.

        Without a recording the weights change only in `settle`, once the loss is known to be finite.
        """
        for group in self.optimiser.param_groups:
            rate = group["peak"] * self.rate_factor * share
            if self.recorded:
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        if self.recorded:
            self._launch_recorded(batch)
            self._move_average()
        else:
            self._outcome = self._gradient(batch)

    def _launch_recorded(self, batch: Batch) -> None:
        if self._unrecorded < UNRECORDED_STEPS:
            self._unrecorded += 1
            side = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                self._outcome = self._gradient(batch)
                self.optimiser.step()
            torch.cuda.current_stream().wait_stream(side)
            return
        if self._graph is None:
            self._graph = self._record(batch)
        for static, given in zip(self._static, batch, strict=True):
            static.copy_(given)
        self._graph.replay()

    def settle(self) -> None:
        """Wait for the step that was launched, and count it; restart if the loss spikes.

        Raises:
            Diverged: the loss or gradient is infinite or NaN and no restart is left.
        """
        loss, norm = self._outcome.tolist()
        finite = math.isfinite(loss + norm)
        spikes = not finite or self.watch.spikes(loss)
        if spikes and len(self.restarts) < self.options.restarts:
            self._restart()
            return
        if not finite:
            kept = (self.options.out / checkpoints.NAME).is_file()
            raise Diverged(
                f"{self.options.name}, step {self.step}: loss {loss:g}, norm of the gradient {norm:g}; "
                + (f"the last good checkpoint is kept in {self.options.out}: " if kept else "")
                + "lower --lr and give another --out"
            )
        if not self.recorded:
            self.optimiser.step()
            self._move_average()
        self.losses.append(loss)
        self.step += 1

    def _restart(self) -> None:
        """Return to the last validation, at half the learning rate."""
        saved = checkpoints.read(self.options.out, checkpoints.RESTART)
        assert saved is not None
        restart = {"spike_at": self.step, "back_to": saved["step"]}
        self._load(saved)
        self.restarts = [*self.restarts, restart]
        # What was recorded points to the optimiser's old memory.
        self._graph, self._unrecorded = None, 0
        curve.truncate(self.options.out, self.step)
        self.checkpoint(checkpoints.RESTART)
        self.checkpoint()

    @property
    def rate_factor(self) -> float:
        """Share of the learning rate that remains after restarts."""
        return float(0.5 ** len(self.restarts))

    def validate(self) -> float:
        """Score the averaged weights: mean PSNR in dB; the best so far are kept."""
        scores = []
        with torch.no_grad():
            for pair in self.data.validation:
                batch = batch_of([pair]).on(self.device)
                scores.append(psnr_8bit(self._restored(self.average, batch), batch.truth))
        score = float(np.mean(scores))
        if score >= self.best:
            self.best, self.best_weights = score, _half(self.average)
        return score

    def log(self, share: float, score: float | None) -> float:
        """Add a row to the log and return its loss, the mean since the row before."""
        mean = float(np.mean(self.losses))
        rate = self.options.lr * self.rate_factor * share
        self.losses.clear()
        curve.append(self.options.out, (self.step, mean, rate, self.seconds, score))
        return mean

    def checkpoint(self, name: str = checkpoints.NAME) -> None:
        """Write all that a resumed run needs, or a restarted one."""
        state = {
            "recipe": self.recipe,
            "step": self.step,
            "seconds": self.seconds,
            "best": self.best,
            "best_weights": self.best_weights,
            "losses": self.losses,
            "watched": self.watch.losses,
            "restarts": self.restarts,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.state_dict(),
        }
        checkpoints.write(self.options.out, state, name)
        self._saved_at = time.monotonic()

    @property
    def checkpoint_due(self) -> bool:
        """Whether the last checkpoint is older than the options allow."""
        return time.monotonic() - self._saved_at >= self.options.checkpoint_every_s

    def ship(self, *, unfinished: bool) -> None:
        """Write the best weights, their card and the curve."""
        if math.isinf(self.best):  # ended, resumed for fewer steps, before it was ever validated
            self.validate()
        curve.draw(self.options.out, self.options.name)
        card.write(self.weights, self.best_weights, {**self.recipe, **self._result(unfinished)},
                   self.data.credited)  # fmt: skip

    def _result(self, unfinished: bool) -> dict[str, Any]:
        """Return what the card contains besides the recipe."""
        result: dict[str, Any] = {
            "steps": self.step,
            "patches": self.step * self.options.batch,
            "seconds": round(self.seconds),
            "processes": self.world,
            "validation_psnr": round(self.best, 3),
            "parameters": sum(each.numel() for each in self.network.parameters()),
        }
        gained = curve.gained_late(curve.read(self.options.out), self.step)
        if gained is not None:
            result["late_gain_db"] = round(gained, 3)
        amplifier = amplifying.amplifier_of(self.average)
        if amplifier is not None:
            metered = batch_of(self.data.metered()).on(self.device)
            self._shown = metered.frame
            result |= amplifying.gauge(amplifier, metered.frame, metered.ratio)
        if self.restarts:
            result["restarts_made"] = self.restarts
        if self.beside:
            result["beside"] = ", ".join(self.beside)
        if unfinished:
            result["unfinished"] = True
        return result

    def _restored(self, model: nn.Module, batch: Batch) -> Tensor:
        mosaic, self._shown = batch.mosaic, batch.frame
        if not self.called.keeps_negatives:
            mosaic = mosaic.clamp(min=0)
        if self.called.needs_gain:
            mosaic = mosaic * batch.ratio.view(-1, 1, 1, 1)
        if self.called.input_clip is not None:
            mosaic = mosaic.clamp(max=self.called.input_clip)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.precision == "bf16"):
            output: Tensor = model(mosaic)
        return output.float()

    def _take_gains(self, gains: Tensor) -> None:
        self._gains = gains

    def _gradient(self, batch: Batch) -> Tensor:
        """Leave the clipped gradient in the parameters; loss and norm of the gradient, (2,)."""
        loss_of = LOSSES[self.options.loss]
        restored = self._restored(self.parallel, batch)
        loss = loss_of(restored, batch.truth, self.network.parameters(), self.step)
        if self._gains is not None:
            loss = loss + amplifying.distance(self._gains, batch.ratio)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        return torch.stack((loss.detach(), norm))

    def _record(self, batch: Batch) -> torch.cuda.CUDAGraph:
        self._static = Batch(*(each.clone() for each in batch))
        self.optimiser.zero_grad()
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self._outcome = self._gradient(self._static)
                self.optimiser.step()
        except torch.OutOfMemoryError as error:
            raise InputError(
                f"{self.options.name} does not fit in the device's memory at --batch {self.options.batch} "
                f"and --patch {self.options.patch}: lower one of them"
            ) from error
        except RuntimeError as error:
            raise InputError(
                f"a step of {self.options.name} cannot be recorded as a CUDA graph "
                f"({str(error).splitlines()[0]}): give --no-graph"
            ) from error
        return graph

    def _move_average(self) -> None:
        """Move the averaged weights towards the network's; they follow it closely at first."""
        longest = max(0.0, 1 - self.options.batch / AVERAGED_OVER)
        decay = min(longest, (1 + self.step) / (10 + self.step)) if self.step else 0.0
        move = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        move(list(self.average.parameters()), list(self.network.parameters()), self.step)
        for ours, theirs in zip(self.average.buffers(), self.network.buffers(), strict=True):
            ours.copy_(theirs)


def psnr_8bit(restored: Tensor, truth: Tensor) -> float:
    """PSNR in dB of images in [0, 1]: restored clipped and truncated to 8 bits, truth rounded to them."""
    ours = (restored.clamp(0, 1) * 255).floor()
    error = (ours - (truth * 255).round()).square().mean()
    return float(10 * torch.log10(255**2 / error.clamp(min=1e-10)))


def _started(options: Options) -> nn.Module:
    """Build a network; its weights come from torch's current seed (`baselines.create` has a fixed one)."""
    with building(options.name):
        network: nn.Module = factory(options.name)()
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise InputError(f"{options.name} has no trainable parameters: choose another network")
    fresh = start_from(network, options.init) if options.init is not None else ("amplifier",)
    amplifier = amplifying.amplifier_of(network)
    if amplifier is not None and "amplifier" in fresh:
        amplifying.start(amplifier)
    return network


def _placed(network: nn.Module, device: torch.device, precision: str) -> nn.Module:
    """Put a network on its device, in the layout in which its half-precision convolutions are fastest."""
    network = network.to(device).train()
    large = sum(each.numel() for each in network.parameters()) > CHANNELS_LAST_FROM
    if device.type == "cuda" or (precision == "bf16" and large):
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _half(module: nn.Module) -> dict[str, Tensor]:
    """Half-precision copy of the weights on the CPU, with the names of the network's own state dict."""
    return {
        name: value.detach()
        .to("cpu", torch.float16 if value.is_floating_point() else value.dtype, copy=True)
        .contiguous()
        for name, value in module.state_dict().items()
    }
