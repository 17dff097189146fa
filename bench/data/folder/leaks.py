"""What lists of a training and of a test have in common, and inputs that are their own truth.

A test that shares scenes or files with the training measures memory, and one whose input is the truth itself
measures nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bench.data.folder.sidlist import read_lines
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True)
class Entry:
    """One line of a list.

    Attributes:
        input: file of the dark exposure, as named there.
        truth: file of the long exposure, as named there.
    """

    input: str
    truth: str

    @property
    def scene(self) -> str:
        """The scene: what stands before the first underscore of the truth's name, as in SID's."""
        return PurePosixPath(self.truth).stem.partition("_")[0]


@dataclass(frozen=True)
class Leak:
    """One kind of thing that should not be there.

    Attributes:
        what: description.
        found: what it applies to, in order of name.
    """

    what: str
    found: tuple[str, ...]


def read_entries(path: Path) -> tuple[Entry, ...]:
    """Read a list of which each line begins with an input and its truth, in any folders.

    Raises:
        InputError: the file cannot be read, or no line of it names two files.
    """
    words = [line.split() for line in read_lines(path)]
    entries = tuple(
        Entry(*(str(PurePosixPath(word)) for word in line[:2])) for line in words if len(line) > 1
    )
    if not entries:
        raise InputError(f"list {path} contains no pair: each line must begin with an input and its truth")
    return entries


def leaks(lists: Mapping[str, Sequence[Entry]], root: Path | None = None) -> list[Leak]:
    """Compare every two lists, and each with itself.

    Args:
        lists: entries by the list's name, in the order in which they are compared.
        root: folder that holds the files; where given, files of equal content count as one whatever their
            names. Missing files are compared by name only.

    Returns:
        One for each kind and each pair of lists, including those with nothing found.
    """
    same = _by_content(lists, root) if root else {}
    found = []
    names = list(lists)
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            found += _shared(first, lists[first], second, lists[second], same)
    for name, entries in lists.items():
        own = {one.input for one in entries if _is_own_truth(one, same)}
        found.append(Leak(f"inputs of {name} that are their own truth", tuple(sorted(own))))
    return found


def _shared(
    first: str, ours: Sequence[Entry], second: str, theirs: Sequence[Entry], same: Mapping[str, str]
) -> list[Leak]:
    def common(what: str, one: Iterable[str], other: Iterable[str]) -> Leak:
        there = {same.get(name, name) for name in one}
        both = sorted({name for name in other if same.get(name, name) in there})
        return Leak(f"{what} in both {first} and {second}", tuple(both))

    return [
        common("scenes", (one.scene for one in ours), (one.scene for one in theirs)),
        common("inputs", (one.input for one in ours), (one.input for one in theirs)),
        common("truths", (one.truth for one in ours), (one.truth for one in theirs)),
    ]


def _is_own_truth(entry: Entry, same: Mapping[str, str]) -> bool:
    pair = (entry.input, entry.truth)
    by_name = len({PurePosixPath(name).name for name in pair}) == 1
    return by_name or (all(name in same for name in pair) and same[pair[0]] == same[pair[1]])


def _by_content(lists: Mapping[str, Sequence[Entry]], root: Path) -> dict[str, str]:
    """Map each listed file that lies under a folder to a digest; only files of equal size are read."""
    if not root.is_dir():
        raise InputError(f"{root} is not a folder: give the folder with the files in the lists, or none")
    listed = {name for entries in lists.values() for one in entries for name in (one.input, one.truth)}
    placed = {name: path for name in sorted(listed) if (path := _placed(root, name)) is not None}
    sizes: dict[int, list[str]] = {}
    for name, path in placed.items():
        sizes.setdefault(path.stat().st_size, []).append(name)
    digests = {}
    for names in sizes.values():
        for name in names if len(names) > 1 else ():
            with placed[name].open("rb") as file:
                digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def _placed(root: Path, name: str) -> Path | None:
    """Find a listed file inside the folder; a name that points outside is not followed."""
    path = root / name
    inside = path.resolve().is_relative_to(root.resolve())
    return path if inside and path.is_file() else None
