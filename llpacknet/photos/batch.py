"""Restore many photographs: while the network works, the next one is read and the last one is written."""

from __future__ import annotations

import mimetypes
import re
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from llpacknet.errors import InputError, cause
from llpacknet.photos import colour, images, steps
from llpacknet.photos.steps import Done, Steps, Task
from llpacknet.raw.container import NPY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from llpacknet.photos.images import Kind
    from llpacknet.photos.steps import Read
    from llpacknet.restoring import Restorer

# What is taken for a photograph in a folder; a file named by itself is tried whatever it is called.
RAW_SUFFIXES = frozenset(
    (
        *(
            ".3fr",
            ".arw",
            ".cr2",
            ".cr3",
            ".crw",
            ".dcr",
            ".dng",
            ".erf",
            ".fff",
            ".iiq",
            ".kdc",
            ".mef",
            ".mos",
        ),
        *(
            ".mrw",
            ".nef",
            ".nrw",
            ".orf",
            ".pef",
            ".raf",
            ".raw",
            ".rw2",
            ".rwl",
            ".sr2",
            ".srf",
            ".srw",
            ".x3f",
        ),
    )
)
# Pictures that `mimetypes` may not know.
OTHER_PICTURES = frozenset((".avif", ".exr", ".heic", ".heif", ".jp2", ".jxl", ".psd", ".webp"))
# What a mistyped suffix of an image looks like; a year or a version number does not.
LIKE_A_SUFFIX = re.compile(r"\.(?=.*[a-z])[a-z0-9]{2,5}", re.IGNORECASE)
# Images that wait to be written at most, so that a slow disk does not fill the memory.
WRITING = 2


def tasks(inputs: Sequence[Path], out: Path, kind: Kind | None, *, into_folder: bool = False) -> list[Task]:
    """Choose the output file of every photograph.

    Args:
        inputs: raw files, and folders to search for raw files.
        out: a folder; or a file, where one raw file is the only input and this has an image's suffix.
        kind: the format; from the suffix of `out`, else PNG, if None.
        into_folder: `out` is a folder, existing or not, whatever its suffix.

    Raises:
        InputError: no photograph among the inputs, one file for several images, or a file of a format that is
            unknown or not written.
    """
    named = images.SUFFIXES.get(out.suffix.lower())
    into_folder = into_folder or out.is_dir()
    alone = len(inputs) == 1 and not inputs[0].is_dir()
    if named is None and not into_folder:
        _check_folder(out, alone=alone)
    if named is not None and not into_folder:
        if not alone:
            raise InputError(f"{out} is a single file for several photographs: give a folder with -o")
        if kind not in {None, named}:
            raise InputError(f"{out} is no {kind} file: drop --format, or choose another file")
        if out.exists() and inputs[0].exists() and out.samefile(inputs[0]):
            raise InputError(f"{out} is the photograph itself: choose another file with -o")
        return [Task(inputs[0], out, named)]
    chosen: Kind = kind or "png"
    suffix = images.ENDINGS[chosen]
    found = [(source, place) for one in inputs for source, place in _photographs(one)]
    if not found:
        for array in (array for one in inputs for array in one.rglob("*.npy")):
            raise InputError(f"{array} {NPY}")
        raise InputError(
            f"no raw photograph in {', '.join(map(str, inputs))}: give raw files, or their folder"
        )
    plain = [place.with_name(place.stem + suffix) for _, place in found]
    # A camera's RAW beside its DNG, say: then the whole name makes the difference.
    names = [
        place.with_name(place.name + suffix) if plain.count(short) > 1 else short
        for (_, place), short in zip(found, plain, strict=True)
    ]
    if len(set(names)) < len(names):
        name = next(name for name in names if names.count(name) > 1)
        raise InputError(
            f"several photographs would be written to {out / name}: restore each folder separately"
        )
    return [Task(source, out / name, chosen) for (source, _), name in zip(found, names, strict=True)]


