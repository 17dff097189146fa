"""The SHA-256 of every file of a data set, recorded on first use and compared from then on."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from llpacknet.whole import whole

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "llbench-sha256.json"
_MANIFEST = "manifest.json"
_LIMIT = 50_000_000
_SHA256 = re.compile("[0-9a-f]{64}")


class Checksums:
    """Checksums of the files below a folder, from `llbench-sha256.json` and from synthetic data's manifest.

    Names in either file that leave the folder are ignored with a problem; no file is opened through them.

    Attributes:
        problems: a line for every file that is missing or has changed, and for unusable records.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.problems: list[str] = []
        self._recorded = self._read(root / FILE_NAME)
        self._made = self._read(root / _MANIFEST)
        self._seen: dict[str, str] = {}
        missing = [name for name in {**self._recorded, **self._made} if not (root / name).exists()]
        self.problems += [f"{root / name}: recorded but missing: copy it again" for name in missing]

    def compare(self, path: Path, digest: str) -> None:
        """Note a file's checksum, and a problem if it is not the recorded one."""
        name = path.relative_to(self._root).as_posix()
        self._seen[name] = digest
        for source, recorded in ((FILE_NAME, self._recorded), (_MANIFEST, self._made)):
            if recorded.get(name, digest) != digest:
                self.problems.append(f"{path}: changed since {source} recorded its checksum: copy it again")

    def keep(self) -> list[str]:
        """Record the checksums of files seen for the first time; a warning is returned if that fails."""
        new = {name: digest for name, digest in self._seen.items() if name not in self._recorded}
        if not new:
            return []
        target = self._root / FILE_NAME
        content = {"schema": 1, "files": dict(sorted({**self._recorded, **new}.items()))}
        try:
            with whole(target) as partial:
                partial.write_text(json.dumps(content, indent=1) + "\n")
        except OSError as error:
            return [f"{target} cannot be written ({error.strerror}): changed files will not be noticed"]
        return []

    def _read(self, path: Path) -> dict[str, str]:
        if not path.is_file():
            return {}
        try:
            with path.open("rb") as file:
                files: Any = json.loads(file.read(_LIMIT))["files"]
            listed = files if isinstance(files, dict) else {entry["path"]: entry["sha256"] for entry in files}
            return {name: digest for name, digest in listed.items() if self._usable(path, name, digest)}
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            self.problems.append(f"{path}: not a record of checksums ({type(error).__name__}): remove it")
            return {}

    def _usable(self, path: Path, name: str, digest: object) -> bool:
        inside = not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts
        if inside and isinstance(digest, str) and _SHA256.fullmatch(digest):
            return True
        self.problems.append(
            f"{path}: {name!r} is not a file in this folder with a SHA-256, ignored: remove the entry"
        )
        return False
