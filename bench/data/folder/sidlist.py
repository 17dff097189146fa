"""SID's own list files: which short exposure goes with which long one."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bench.data.folder.lists import read_text
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def read_list(path: Path) -> tuple[frozenset[tuple[str, str]], list[str]]:
    """Read lines like `./Sony/short/10003_00_0.04s.ARW ./Sony/long/10003_00_10s.ARW ISO200 F9`.

    Only the names count: a line whose paths are absolute or climb with `..` is refused, so that no list can
    point outside the data set.

    Returns:
        Pairs of names without suffix (short, long), and one line for each line that was refused.

    Raises:
        InputError: the file cannot be read, or no line of it is usable.
    """
    pairs, refused = set(), []
    for number, line in enumerate(read_lines(path), 1):
        words = line.split()
        if not words:
            continue
        short, long = (_stem(words[0], "short"), _stem(words[1], "long")) if len(words) > 1 else (None, None)
        if short is None or long is None:
            refused.append(
                f"{path}:{number}: not a short and a long file inside the data set, skipped: correct the line"
            )
        else:
            pairs.add((short, long))
    if not pairs:
        raise InputError(f"list {path} has no usable line: give one of SID's list files")
    return frozenset(pairs), refused


def read_lines(path: Path) -> list[str]:
    """Read the lines of a list file.

    Raises:
        InputError: the file cannot be read.
    """
    # A spreadsheet separates by semicolons or tabs and may quote; Windows writes its own slashes.
    text = read_text(path, "list").translate({ord(each): " " for each in ';,"\t'})
    return text.replace("\\", "/").splitlines()


def _stem(word: str, folder: str) -> str | None:
    path = PurePosixPath(word)
    if path.is_absolute() or ".." in path.parts or ":" in word or path.parent.name != folder:
        return None
    return path.stem