def _check_folder(out: Path, *, alone: bool) -> None:
    """Refuse a folder with the suffix of a picture, or of one mistyped where the photograph is `alone`."""
    known = ", ".join(images.SUFFIXES)
    if _is_a_picture(out):
        raise InputError(f"{out} is no format that is written: give a folder, or a name that ends in {known}")
    if alone and not out.exists() and LIKE_A_SUFFIX.fullmatch(out.suffix):
        raise InputError(f"{out} has an unknown suffix: end in {known}, or write {out}/ for a folder")


def _is_a_picture(out: Path) -> bool:
    """Whether a name is a picture's by its suffix, rather than a folder's."""
    suffix = out.suffix.lower()
    kind = mimetypes.guess_type(f"x{suffix}")[0] or ""
    return suffix in RAW_SUFFIXES | OTHER_PICTURES or kind.startswith("image/")


def _photographs(one: Path) -> list[tuple[Path, Path]]:
    """Raw files of an input, each with its place below the output folder."""
    if not one.is_dir():
        return [(one, Path(one.name))]
    inside = sorted(path for path in one.rglob("*") if path.suffix.lower() in RAW_SUFFIXES and path.is_file())
    return [(path, path.relative_to(one)) for path in inside if not path.name.startswith(".")]


def restore_all(build: Callable[[], Restorer], todo: Sequence[Task]) -> Iterator[Done]:
    """Restore photographs in turn; one that cannot be read or written is reported and skipped.

    Args:
        build: makes the network's restorer; the first file is read meanwhile.
        todo: what to restore.

    Yields:
        the outcome of each, in order.
    """
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        firsts = [task for task, before in zip(todo, [None, *todo], strict=False) if not _same(task, before)]
        coming: Future[Restorer] = Future()
        ahead = [reader.submit(steps.read, task, coming) for task in firsts[:1]]
        left = iter(firsts[1:])
        last = time.perf_counter()
        restorer = _built(build, coming)
        reader.submit(colour.load)
        writing: list[Future[Done]] = []
        for number, task in enumerate(todo):
            spent = Steps()
            if number == 0 or not _same(task, todo[number - 1]):  # a bracket is read once
                begun = time.perf_counter()
                read = _outcome(ahead.pop(0), task)
                seconds = 0.0 if isinstance(read, str) else read.seconds
                spent = Steps(reading=seconds, waited_for_file=time.perf_counter() - begun)
                ahead += [reader.submit(steps.read, one, coming) for one in islice(left, 1)]
            begun = time.perf_counter()
            restored = read if isinstance(read, str) else steps.run(task, read, restorer)
            spent = replace(spent, network=time.perf_counter() - begun)
            if isinstance(read, str) or isinstance(restored, str):
                notes = () if isinstance(read, str) else read.notes
                writing.append(writer.submit(Done, task, str(restored), notes=notes, steps=spent))
            else:
                writing.append(writer.submit(steps.write, task, read, restored, spent))
            del restored
            while len(writing) > (WRITING - 1 if number + 1 < len(todo) else 0):
                begun = time.perf_counter()
                done = writing.pop(0).result()
                now = time.perf_counter()
                waited = replace(done.steps, waited_for_disk=now - begun)
                yield replace(done, seconds=now - last, steps=waited)
                last = now


def _built(build: Callable[[], Restorer], coming: Future[Restorer]) -> Restorer:
    """Build the restorer that a reader may be waiting for; where it cannot be built, let none wait."""
    try:
        restorer = build()
    except BaseException as error:
        coming.set_exception(error)
        raise
    coming.set_result(restorer)
    return restorer


def bracket(todo: Iterable[Task], evs: Sequence[float]) -> list[Task]:
    """Turn every task into one for each of several exposure values, in stops, named after them."""
    if len(evs) == 1:
        return [replace(task, ev=evs[0]) for task in todo]
    return [replace(task, ev=ev, target=_named(task.target, ev)) for task in todo for ev in evs]


def _named(target: Path, ev: float) -> Path:
    return target.with_name(f"{target.stem}_{ev:+g}ev{target.suffix}")


def _same(task: Task, before: Task | None) -> bool:
    return before is not None and task.source == before.source


def _outcome(reading: Future[Read], task: Task) -> Read | str:
    # Decoders, and a user's own network, raise what they like; the other photographs are to be restored.
    try:
        return reading.result()
    except InputError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001
        return f"{task.source} cannot be read: {cause(error)}"
