"""A training session: several networks, one stream of patches, step by step to their weights.

All that a step needs is a function of the seed and the step's number, and a checkpoint contains all the rest,
so a run that was killed and resumed ends with bit-identical weights (on a CPU, with the same number of
threads). Under `torchrun` every process trains on its own share of each batch.
"""

from __future__ import annotations

import fcntl
import math
import os
import signal
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import torch
import torch.distributed

from bench.train import checkpoints, curve
from bench.train.learner import Diverged, Learner
from bench.train.loading import batches
from bench.train.options import check
from bench.train.reporter import Reporter
from bench.train.sources import Data, data_of
from llpacknet.errors import InputError, one_line

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from bench.train.loading import Batch
    from bench.train.options import Options

# Share of the learning rate that is left at the end of the cosine.
LAST_RATE = 0.01
LOG_EVERY = 100
# A step that takes so many times longer than usual was paused; it counts as a usual one.
PAUSE_FACTOR = 10.0


class Session:
    """Trains networks on the same patches; each ends as it would alone.

    Networks may be some steps apart: when one restarts after a loss spike, or if a run was interrupted
    between two checkpoints. The session then resumes at the step of the one furthest behind, and the others
    wait.

    Args:
        runs: what to train; they may differ only in the network's name, the learning rate and the output
        folder.
        data: what to train and validate on, if not what the first run's options say.

    Attributes:
        seconds: of training so far, pauses left out.
        diverged: what stopped the networks whose training diverged.

    Raises:
        InputError: for unusable options or data, or an output folder that holds another run.
    """

    def __init__(self, runs: Sequence[Options], data: Data | None = None) -> None:
        self._locks: list[IO[bytes]] = []
        folders = dict.fromkeys(folder for one in runs for folder in (one.out, *one.out.parents))
        made = [folder for folder in folders if not folder.exists()]
        with ExitStack() as refused:
            refused.callback(self._leave_nothing, made)
            # Where this process stands among those of torchrun; alone without it.
            self.rank, self.world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
            self.shared = runs[0]
            self.device = _device(self.shared)
            for options in runs:
                check(options, self.world)
            recipes = [options.recipe() for options in runs]
            saved = [_saved(options, recipe) for options, recipe in zip(runs, recipes, strict=True)]
            for options in runs if self.rank == 0 else ():
                self._locks.append(_lock(options.out))
            if self.world > 1:
                torch.distributed.init_process_group("nccl" if self.device.type == "cuda" else "gloo")
            if self.shared.threads:
                torch.set_num_threads(self.shared.threads)
            self.data = data or data_of(self.shared)
            names = list(dict.fromkeys(options.name for options in runs))
            self.learners = [
                Learner(
                    options, recipe, before, self.device, self.data, self.world,
                    [name for name in names if name != options.name],
                )
                for options, recipe, before in zip(runs, recipes, saved, strict=True)
            ]  # fmt: skip
            self.running, self.diverged = list(self.learners), list[Diverged]()
            self.seconds = min(each.seconds for each in self.learners if each.step == self.step)
            self.title = names[0] if len(names) == 1 else f"{len(names)} networks"
            self._usual = math.inf
            self._upcoming: Generator[Batch, None, None] | None = None
            self._made_to = -1
            self._told: set[str] = set()
            refused.pop_all()

    @property
    def step(self) -> int:
        """Number of the next step."""
        return min((each.step for each in self.running), default=0)

    @property
    def done(self) -> float:
        """Share of the session that is done."""
        if self.shared.minutes is None:
            return self.step / self.shared.steps
        return self.seconds / (60 * self.shared.minutes)

    def run(self) -> list[Path]:
        """Train to the end, and write the weights, their cards, logs and curves.

        Returns:
            The weights' files, in the order of the runs.

        Raises:
            KeyboardInterrupt: after SIGINT or SIGTERM, once checkpoints are written, and the weights that
                validated best so far, which their cards call unfinished.
            Diverged: once all other networks are trained.
        """
        if self.rank == 0:
            for each in self.learners:
                curve.truncate(each.options.out, each.step)
        try:
            with _Interrupts() as interrupts, Reporter(self.title, self.rank == 0) as reporter:
                self._tell_unusable(reporter)
                while self.running and self.done < 1:
                    share = schedule(self.done, self.step, self.shared.warm_up)
                    learned = self.learn(share, reporter)
                    self.record(learned, share, reporter, ending=interrupts.asked)
                    if interrupts.asked:
                        self.ship(reporter, unfinished=True)
                        raise KeyboardInterrupt
                self.ship(reporter, unfinished=self.shared.unfinished)
                self._tell_unusable(reporter)
        finally:
            self.close()
        if self.diverged:
            raise self.diverged[0]
        return [each.weights for each in self.learners]

    def learn(self, share: float, reporter: Reporter) -> list[Learner]:
        """Take one step with every network that stands at it; return those that finished it."""
        started = time.monotonic()
        step, batch = self.step, self._batch()
        standing = [each for each in self.running if each.step == step]
        for each in standing:
            each.launch(batch, share)
        for each in standing:
            before = len(each.restarts)
            try:
                each.settle()
            except Diverged as error:
                reporter.say(f"llbench: {error}")
                self.diverged.append(error)
                self.running.remove(each)
            if len(each.restarts) > before:
                reporter.say(
                    f"llbench: {each.options.name}: the loss spiked at step {step}; "
                    f"continuing from step {each.step} at {each.rate_factor:g} of the learning rate"
                )
        self._count(time.monotonic() - started, standing)
        return [each for each in standing if each.step == step + 1]

    def record(self, learned: Sequence[Learner], share: float, reporter: Reporter, *, ending: bool) -> None:
        """Validate, log and checkpoint the networks that finished a step, where that is due."""
        for each in learned:
            over = each.step >= self.shared.steps if self.shared.minutes is None else self.done >= 1
            validating = over or each.step % self.shared.validate_every == 0
            score = each.validate() if validating else None
            if self.rank:
                continue
            if validating or each.step % LOG_EVERY == 0:
                loss = each.log(share, score)
                reporter.step(each.options.name, each.step, self.done, self.seconds, loss, each.best)
            if validating and each.options.restarts:
                each.checkpoint(checkpoints.RESTART)
            if validating or each.checkpoint_due or ending:
                each.checkpoint()

    def ship(self, reporter: Reporter, *, unfinished: bool) -> None:
        """Write the best weights so far of every network that did not diverge, with their cards."""
        if self.rank:
            return
        for each in self.running:
            if unfinished and math.isinf(each.best):
                continue  # interrupted before it was ever validated
            each.ship(unfinished=unfinished)
            reporter.say(
                f"{each.weights}: {each.best:.2f} dB on the validation patches after {each.step} steps"
            )

    def _tell_unusable(self, reporter: Reporter) -> None:
        """Report the photographs or pairs that are skipped, each once."""
        for reason in self.data.unusable():
            if reason not in self._told:
                self._told.add(reason)
                reporter.say(f"llbench: skipped: {one_line(reason)}")

    def close(self) -> None:
        """End the processes that make patches, and leave torchrun's group."""
        if self._upcoming is not None:
            self._upcoming.close()
        for lock in self._locks:
            lock.close()
        if self.world > 1 and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()

    def _leave_nothing(self, made: Sequence[Path]) -> None:
        """Remove the locks of a session that was refused, and the folders made for it if they are empty."""
        for lock in self._locks:
            Path(lock.name).unlink(missing_ok=True)
            lock.close()
        for folder in made:
            with suppress(OSError):
                folder.rmdir()

    def _batch(self) -> Batch:
        """Return the batch of the next step, on the device."""
        if self._upcoming is None or self._made_to != self.step:
            if self._upcoming is not None:
                self._upcoming.close()
            pinned = self.device.type == "cuda"
            share = self.shared.batch // self.world
            self._upcoming = batches(
                self.data.source, share, self.step, self.rank, self.shared.workers, pinned
            )
        self._made_to = self.step + 1
        return next(self._upcoming).on(self.device)

    def _count(self, took: float, learners: Sequence[Learner]) -> None:
        """Add the time of a step."""
        if took > PAUSE_FACTOR * self._usual:
            took = self._usual
        self._usual = took if math.isinf(self._usual) else 0.9 * self._usual + 0.1 * took
        self.seconds += took
        for each in learners:
            each.seconds += took


