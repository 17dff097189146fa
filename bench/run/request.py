"""What one run is asked for. All defaults are filled in here, and nowhere else.

The verbs `run` and `reproduce` make their options from the fields (`bench.cli.options`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

from baselines.paper import FULL_SIZE
from baselines.registry import named
from bench.records.forms import DEVICES, PRECISIONS, RUNTIMES
from bench.records.tiers import TIERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bench.data.folder.pairs import Dataset
    from bench.records.cells import Measurement
    from bench.records.protocols import Black
    from bench.records.tiers import Tier

# What is measured of a method where nothing else is asked for.
MEASUREMENTS: tuple[Measurement, ...] = ("complexity", "latency", "memory", "quality")
# What a tier measures; kernels are UnPack's, so that only LLPackNet has them.
OF_TIERS: tuple[Measurement, ...] = (*MEASUREMENTS, "kernels")
# Everything that can be measured.
KINDS: tuple[Measurement, ...] = (*OF_TIERS, "profile")
ROUNDS = 5
# Its first scene has an exposure from the middle of SID's test list: 10 s at ISO 320.
SEED = 8
SWEEPS = ("resolution", "threads")


def _asked(flag: str, kind: str, text: str, default: Any = None, **more: Any) -> Any:
    """Make a field that is an option too: `kind` says how it is read, `more` goes to click as it is."""
    option = {"flag": flag, "kind": kind, "help": text, **more}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=option)
    return field(default=default, metadata=option)


@dataclass(frozen=True)
class Request:
    """What a run is asked for; the properties resolve it.

    Attributes:
        models: registered names, or module:factory; "all" and "field" stand for several. Empty: the tier's.
        measurements: any of `KINDS`. Empty: `OF_TIERS` with a tier, else `MEASUREMENTS`, of which quality
            needs a data set.
        dataset: indexed images; the first of them is what latency and memory are measured on.
        protocols: how quality is scored. Empty: the tier's, else the default protocol.
        tier: name of a tier, whose limits then hold on images, rounds and slow methods; None for no limits.
        device: "cpu" or "cuda".
        runtimes: forms of the networks, see `bench.records.forms`.
        precisions: number formats.
        size: frame rows and columns of latency and memory, of complexity too unless there is a tier; of the
            generated images. None: the data set's, else the tier's, else the paper's.
        threads: CPU threads; None for the usable cores.
        rounds: interleaved rounds of latency; None for the tier's, else `ROUNDS`.
        images: at most this many images are scored per protocol; None for the tier's limit.
        seed: of generated images.
        sweep: "resolution" or "threads": the same over many sizes or thread counts.
        black: level that is subtracted from what is scored, see `bench.records.protocols.Protocol`.
        weights: file per model instead of the shipped one.
        predictions: whether restored images are kept under `<out>/predictions`; always with a tier.
    """

    models: Sequence[str] = _asked(
        "--models", "models", "Names separated by commas, 'all' or 'field' (every learned method).", ()
    )
    measurements: Sequence[str] = _asked(
        "--measure", "names", "Also: kernels (UnPack's forms, the machine's peaks) and profile.", (),
        show_default=",".join(MEASUREMENTS),
    )  # fmt: skip
    dataset: Dataset | None = _asked("--dataset", "dataset", "Folder in SID's layout, or its address.")  # noqa: RUF009 -- a field
    protocols: Sequence[str] = _asked("--protocol", "names", "Protocols separated by commas.", ())
    tier: str | None = _asked(
        "--tier", "choice", "Images per protocol: smoke 1 (small), quick 3, standard 93, full all.",
        choices=tuple(TIERS),
    )  # fmt: skip
    device: str = _asked("--device", "choice", "Device to measure on.", "cpu", choices=DEVICES)
    runtimes: Sequence[str] = _asked("--runtime", "names", ", ".join(RUNTIMES), ("published",))
    precisions: Sequence[str] = _asked("--precision", "names", ", ".join(PRECISIONS), ("fp32",))
    size: tuple[int, int] | None = _asked("--size", "size", "Frame size of cost cells and generated images.")
    threads: int | None = _asked("--threads", "count", "CPU threads; default: all usable cores.")
    rounds: int | None = _asked(
        "--rounds", "count", f"Interleaved rounds of latency; default: as the tier says, else {ROUNDS}."
    )
    images: int | None = _asked(
        "--images", "count", "Most images to score per protocol; default: as the tier says."
    )
    seed: int = _asked("--seed", "number", "Random seed of generated data.", SEED)
    sweep: str | None = _asked(
        "--sweep", "choice", "Repeat at several sizes or thread counts.", choices=SWEEPS
    )
    black: Black = _asked(  # noqa: RUF009 -- a field
        "--black", "choice", "Black level to subtract: the file's, or one estimated from each frame.", "file",
        choices=("file", "per-frame"),
    )  # fmt: skip
    weights: Mapping[str, Path] = _asked("--weights", "weights", "", {})
    predictions: bool = _asked("--predictions", "flag", "Keep restored images under OUT/predictions.", False)

    @property
    def limits(self) -> Tier | None:
        """The tier that was named."""
        return TIERS[self.tier] if self.tier else None

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Every method by its own name, each once."""
        default = (self.limits.models or ("all",)) if self.limits else ()
        return tuple(dict.fromkeys(name for word in self.models or default for name in named(word)))

    @property
    def kinds(self) -> tuple[str, ...]:
        """What is measured."""
        if self.measurements:
            return tuple(self.measurements)
        if self.tier:
            return OF_TIERS
        return tuple(kind for kind in MEASUREMENTS if kind != "quality" or self.dataset is not None)

    @cached_property
    def judged_by(self) -> tuple[str, ...]:
        """Names of the protocols to score under; raises InputError for an unknown one."""
        from bench.records import protocols

        default = self.limits.protocols if self.limits else (protocols.default().name,)
        asked = [protocols.get(name).name for name in self.protocols or default]
        return tuple(dict.fromkeys(protocols.with_black(name, self.black) for name in asked))

    @property
    def controlled_by(self) -> tuple[str, ...]:
        """Further protocols to score methods under that are not slow: the tier's controls."""
        from bench.records import protocols

        controls = self.limits.controls if self.limits and not self.protocols else ()
        return tuple(protocols.with_black(name, self.black) for name in controls)

    @property
    def forms(self) -> tuple[tuple[str, str], ...]:
        """Runtime and precision of every form."""
        return tuple(product(self.runtimes, self.precisions))

    @cached_property
    def frame(self) -> tuple[int, int]:
        """Rows and columns of the frame that cost is measured on."""
        return self.size or self.image_size or self.made_frame

    @cached_property
    def image_size(self) -> tuple[int, int] | None:
        """Rows and columns of the data set's images; None if none can be opened."""
        from bench.data.folder.sampling import frame_size  # opens raw files, which no option needs

        return frame_size(self.dataset) if self.dataset else None

    @property
    def made_frame(self) -> tuple[int, int]:
        """Rows and columns of generated images."""
        return self.size or ((self.limits.height, self.limits.width) if self.limits else FULL_SIZE)

    @property
    def scenes(self) -> int:
        """How many scenes are generated if no data set is given."""
        return self.limits.scenes if self.limits else 1

    @property
    def stress_scenes(self) -> int:
        """How many scenes of the stress set are generated; none if a data set or protocols are given."""
        named = self.dataset is not None or self.protocols or "quality" not in self.kinds
        return self.limits.stress_scenes if self.limits and not named else 0

    @property
    def counted_frame(self) -> tuple[int, int]:
        """Frame that operations are counted on: in the main job the paper's, whatever the data."""
        return FULL_SIZE if self.tier else self.size or FULL_SIZE

    @property
    def cores(self) -> int:
        """CPU threads of every cell."""
        from bench.machine.environment import wanted_threads  # looks at the machine, which no option needs

        return self.threads or wanted_threads()

    @property
    def count(self) -> int:
        """Interleaved rounds of latency."""
        return self.rounds or (self.limits.rounds if self.limits else ROUNDS)

    @property
    def most(self) -> int | None:
        """At most this many images are scored per protocol."""
        return self.images or (self.limits.images if self.limits else None)

    @property
    def most_of_slow(self) -> int | None:
        """At most this many images are scored for a slow method, if fewer than for others."""
        given = [one for one in (self.most, self.limits.slow_images if self.limits else None) if one]
        return min(given, default=None)

    def swept(self) -> Iterator[Request]:
        """Return one request for each size or thread count of a sweep; the request itself without one."""
        if self.sweep == "resolution":
            yield from (replace(self, sweep=None, size=size) for size in resolutions())
        elif self.sweep == "threads":
            yield from (replace(self, sweep=None, threads=count) for count in thread_counts())
        else:
            yield self


def resolutions() -> tuple[tuple[int, int], ...]:
    """Frames of a resolution sweep: 0.5 to 48 MP in shape 2:3, sides multiples of 32, and the paper's."""
    millions = (0.5, 1, 2, 4, 8, 16, 24, 36, 48)
    sides = [round(math.sqrt(pixels * 1e6 / 1.5) / 32) * 32 for pixels in millions]
    return tuple(sorted([*((side, side * 3 // 2 // 32 * 32) for side in sides), FULL_SIZE]))


def thread_counts() -> tuple[int, ...]:
    """Thread counts of a sweep: powers of two below the usable cores, and all of them."""
    from bench.machine.environment import usable_cores

    cores = usable_cores()
    return tuple(sorted({*(1 << power for power in range(cores.bit_length()) if 1 << power < cores), cores}))
