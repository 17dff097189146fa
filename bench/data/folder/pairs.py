"""A data set as the benchmark sees it: short exposures, each with the long exposure of its scene."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# The published protocols cap the exposure ratio here.
MAX_RATIO = 300.0


@dataclass(frozen=True, order=True)
class Pair:
    """A short exposure and the long exposure of the same scene.

    Attributes:
        scene: the five-digit id; its first digit is 0 for training, 1 for test, 2 for validation.
        frame: index of the frame among those of one exposure time, "00" for the first.
        short_s: exposure time of the short frame in seconds, as its name says.
        long_s: exposure time of the long frame in seconds.
        short: the short frame's file.
        long: the long frame's file.
    """

    scene: str
    frame: str
    short_s: float
    long_s: float
    short: Path
    long: Path

    @property
    def name(self) -> str:
        """The short frame's name without its suffix, as 10003_00_0.1s."""
        return self.short.stem

    @property
    def ratio(self) -> float:
        """Exposure ratio as the published protocols use it: t_long / t_short, at most 300."""
        return min(self.long_s / self.short_s, MAX_RATIO)


@dataclass(frozen=True)
class Dataset:
    """An indexed folder in SID's layout.

    Attributes:
        root: the folder that was indexed.
        name: short name for results; for synthetic data it contains the manifest's hash, never a path.
        synthetic: whether the files say that they are synthetic (see `data make` and `data redark`).
        pairs: all pairs, sorted.
        problems: one line for every file that could not be paired.
        address: where the folder is if it has no local path, such as s3://bucket/folder; `root` and the
        files'
            paths then only say where in it they are.
        recipe: what `data make` was asked for (seed, height, width, …), where it made the files, so that they
            can be made again.
    """

    root: Path
    name: str
    synthetic: bool
    pairs: tuple[Pair, ...]
    problems: tuple[str, ...] = ()
    address: str | None = None
    recipe: Mapping[str, Any] | None = field(default=None, hash=False)

    def source(self, path: Path) -> str:
        """Return the absolute path of a file of the data set, or its address (`bench.machine.address`)."""
        if self.address is None:
            return str(path.absolute())
        return f"{self.address}/{path.relative_to(self.root).as_posix()}"
