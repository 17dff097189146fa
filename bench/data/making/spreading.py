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
    """A piece that cannot be generated; the others are not affected.

    Attributes:
        piece: its scene.
        reason: why, in one line that names the file.
    """

    piece: str
    reason: str


def counted(total: int, progress: Callable[[int, int], None] | None) -> Callable[[], None]:
    """Return what to call after each of `total` files; it tells `progress` how many are done, of how many."""
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
    """Generate the missing pieces of a set, and list the files of each as soon as they exist.

    Args:
        out: the set's folder.
        manifest: its list.
        make: generates a piece and returns its files' entries, or why it cannot; here it also gets `count`,
            to call after each file.
        missing: the pieces.
        count: called once for every file.
        spread: applies `make` to each piece elsewhere, in any order; None to generate them here, one by one.
        refused: called for every piece that cannot be generated; needed if `make` refuses any.
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
