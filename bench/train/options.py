"""The options of a training run, and those that a resumed run must share with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from baselines.own import check_name
from baselines.registry import spec
from bench.data.making.noise_table import read
from bench.train.patches import covered
from llpacknet.errors import InputError
from llpacknet.loading import sha256
from llpacknet.runtimes import processor

if TYPE_CHECKING:
    from pathlib import Path

# Options that a resumed run may be given anew.
FREE = (
    *("out", "steps", "minutes", "threads", "workers", "validate_every", "checkpoint_every_s"),
    *("graph", "resume", "unfinished"),
)

# Options that are part of the recipe only where they are given: runs without them need not name them.
_WHERE_GIVEN = ("camera", "scenes", "restarts", "terms", "rate_choice")


@dataclass(frozen=True)
class Options:
    """The options of `llbench train`.

    The run ends after `steps`, or after `minutes` of training if given; then its schedule follows
    the clock, and two runs are no longer identical.

    Attributes:
        name: a registered network, or a user's own as package.module:factory.
        out: folder of the run.
        photos: folder of photographs; excludes `dataset`.
        dataset: folder of raws in SID's layout.
        validation: other photographs to validate on.
        camera: CSV with the noise of a camera other than the Sony A7S II, see `noise_table.read`.
        scenes: number of procedural scenes used in addition to the photographs.
        init: weights file to start from instead of random weights.
        steps: length of the run, in batches.
        minutes: length by the clock instead.
        batch: patches per step.
        patch: side of a patch in pixels.
        lr: peak learning rate.
        amplifier_lr: the same for a network's own amplifier, see `amplifying`.
        warm_up: steps in which the rate rises to its largest value.
        weight_decay: of AdamW.
        clip: gradient norm to clip at.
        loss: a name of `losses.LOSSES`.
        seed: of the starting weights and of all that the patches draw.
        restarts: how many times a loss spike may return the run to its last validation, at half the learning
            rate; see `spikes`.
        device: "cpu" or "cuda".
        precision: "fp32", or "bf16" for autocast in the forward pass.
        graph: whether a CUDA device replays a recorded step.
        threads: CPU threads of the network; None for torch's own number.
        workers: processes that make patches; None for half the cores.
        validate_every: steps between validations.
        checkpoint_every_s: seconds between checkpoints.
        resume: resume the run in `out`.
        unfinished: mark the weights as coming from an unfinished training.
        terms: name of the terms that several networks share, for the card; see `weights_plan`.
        rate_choice: how `lr` was chosen, for the card.
    """

    name: str
    out: Path
    photos: Path | None = None
    dataset: Path | None = None
    validation: Path | None = None
    camera: Path | None = None
    scenes: int = 0
    init: Path | None = None
    steps: int = 16_000
    minutes: float | None = None
    batch: int = 4
    patch: int = 256
    lr: float = 1.5e-3
    amplifier_lr: float = 1e-3
    warm_up: int = 500
    weight_decay: float = 0.0
    clip: float = 1.0
    loss: str = "l1"
    seed: int = 0
    restarts: int = 0
    device: str = "cpu"
    precision: str = "fp32"
    graph: bool = True
    threads: int | None = None
    workers: int | None = None
    validate_every: int = 500
    checkpoint_every_s: float = 120.0
    resume: bool = False
    unfinished: bool = False
    terms: str | None = None
    rate_choice: str | None = None

    def recipe(self) -> dict[str, Any]:
        """Return the options that a resumed run must share with the original; of folders only their names."""
        fixed = asdict(self)
        for free in FREE:
            del fixed[free]
        for place in ("photos", "dataset", "validation", "camera", "init"):
            fixed[place] = fixed[place] and fixed[place].name
        for optional in _WHERE_GIVEN:
            if not fixed[optional]:
                del fixed[optional]
        if self.init is not None:
            fixed["init_sha256"] = sha256(self.init)
        if self.camera is not None:
            fixed["camera_sha256"] = sha256(self.camera)
        return fixed


def check(options: Options, world: int) -> None:
    """Refuse options that cannot be fulfilled, and create the run's folder.

    Args:
        options: what was asked for.
        world: processes that train the network together.

    Raises:
        InputError: the message says which option, and what to give instead.
    """
    if (options.photos is None) == (options.dataset is None):
        raise InputError(
            "give either --photos DIR (python -m bench.train.gather DIR fills one) or --dataset DIR"
        )
    if options.init is not None and not options.init.is_file():
        raise InputError(f"--init: there is no weights file {options.init}: check the name")
    if options.scenes and options.photos is None:
        raise InputError("--scenes only works with --photos: a real data set is used as it is")
    if options.camera is not None:
        if options.photos is None:
            raise InputError("--camera only works with --photos: a real data set is used as it is")
        covered(read(options.camera))
    check_name(options.name)
    if spec(options.name).kind != "network":
        raise InputError(f"{options.name} is not a learned method: choose a network")
    if options.device == "cpu" and options.precision == "bf16" and processor.lacks("bf16"):
        raise InputError(
            "--precision bf16: this processor has no bf16 instructions, so it would be slower than fp32: "
            "use --precision fp32"
        )
    if world > 1:
        _check_several(options, world)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {options.out} cannot be created ({error}): choose another folder") from error


def _check_several(options: Options, world: int) -> None:
    if options.batch % world:
        raise InputError(
            f"--batch {options.batch} cannot be divided between {world} processes: give a multiple of {world}"
        )
    if options.minutes is not None:
        raise InputError("--minutes follows the clock of one process: use --steps under torchrun")
    if options.restarts:
        raise InputError("--restarts watches the loss of one process: drop it under torchrun")
