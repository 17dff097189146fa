"""Restores many photographs: the next one is read and the last one written while the network works."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from llpacknet.errors import InputError, cause
from llpacknet.photos import capture, pictures
from llpacknet.photos.colour import Difference, difference
from llpacknet.raw.black import with_own_black
from llpacknet.raw.container import NPY
from llpacknet.raw.read import frame_of, open_raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from numpy.typing import NDArray
    from PIL import Image

    from llpacknet.photos.pictures import Kind
    from llpacknet.raw.black import Drift
    from llpacknet.raw.frame import RawFrame
    from llpacknet.restoring import Placed, Restored, Restorer

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
# Mean level, as a share of white, of the brightest of the 93 first frames of SID's test part.
BRIGHTEST_DARK = 27.536 / 15871
# Pictures that wait to be written at most, so that a slow disk does not fill the memory.
WRITING = 2


@dataclass(frozen=True)
class Task:
    """One photograph to restore, and its picture's file.

    Attributes:
        source: the raw file.
        target: the picture's.
        kind: the picture's format.
        ev: how many stops brighter than its gain says.
        own_black: whether black is estimated in the frame (`llpacknet.raw.black`) instead of the file's.
    """

    source: Path
    target: Path
    kind: Kind
    ev: float = 0.0
    own_black: bool = False


@dataclass(frozen=True)
class Done:
    """How one photograph fared.

    Attributes:
        task: which.
        reason: why there is no picture; None where it was written.
        gain: the gain behind it; None where the network does not tell.
        difference: how far its colours are from rawpy's rendering; None where they were not compared.
        seconds: since the photograph before it was finished.
        notes: what the file leaves open, or asks for without effect, and that it is not a dark raw.
    """

    task: Task
    reason: str | None = None
    gain: float | None = None
    difference: Difference | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Read:
    frame: RawFrame
    exif: Image.Exif
    placed: Placed
    notes: tuple[str, ...]


def tasks(inputs: Sequence[Path], out: Path, kind: Kind | None) -> list[Task]:
    """Name the picture of every photograph.

    Args:
        inputs: raw files and folders of them, which are searched through.
        out: a folder; or a file, where one raw file is the only input and this has a picture's suffix.
        kind: the format; from the suffix of `out`, else PNG, if None.

    Raises:
        InputError: no photograph among the inputs, or one file for several pictures.
    """
    named = pictures.SUFFIXES.get(out.suffix.lower())
    if named is not None and not out.is_dir():
        if len(inputs) != 1 or inputs[0].is_dir():
            raise InputError(f"{out} is one file for several photographs: name a folder with -o")
        if kind not in {None, named}:
            raise InputError(f"{out} is no {kind} file: leave --format away, or name another file")
        if out.exists() and inputs[0].exists() and out.samefile(inputs[0]):
            raise InputError(f"{out} is the photograph itself: name another file with -o")
        return [Task(inputs[0], out, named)]
    chosen: Kind = kind or "png"
    suffix = pictures.ENDINGS[chosen]
    found = [(source, place) for one in inputs for source, place in _photographs(one)]
    if not found:
        for array in (array for one in inputs for array in one.rglob("*.npy")):
            raise InputError(f"{array} {NPY}")
        raise InputError(
            f"no raw photograph in {', '.join(map(str, inputs))}: name raw files, or their folder"
        )
    plain = [place.with_name(place.stem + suffix) for _, place in found]
    # A camera's RAW beside its DNG, say: then the whole name makes the difference.
    names = [
        place.with_name(place.name + suffix) if plain.count(short) > 1 else short
        for (_, place), short in zip(found, plain, strict=True)
    ]
    if len(set(names)) < len(names):
        name = next(name for name in names if names.count(name) > 1)
        raise InputError(f"several photographs would become {out / name}: restore each folder into its own")
    return [Task(source, out / name, chosen) for (source, _), name in zip(found, names, strict=True)]


def _photographs(one: Path) -> list[tuple[Path, Path]]:
    """Raw files of an input, each with its place below the output folder."""
    if not one.is_dir():
        return [(one, Path(one.name))]
    inside = sorted(path for path in one.rglob("*") if path.suffix.lower() in RAW_SUFFIXES and path.is_file())
    return [(path, path.relative_to(one)) for path in inside if not path.name.startswith(".")]


def restore_all(restorer: Restorer, todo: Sequence[Task]) -> Iterator[Done]:
    """Restore photographs in turn; one that cannot be read or written is reported and skipped.

    Args:
        restorer: the network.
        todo: what to restore.

    Yields:
        how each fared, in order.
    """
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        firsts = [task for task, before in zip(todo, [None, *todo], strict=False) if not _same(task, before)]
        ahead = [reader.submit(_read, task, restorer) for task in firsts[:1]]
        left = iter(firsts[1:])
        writing: list[Future[Done]] = []
        last = time.perf_counter()
        for number, task in enumerate(todo):
            if number == 0 or not _same(task, todo[number - 1]):  # a bracket is read once
                read = _outcome(ahead.pop(0), task)
                ahead += [reader.submit(_read, one, restorer) for one in islice(left, 1)]
            restored = read if isinstance(read, str) else _run(task, read, restorer)
            if isinstance(read, str) or isinstance(restored, str):
                writing.append(writer.submit(Done, task, str(restored)))
            else:
                writing.append(writer.submit(_write, task, read, restored))
            del restored
            while len(writing) > (WRITING - 1 if number + 1 < len(todo) else 0):
                done = writing.pop(0).result()
                now = time.perf_counter()
                yield replace(done, seconds=now - last)
                last = now


def bracket(todo: Iterable[Task], evs: Sequence[float]) -> list[Task]:
    """Turn every task into one for each of several exposure values, in stops, named after them."""
    if len(evs) == 1:
        return [replace(task, ev=evs[0]) for task in todo]
    return [replace(task, ev=ev, target=_named(task.target, ev)) for task in todo for ev in evs]


def _named(target: Path, ev: float) -> Path:
    return target.with_name(f"{target.stem}_{ev:+g}ev{target.suffix}")


def _same(task: Task, before: Task | None) -> bool:
    return before is not None and task.source == before.source


def _read(task: Task, restorer: Restorer) -> _Read:
    with open_raw(task.source) as raw:
        frame = frame_of(raw, task.source)
        exif = capture.read(task.source, raw)
    notes = (*frame.notes, *_bright(frame))
    if task.own_black:
        frame, drift = with_own_black(frame)
        notes += (_told(drift),)
    return _Read(frame, exif, restorer.place(frame), notes)


def _told(drift: Drift) -> str:
    if drift.dn is None:
        return "has light in its darkest parts too: the black level that it states is kept"
    return f"has its black {drift.dn:+.2f} from where it says, by its {drift.source}: subtracted"


def _bright(frame: RawFrame) -> tuple[str, ...]:
    """Whether a frame is brighter than any that such networks are made for."""
    level = float(np.mean((_means(frame) - frame.black) / (frame.white - frame.black)))
    if level <= BRIGHTEST_DARK:
        return ()
    most = f"in SID's test set at most {BRIGHTEST_DARK:.2%}"
    note = f"is no dark raw: its mean level is {level:.2%} of white, {most}"
    return (note,)


def _means(frame: RawFrame) -> NDArray[np.float64]:
    """Mean of the four planes."""
    return np.array([frame.mosaic[row::2, column::2].mean() for row in (0, 1) for column in (0, 1)])


def _outcome(reading: Future[_Read], task: Task) -> _Read | str:
    # Decoders, and a user's own network, raise what they like; the other photographs are to be restored.
    try:
        return reading.result()
    except InputError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001
        return f"{task.source} cannot be read: {cause(error)}"


def _run(task: Task, read: _Read, restorer: Restorer) -> Restored | str:
    try:
        placed = restorer.place(read.frame, task.ev) if task.ev else read.placed
        return restorer.run(placed, pictures.BITS[task.kind])
    except InputError as error:
        return f"{task.source}: {error}"
    except (Exception, SystemExit) as error:  # noqa: BLE001
        return f"{task.source} could not be restored: {cause(error)}"


def _write(task: Task, read: _Read, restored: Restored) -> Done:
    try:
        pictures.write(task.target, restored.picture, task.kind, read.exif, read.frame)
    except InputError as error:
        return Done(task, str(error))
    except Exception as error:  # noqa: BLE001 -- as above
        return Done(task, f"{task.target} could not be written: {cause(error)}")
    own = np.rot90(restored.picture, -read.placed.turns)
    apart, notes = None, read.notes
    try:
        apart = None if restored.gain is None else difference(read.frame, restored.gain, own)
    except Exception as error:  # noqa: BLE001 -- the picture is there all the same
        notes += (f"could not be compared with LibRaw's rendering: {cause(error)}",)
    return Done(task, None, restored.gain, apart, notes=notes)
