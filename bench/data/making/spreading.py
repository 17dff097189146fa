"""Data sets generated piece by piece, here or on other workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from bench.data.folder.manifest import Manifest

    Spread = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Refused:
    """A piece that cannot be made, which harms no other.

    Attributes:
        piece: its scene.
        reason: why, in one line that names the file.
    """

    piece: str
    reason: str


def counted(total: int, progress: Callable[[int, int], None] | None) -> Callable[[], None]:
    """Give what to call after each of `total` files; it tells `progress` how many are done, of how many."""
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    return count


def fill(
    out: Path,
    manifest: Manifest,
    make: Callable[..., list[dict[str, Any]] | Refused],
    missing: Sequence[Any],
    count: Callable[[], None],
    spread: Spread | None,
    refused: Callable[[Refused], None] | None = None,
) -> None:
    """Make the pieces that a set lacks, and list the files of each as soon as they are there.

    Args:
        out: the set's folder.
        manifest: its list.
        make: makes a piece and gives its files' entries, or says why it cannot; here it also gets `count`, to
            call after each file.
        missing: the pieces.
        count: called once for every file.
        spread: does `make` for each piece elsewhere, in any order; None to make them here, one by one.
        refused: told of every piece that cannot be made; needed where `make` refuses any.
    """
    made = spread(make, missing) if spread else (make(piece, count) for piece in missing)
    for entries in made:
        if isinstance(entries, Refused):
            assert refused is not None
            refused(entries)
            continue
        if spread:
            for _ in entries:
                count()
        manifest.replace(entries)
        manifest.write(out)
