"""Two revisions of a project side by side: each a folder from which Python can import it.

A revision is checked out into a folder and a repository of its own, so that the user's stay as they are; the
environment, with all dependencies, is shared. A folder given instead of a revision is used as
it is. A name that could mean both is refused, as git does.
"""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.gate.checkouts import check_out
from bench.machine import git
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Where in a project its packages lie.
SOURCE_FOLDERS = (".", "src")
# Where git looks for a short name, in this order.
PLACES_OF_REFS = ("refs", "refs/tags", "refs/heads", "refs/remotes")
# Characters of a name that go into an error.
LONGEST = 200
# How git's index marks one.
SUBMODULE = "160000"


@dataclass(frozen=True)
class Tree:
    """A revision as files.

    Attributes:
        name: as the user called it.
        folder: where it is.
        paths: folders that come first on Python's import path.
        commit: its commit, with "+changes" for a checkout that differs from it; None outside of git.
        project: the user's project where this is a checkout of it; its code must not be imported then.
        hint: why an import may fail here, and what helps; None if nothing is known to be missing.
    """

    name: str
    folder: Path
    paths: tuple[Path, ...]
    commit: str | None
    project: Path | None = None
    hint: str | None = None

    @property
    def revision(self) -> dict[str, str | None]:
        """What its results are called by: the user's name, unless that is a path here, and the commit."""
        return {"revision": None if Path(self.name).is_absolute() else self.name, "commit": self.commit}


@contextlib.contextmanager
def tree(
    name: str, project: Path, *, prepare: str | None = None, sources: Sequence[str] = ()
) -> Iterator[Tree]:
    """Provide a revision or folder as a tree within a `with` block.

    Args:
        name: a revision of the project's repository, or a folder.
        project: any folder of the project's repository; what lies below it there is the project.
        prepare: a shell command that is run in a checked-out revision first: what git does not keep
            (compiled extensions, generated files).
        sources: folders of the project from which it is imported; its root and `src` if empty.

    Raises:
        InputError: no such revision or folder, or the command failed.
    """
    if (kind := meaning(name, project)) == "file":
        raise InputError(f"{name} is a file: give a revision or a folder")
    if kind == "folder":
        folder = Path(name).resolve()
        yield Tree(name, folder, _paths(folder, sources), _commit(folder))
        return
    root = _root(project, name)
    commit = _resolve(root, name)
    with tempfile.TemporaryDirectory(prefix="llbench-gate-", ignore_cleanup_errors=True) as temporary:
        checkout = Path(temporary).resolve() / "tree"
        check_out(root, commit, checkout)
        folder = checkout / git.call(project, "rev-parse", "--show-prefix")
        if not folder.is_dir():
            raise InputError(
                f"{name} has no folder {folder.relative_to(checkout)}: run from the project's root"
            )
        if prepare is not None:
            _prepare(prepare, folder, name)
        yield Tree(name, folder, _paths(folder, sources), commit, project.resolve(), _hint(checkout))


def meaning(name: str, project: Path) -> Literal["file", "folder", "revision"]:
    """Say what a name stands for.

    Args:
        name: as the user wrote it.
        project: any folder of the project's repository.

    Raises:
        InputError: it is both a file or folder and a revision; ./NAME is the former, refs/heads/NAME the
        latter.
    """
    kind: Literal["file", "folder"]
    try:
        mode = Path(name).stat().st_mode if name else 0
    except (OSError, ValueError):  # too long, or with characters that no file can have
        mode = 0
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        return "revision"
    kind = "folder" if stat.S_ISDIR(mode) else "file"
    a_path_only = Path(name).is_absolute() or name.startswith(".") or name.endswith(("/", os.sep))
    if a_path_only:
        return kind
    try:
        commit = git.call(project, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    except git.GitError:
        return kind
    _root(project, name)  # in a bare repository HEAD is a file too: that it is bare is what matters
    full = git.call(project, "rev-parse", "--symbolic-full-name", name) or commit
    raise InputError(f"{name!r} is both a {kind} and a revision: write ./{name} or {full}")


def _paths(folder: Path, sources: Sequence[str]) -> tuple[Path, ...]:
    inside = folder.resolve()
    missing = [
        source
        for source in sources
        if not (folder / source).is_dir() or not (folder / source).resolve().is_relative_to(inside)
    ]
    if missing:
        raise InputError(f"{folder} has no folder {missing[0]!r}: give folders below the project's root")
    return tuple(
        (folder / source).resolve() for source in sources or SOURCE_FOLDERS if (folder / source).is_dir()
    )


def _root(project: Path, name: str) -> Path:
    try:
        return Path(git.call(project, "rev-parse", "--show-toplevel"))
    except git.GitError as error:
        raise InputError(
            f"{name[:LONGEST]!r} is not a folder, and {project.resolve()} is not in a usable git "
            f"repository ({error}): give two folders, or start in the repository"
        ) from None


def _resolve(root: Path, name: str) -> str:
    commit = _commit_named(root, name)
    asked = [f"{place}/{name}" for place in PLACES_OF_REFS]
    refs = git.call(root, "for-each-ref", "--format=%(refname)", *asked).splitlines()
    found = [ref for ref in asked if ref in refs]
    if len({_commit_named(root, ref) for ref in found}) > 1:
        raise InputError(f"{name!r} is the name of several revisions: write {' or '.join(found)}")
    return commit


def _commit_named(root: Path, name: str) -> str:
    try:
        commit = git.call(root, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    except git.GitError as error:
        shallow = git.call(root, "rev-parse", "--is-shallow-repository") == "true"
        cure = (
            "fetch it: this clone is shallow (fetch-depth: 0 in GitHub Actions)"
            if shallow
            else "see 'git log'"
        )
        raise InputError(f"{root} has no revision {name[:LONGEST]!r} ({error}): {cure}") from None
    if commit.startswith("^"):
        raise InputError(f"{root} has no revision {name!r}: git reads it as an exclusion")
    return commit


def _commit(folder: Path) -> str | None:
    with contextlib.suppress(git.GitError):
        return git.commit_of(folder, untracked=True)
    return None


def _prepare(command: str, folder: Path, name: str) -> None:
    ended = subprocess.run(  # noqa: S602 -- the user's own command line
        command, shell=True, cwd=folder, env=git.environment(), stdin=subprocess.DEVNULL, capture_output=True,
        text=True, errors="replace", check=False,
    )  # fmt: skip
    if ended.returncode:
        said = " ".join((ended.stderr or ended.stdout).split())[-300:]
        raise InputError(f"{command!r} failed in {name} with status {ended.returncode}: {said}")


def _hint(checkout: Path) -> str | None:
    """List the submodules that are empty."""
    staged = git.call(checkout, "ls-files", "--stage", "-z").split("\0")
    links = [line.partition("\t")[2] for line in staged if line.startswith(SUBMODULE)]
    empty = [link for link in links if not any((checkout / link).glob("*"))]
    if not empty:
        return None
    return f"its submodule {empty[0]} is not checked out: --prepare 'git submodule update --init'"
