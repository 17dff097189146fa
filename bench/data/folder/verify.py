"""Check every file of a data set: is it complete, like the others, unchanged, and SID's own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from math import hypot
from typing import TYPE_CHECKING, Any

from baselines.paper import FULL_SIZE
from bench.data.decode.hashes import file_sha256
from bench.data.decode.sandbox import Sandbox
from bench.data.folder import known
from bench.data.folder.alignment import measure_shift, outline
from bench.data.folder.checksums import Checksums
from bench.data.folder.index import index
from bench.data.folder.subsets import MISALIGNED
from bench.machine.wording import plural
from llpacknet.errors import InputError, cause
from llpacknet.raw.black import black_drift

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from bench.data.decode.sandbox import Decoded
    from bench.data.folder.known import Listed
    from bench.data.folder.pairs import Dataset, Pair
    from llpacknet.raw.black import Drift

# From here on a measured misalignment is worth a warning; it is measured to about a pixel.
SHIFT_PX = 3.0

# What every file of SID's Sony set is.
SID_FACTS = {"size": FULL_SIZE, "pattern": "RGGB", "black": (512.0, 512.0, 512.0, 512.0), "white": 16383}


@dataclass
class Verification:
    """What was found.

    Attributes:
        dataset: the index that was checked.
        files: number of files decoded.
        problems: a line for everything that makes a file unusable or doubtful.
        warnings: a line for each thing worth knowing: misaligned scenes, checksums that could not be kept.
        compared: how many short exposures were compared with the known mean level of SID's.
        lists: how many pairs of each of SID's lists there are; empty for synthetic data.
        drifts: by short exposure, the error of its stated black level.
    """

    dataset: Dataset
    files: int = 0
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    compared: int = 0
    lists: list[Listed] = field(default_factory=list)
    drifts: dict[Path, Drift] = field(default_factory=dict)


def verify(
    root: Path, list_file: Path | None = None, *, progress: Callable[[int, int], None] | None = None
) -> Verification:
    """Decode every file in a sandbox and check it; keep checksums on first use, compare them after.

    Args:
        root: the folder.
        list_file: one of SID's lists, to check only the pairs it names.
        progress: called with the number of files done and the total.

    Raises:
        InputError: the folder cannot be indexed at all (see `index`).
    """
    dataset = index(root, list_file)
    found = Verification(dataset, problems=list(dataset.problems))
    checksums = Checksums(dataset.root)
    facts: dict[Path, dict[str, Any]] = {}
    total = len({pair.long for pair in dataset.pairs}) + len(dataset.pairs)
    with Sandbox() as sandbox:
        check = _Check(
            sandbox, checksums, found, facts, lambda done: progress(done, total) if progress else None
        )
        for _, pairs in groupby(dataset.pairs, key=lambda pair: pair.scene):
            check.scene(list(pairs))
    found.problems += _strangers(facts, SID_FACTS if dataset.name == "sid-sony" else None)
    found.problems += checksums.problems
    found.warnings += [*_known_misaligned(dataset), *checksums.keep()]
    if not dataset.synthetic:
        found.lists = known.in_lists(dataset.pairs)
        found.warnings += _off_the_lists(found.lists, dataset)
    return found


@dataclass
class _Check:
    """Goes through a data set scene by scene, so that each long exposure is decoded once."""

    sandbox: Sandbox
    checksums: Checksums
    found: Verification
    facts: dict[Path, dict[str, Any]]
    progress: Callable[[int], None]

    def scene(self, pairs: list[Pair]) -> None:
        long = self.file(pairs[0].long)
        truth = outline(long.frame, 1.0) if long else None
        for pair in pairs:
            short = self.file(pair.short)
            if short is None:
                continue
            self.found.drifts[pair.short] = black_drift(short.frame)
            self.level(pair, short)
            if truth is not None:
                self.alignment(pair, truth, outline(short.frame, pair.ratio))

    def file(self, path: Path) -> Decoded | None:
        self.found.files += 1
        decoded = None
        try:
            decoded = self.sandbox.decode(path)
            self.checksums.compare(path, file_sha256(path))
            self.facts[path] = _facts(decoded)
            self.found.warnings += [f"{path} {note}" for note in decoded.frame.notes]
        except (InputError, OSError) as error:
            self.found.problems.append(str(error))
        except Exception as error:  # noqa: BLE001 -- the other files are to be checked
            self.found.problems.append(f"{path} cannot be checked: {cause(error)}")
        self.progress(self.found.files)
        return decoded

    def level(self, pair: Pair, short: Decoded) -> None:
        if self.found.dataset.synthetic or known.known_level(pair) is None:
            return
        self.found.compared += 1
        off = known.off_level(pair, known.mean_level(short.frame))
        self.found.problems += [off] if off else []

    def alignment(self, pair: Pair, long: tuple[Any, int], short: tuple[Any, int]) -> None:
        if long[0].shape != short[0].shape:
            return  # a stranger's size is a problem of its own
        shift = measure_shift(long[0], short[0], long[1])
        if shift is not None and hypot(*shift) >= SHIFT_PX:
            off = f"{shift[0]:+.0f} rows and {shift[1]:+.0f} columns"
            self.found.warnings.append(f"{pair.short}: measured {off} away from its long exposure")


def _facts(decoded: Decoded) -> dict[str, Any]:
    frame = decoded.frame
    return {
        "size": frame.mosaic.shape,
        "pattern": decoded.pattern,
        "black": tuple(frame.black.tolist()),
        "white": frame.white,
    }


def _strangers(facts: dict[Path, dict[str, Any]], expected: dict[str, Any] | None) -> Iterable[str]:
    """One line for each file that differs from SID's facts, or else from most files of the set."""
    for name in SID_FACTS:
        usual = Counter(each[name] for each in facts.values()).most_common(1)
        for path, each in facts.items():
            right = expected[name] if expected else usual[0][0]
            if each[name] != right:
                whose = "SID's is" if expected else "most files have"
                yield f"{path}: {name} is {each[name]}, {whose} {right}: replace the file"


def _known_misaligned(dataset: Dataset) -> list[str]:
    if dataset.synthetic:
        return []
    scenes = sorted({pair.scene for pair in dataset.pairs} & MISALIGNED)
    return [f"scene {scene}: its long exposure is known to be misaligned in SID" for scene in scenes]


def _off_the_lists(lists: list[Listed], dataset: Dataset) -> Iterable[str]:
    """Report which of SID's lists are only partly present, and pairs that are in none."""
    for one in lists:
        if 0 < one.there < one.pairs:
            yield (
                f"{one.there} of the {one.pairs} pairs in SID's {one.list} list are present, "
                f"first missing {one.missing}: add them if figures are to be comparable"
            )
    strangers = known.unlisted(dataset.pairs)
    if strangers and len(strangers) < len(dataset.pairs):
        yield f"{plural(len(strangers), 'pair')} in none of SID's lists, first {strangers[0]}"
