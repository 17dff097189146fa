"""The list of what a synthetic data set holds: every file with its parameters, seed and sha256."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from llpacknet.errors import InputError
from llpacknet.whole import whole

if TYPE_CHECKING:
    from pathlib import Path

NAME = "manifest.json"
FORMAT = 1


@dataclass
class Manifest:
    """Contents of `manifest.json`; the same data give the same bytes, anywhere and at any time.

    Attributes:
        kind: "procedural" or "redark".
        parameters: what the whole set was asked for (seed, size, noise options).
        files: one entry per file, with "path" (relative, with slashes) and "sha256" among its keys.
    """

    kind: str
    parameters: dict[str, Any]
    files: list[dict[str, Any]] = field(default_factory=list)

    def write(self, root: Path) -> None:
        """Write it to `root`, completely or not at all, sorted by path."""
        content = {
            "format": FORMAT,
            "synthetic": True,
            "kind": self.kind,
            "parameters": self.parameters,
            "files": sorted(self.files, key=lambda entry: entry["path"]),
        }
        text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"
        with whole(root / NAME) as partial:
            partial.write_text(text, encoding="utf-8")

    def intact(self, root: Path, path: str) -> bool:
        """Whether the file `path` is listed and still is what the list says."""
        listed = next((entry for entry in self.files if entry["path"] == path), None)
        return listed is not None and (root / path).is_file() and digest(root / path) == listed["sha256"]

    def replace(self, entries: list[dict[str, Any]]) -> None:
        """Add entries, replacing those with the same path."""
        paths = {entry["path"] for entry in entries}
        self.files = [entry for entry in self.files if entry["path"] not in paths] + entries


def digest(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def prepare(root: Path, kind: str, parameters: dict[str, Any], *, resume: bool) -> Manifest:
    """Open a folder for synthetic data: the manifest of an earlier, equal run, else an empty one.

    Raises:
        InputError: the folder cannot be written, or contains something other than what is to be generated.
    """
    try:
        (root / "Sony" / "short").mkdir(parents=True, exist_ok=True)
        (root / "Sony" / "long").mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot create folders in {root} ({error.strerror}): choose a folder that you may write to"
        ) from None
    if not os.access(root, os.W_OK):
        raise InputError(f"cannot write to {root}: choose a folder that you may write to")
    if not (root / NAME).exists():
        if any((root / "Sony").glob("*/*")):
            raise InputError(f"{root} contains raw files that no manifest lists: choose an empty folder")
        return Manifest(kind, parameters)
    earlier = read(root)
    if not resume or (earlier.kind, earlier.parameters) != (kind, parameters):
        raise InputError(f"{root} contains other data ({_brief(earlier)}): choose an empty folder")
    return earlier


def read(root: Path) -> Manifest:
    """Read the manifest of a synthetic data set.

    Raises:
        InputError: it is missing or not one that this program wrote.
    """
    try:
        content = json.loads((root / NAME).read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise InputError(
                f"{root / NAME} has format {content['format']}, not {FORMAT}: generate the data again"
            )
        return Manifest(
            str(content["kind"]), dict(content["parameters"]), [dict(entry) for entry in content["files"]]
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{root / NAME} is not a manifest of synthetic data ({error!r}): generate the data again"
        ) from None


def _brief(manifest: Manifest) -> str:
    numbers = ", ".join(f"{key} {value}" for key, value in sorted(manifest.parameters.items()))
    return f"{manifest.kind}, {numbers}"
