"""Result files: one JSON file per cell under `<out>/cells/`, written completely or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import re
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from bench.records import schema
from bench.records.cells import Cell, Record
from llpacknet.errors import InputError
from llpacknet.whole import PARTIAL, whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CELLS = "cells"


def file_name(cell: Cell) -> str:
    """Name of a cell's file: readable axes for people, then eight hex digits that make it unique."""
    return _named(asdict(cell))


def _named(axes: dict[str, Any]) -> str:
    """Name by the axes that a file has: those of an older release lack what was added since."""
    shown = dict(axes)
    height, width, threads = (shown.pop(name, None) for name in ("height", "width", "threads"))
    words = [shown.pop("measurement"), *shown.values(), f"{height}x{width}" if height else None]
    words.append(f"{threads}threads" if threads else None)
    readable = "_".join(re.sub(r"[^A-Za-z0-9.+-]+", "-", word) for word in words if word)
    digest = hashlib.sha256(json.dumps(axes, sort_keys=True).encode()).hexdigest()
    return f"{readable[:160]}_{digest[:8]}.json"


def path_of(out: Path, cell: Cell) -> Path:
    """Path of a cell's file, whether it exists or not."""
    return out / CELLS / file_name(cell)


def write(out: Path, record: Record) -> Path:
    """Write a record into `<out>/cells/` and return its path.

    The bytes reach the disk under a temporary name that does not end in `.json` before the file takes its
    name, so that a reader sees the old file, the new one or none. Raises InputError when the folder cannot be
    written, and ValueError when the record would not pass the validator (a NaN among its values, say).
    """
    raw = asdict(record)
    found = schema.problems(raw)
    if found:
        raise ValueError(f"{file_name(record.cell)}: {'; '.join(found)}")
    path = path_of(out, record.cell)
    replace(path, json.dumps(raw, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n")
    return path


def replace(path: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Replace the content of the file `path` in one step; its folder is created.

    Raises InputError if that cannot be done. Content that can be made again need not be `durable`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path, durable=durable) as partial:
            partial.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise unwritable(path.parent, error) from error


class UnwritableError(InputError):
    """A results folder cannot be written."""


def unwritable(folder: Path, error: OSError) -> UnwritableError:
    """Say what to do about a results folder that cannot be written."""
    cures = {
        errno.ENOSPC: "free some space and continue with --resume",
        errno.EDQUOT: "free some of your quota and continue with --resume",
        errno.EROFS: "choose a folder on a writable disk with --out",
        errno.EACCES: "choose a folder that you may write to with --out",
        errno.ENOTDIR: "a file of that name is in the way; choose another folder with --out",
        errno.EEXIST: "a file of that name is in the way; choose another folder with --out",
    }
    cure = cures.get(error.errno or 0, "choose another folder with --out")
    return UnwritableError(f"cannot write results into {folder}: {error.strerror or error}; {cure}")


def read(path: Path) -> Record:
    """Read one result file; raises InputError with its first problem when it is not a valid one."""
    raw, found = _decode(path)
    if found:
        raise InputError(f"{path}: {found[0]}; delete the file, or measure it again with --resume")
    # Axes that a later release added are absent from older files and read as null.
    cell = Cell(**{axis: raw["cell"].get(axis) for axis in schema.AXES})
    return Record(**{**raw, "cell": cell})


def load(out: Path) -> list[Record]:
    """Read all records of a results folder, ordered by file name.

    Raises InputError when there are none or one of them is damaged.
    """
    paths = files(out)
    if not paths:
        raise InputError(f"no results under {out / CELLS}; measure some with 'llbench reproduce --out {out}'")
    return [read(path) for path in paths]


def files(out: Path) -> list[Path]:
    """List the finished result files of a folder, ordered by name; empty when there are none."""
    return sorted(path for path in (out / CELLS).glob("*.json") if not path.name.startswith("."))


def validate(source: Path | dict[str, Any]) -> list[str]:
    """Every problem of a result file (or of its decoded content); an empty list when there is none."""
    return schema.problems(schema.upgraded(source)) if isinstance(source, dict) else _decode(source)[1]


def _decode(path: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        return {}, [f"cannot be read: {error.strerror or error}"]
    except (ValueError, RecursionError) as error:
        return {}, [f"is not strict JSON: {error}"]
    raw = schema.upgraded(raw)
    found = schema.problems(raw)
    if not found:
        cell = raw["cell"]
        expected = file_name(Cell(**{axis: cell.get(axis) for axis in schema.AXES}))
        if path.name not in {expected, _named({axis: cell[axis] for axis in schema.AXES if axis in cell})}:
            found.append(f"its name does not match its cell, which belongs in {expected}")
    return raw, found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


@contextmanager
def held(out: Path, *, resume: bool) -> Iterator[None]:
    """Hold the folder for one run, and remove half-written files that killed processes left.

    Raises:
        InputError: the folder holds results and `resume` is False, another run has it, or it cannot be
            written.
    """
    taken = lock(out)
    try:
        if not resume and files(out):
            raise InputError(f"{out} already holds results: continue with --resume, or choose another --out")
        yield
    finally:
        taken.release()


def lock(out: Path) -> FileLock:
    """Lock the folder for one run, and remove half-written files that killed processes left.

    The lock goes with the process; a thread that has it may take it again. Raises InputError when another run
    has it, or it cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        taken = FileLock(out / ".lock", is_singleton=True)
        taken.acquire(timeout=0)
        for leftover in out.glob(f"*/.*{PARTIAL}"):
            leftover.unlink(missing_ok=True)
    except Timeout as error:
        raise InputError(
            f"another run is writing into {out}; wait for it, or choose another --out"
        ) from error
    except OSError as error:
        raise unwritable(out, error) from error
    return taken
