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
from bench.train import card, checkpoints, curve
from bench.train.loading import batch_of
from bench.train.losses import LOSSES, STEADY
from bench.train.starting import start_from
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.train.loading import Batch
    from bench.train.sources import Data
    from bench.train.trainer import Options

EMA_DECAY = 0.999
UNRECORDED_STEPS = 3
"""Steps before the recording, in which cuDNN chooses its kernels and the optimiser gets its memory."""


class Diverged(RuntimeError):  # noqa: N818
    """The loss or the gradient is no longer finite; the last good checkpoint is kept."""


class Learner:
    """One network and all that its training changes.

    Args:
        options: what to train and how.
        recipe: what a resumed run must share, kept in the checkpoint.
        saved: checkpoint to go on from; None to start.
        device: where it is trained.
        data: what is shown and validated on.
        world: processes that train it together.
        beside: other networks that the same process trains on the same patches.

    Attributes:
        step: steps done.
        seconds: of training, its own and that of the networks beside it.
        best: highest validation PSNR in dB so far.

    Raises:
        InputError: for a network without parameters, or weights to start from that do not fit.
    """

    def __init__(
        self, options: Options, recipe: dict[str, Any], saved: dict[str, Any] | None, device: torch.device,
        data: Data, world: int = 1, beside: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.options, self.recipe, self.device = options, recipe, device
        self.world, self.beside = world, tuple(beside)
        self.validation, self.credited = data.validation, data.credited
        torch.manual_seed(options.seed)
        network = _network(options.name)
        if options.init is not None:
            start_from(network, options.init)
        network = network.to(device).train()
        if device.type == "cuda":
            # Half-precision convolutions are at their fastest there.
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network, self.average = network, copy.deepcopy(network).eval()
        self.needs_gain, self.input_clip = conventions(options.name, network)
        alone = device.type == "cuda" and world == 1
        self.recorded = alone and options.graph and options.loss in STEADY
        self.rate: Tensor | float = options.lr
        if self.recorded:
            self.rate = torch.tensor(options.lr, device=device)
        self.optimiser = torch.optim.AdamW(
            network.parameters(), lr=self.rate, weight_decay=options.weight_decay, capturable=self.recorded
        )
        self.step, self.seconds, self.best, self.best_weights = 0, 0.0, -math.inf, _half(network)
        self.losses: list[float] = []
        if saved is not None:
            network.load_state_dict(saved["network"])
            for group in saved["optimiser"]["param_groups"]:
                group["capturable"] = self.recorded
            self.optimiser.load_state_dict(saved["optimiser"])
            self.average.load_state_dict(saved["average"])
            self.step, self.seconds, self.losses = saved["step"], saved["seconds"], saved["losses"]
            self.best, self.best_weights = saved["best"], saved["best_weights"]
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate  # a checkpoint brings the number that it was
        self.parallel: nn.Module = DistributedDataParallel(network) if world > 1 else network
        self._outcome = torch.zeros(2)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._placed: Batch
        self._unrecorded = 0
        self._saved_at = time.monotonic()

    @property
    def weights(self) -> Path:
        """File of the weights."""
        return self.options.out / f"{self.options.name.replace(':', '.')}.safetensors"

    def launch(self, batch: Batch, rate: float) -> None:
        """Learn from a batch on the device; a GPU may still be at work on return.

        Without a recording the weights change only in `settle`, once the loss is known to be finite.
        """
        if not self.recorded:
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            self._outcome = self._gradient(batch)
            return
        assert isinstance(self.rate, Tensor)
        self.rate.fill_(rate)
        if self._unrecorded < UNRECORDED_STEPS:
            self._unrecorded += 1
            side = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                self._outcome = self._gradient(batch)
                self.optimiser.step()
            torch.cuda.current_stream().wait_stream(side)
        else:
            if self._graph is None:
                self._graph = self._record(batch)
            for placed, given in zip(self._placed, batch, strict=True):
                placed.copy_(given)
            self._graph.replay()
        self._average()

    def settle(self) -> None:
        """Wait for the step that was launched, and count it.

        Raises:
            Diverged: where loss or gradient is infinite or NaN.
        """
        loss, norm = self._outcome.tolist()
        if not math.isfinite(loss + norm):
            kept = (self.options.out / checkpoints.NAME).is_file()
            raise Diverged(
                f"{self.options.name}, step {self.step}: loss {loss:g}, norm of the gradient {norm:g}; "
                + (f"the last good checkpoint is kept in {self.options.out}: " if kept else "")
                + "lower --lr and give another --out"
            )
        if not self.recorded:
            self.optimiser.step()
            self._average()
        self.losses.append(loss)
        self.step += 1

    def validate(self) -> float:
        """Score the averaged weights: mean PSNR in dB; the best so far are kept."""
        scores = []
        with torch.no_grad():
            for pair in self.validation:
                mosaic, truth, ratio = (each.to(self.device) for each in batch_of([pair]))
                scores.append(psnr_8bit(self._restored(self.average, mosaic, ratio), truth))
        score = float(np.mean(scores))
        if score >= self.best:
            self.best, self.best_weights = score, _half(self.average)
        return score

    def log(self, rate: float, score: float | None) -> float:
        """Add a row to the log and return its loss, the mean since the row before."""
        mean = float(np.mean(self.losses))
        self.losses.clear()
        curve.append(self.options.out, (self.step, mean, rate, self.seconds, score))
        return mean

    def checkpoint(self) -> None:
        """Write all that a resumed run needs."""
        state = {
            "recipe": self.recipe,
            "step": self.step,
            "seconds": self.seconds,
            "best": self.best,
            "best_weights": self.best_weights,
            "losses": self.losses,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.state_dict(),
        }
        checkpoints.write(self.options.out, state)
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
        result: dict[str, Any] = {
            "steps": self.step,
            "seconds": round(self.seconds),
            "processes": self.world,
            "validation_psnr": round(self.best, 3),
            "parameters": sum(each.numel() for each in self.network.parameters()),
        }
        if self.beside:
            result["beside"] = ", ".join(self.beside)
        if unfinished:
            result["unfinished"] = True
        card.write(self.weights, self.best_weights, {**self.recipe, **result}, self.credited)

    def _restored(self, model: nn.Module, mosaic: Tensor, ratio: Tensor) -> Tensor:
        if self.needs_gain:
            mosaic = mosaic * ratio.view(-1, 1, 1, 1)
        if self.input_clip is not None:
            mosaic = mosaic.clamp(max=self.input_clip)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.precision == "bf16"):
            output: Tensor = model(mosaic)
        return output.float()

    def _gradient(self, batch: Batch) -> Tensor:
        """Leave the clipped gradient in the parameters; loss and norm of the gradient, (2,)."""
        mosaic, truth, ratio = batch
        loss_of = LOSSES[self.options.loss]
        restored = self._restored(self.parallel, mosaic, ratio)
        loss = loss_of(restored, truth, self.network.parameters(), self.step)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        return torch.stack((loss.detach(), norm))

    def _record(self, batch: Batch) -> torch.cuda.CUDAGraph:
        mosaic, truth, ratio = batch
        self._placed = mosaic.clone(), truth.clone(), ratio.clone()
        self.optimiser.zero_grad()
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self._outcome = self._gradient(self._placed)
                self.optimiser.step()
        except torch.OutOfMemoryError as error:
            raise InputError(
                f"{self.options.name} does not fit into the device's memory at --batch {self.options.batch} "
                f"and --patch {self.options.patch}: lower one of them"
            ) from error
        except RuntimeError as error:
            raise InputError(
                f"a step of {self.options.name} cannot be recorded as a CUDA graph "
                f"({str(error).splitlines()[0]}): give --no-graph"
            ) from error
        return graph

    def _average(self) -> None:
        """Move the averaged weights towards the network's; they follow it closely at first."""
        decay = min(EMA_DECAY, (1 + self.step) / (10 + self.step)) if self.step else 0.0
        move = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        move(list(self.average.parameters()), list(self.network.parameters()), self.step)
        for ours, theirs in zip(self.average.buffers(), self.network.buffers(), strict=True):
            ours.copy_(theirs)


def psnr_8bit(restored: Tensor, truth: Tensor) -> float:
    """PSNR in dB of pictures in [0, 1]: restored clipped and truncated to 8 bits, truth rounded to them."""
    ours = (restored.clamp(0, 1) * 255).floor()
    error = (ours - (truth * 255).round()).square().mean()
    return float(10 * torch.log10(255**2 / error.clamp(min=1e-10)))


def _network(name: str) -> nn.Module:
    """Build a network; its weights come from torch's current seed (`baselines.create` has a fixed one)."""
    network: nn.Module = factory(name)()
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise InputError(
            f"{name} has no trainable parameters: there is nothing to train; name another network"
        )
    return network


def _half(module: nn.Module) -> dict[str, Tensor]:
    """Half-precision copy of the weights on the CPU, with the names of the network's own state dict."""
    return {
        name: value.detach()
        .to("cpu", torch.float16 if value.is_floating_point() else value.dtype, copy=True)
        .contiguous()
        for name, value in module.state_dict().items()
    }