def schedule(done: float, step: int, warm_up: int = 500) -> float:
    """Share of the learning rate: linear warm-up over the first steps, times a cosine over the whole run."""
    warm = min(1.0, (step + 1) / warm_up)
    return warm * (LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def _device(options: Options) -> torch.device:
    if options.device == "cuda":
        if not torch.cuda.is_available():
            raise InputError("--device cuda: torch finds no CUDA device; use --device cpu")
        # Patches have one size: cuDNN may look for its fastest kernels once.
        torch.backends.cudnn.benchmark = True
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device(options.device)


def _lock(folder: Path) -> IO[bytes]:
    """Keep other processes out of a run's folder while the returned file is open."""
    lock = (folder / "lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        message = f"{folder}: another process is training there: wait, or choose another --out"
        raise InputError(message) from error
    return lock


def _saved(options: Options, recipe: dict[str, Any]) -> dict[str, Any] | None:
    """Return the checkpoint to resume from; None to start."""
    saved = checkpoints.read(options.out)
    if saved is None:
        return None
    if not options.resume:
        raise InputError(
            f"{options.out} already holds a training run: continue with --resume, or choose another --out"
        )
    before = saved["recipe"]
    differing = [
        f"{key} was {before.get(key)}"
        for key in sorted(before.keys() | recipe.keys())
        if before.get(key) != recipe.get(key)
    ]
    if differing:
        raise InputError(
            f"{options.out} holds a run with other settings ({', '.join(differing)}): use the same"
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
