"""Two revisions of a project side by side: each a folder from which Python can import it.

A revision is checked out into a folder and a repository of its own, so that the user's stay as they are; the
environment, with all dependencies, is shared. A folder that is named instead of a revision is taken as it
stands.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.gate.checkouts import check_out
from bench.machine import git
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SOURCE_FOLDERS = (".", "src")
"""Where in a project its packages lie."""


@dataclass(frozen=True)
class Tree:
    """A revision as files.

    Attributes:
        name: as the user called it.
        folder: where it lies.
        paths: folders that come first among Python's places of import.
        commit: its commit, with "+changes" for a checkout that differs from it; None outside of git.
    """

    name: str
    folder: Path
    paths: tuple[Path, ...]
    commit: str | None


@contextlib.contextmanager
def tree(
    name: str, project: Path, *, prepare: str | None = None, sources: Sequence[str] = ()
) -> Iterator[Tree]:
    """Give a revision or folder as a tree for the time of a block.

    Args:
        name: a revision of the project's repository, or a folder.
        project: any folder of the project's repository; what lies below it there is the project.
        prepare: a shell command that is run in a checked-out revision first: what git does not keep
            (compiled extensions, generated files).
        sources: folders of the project from which it is imported; its root and `src` if empty.

    Raises:
        InputError: no such revision or folder, or the command failed.
    """
    if Path(name).is_dir():
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
        yield Tree(name, folder, _paths(folder, sources), commit)


def _paths(folder: Path, sources: Sequence[str]) -> tuple[Path, ...]:
    missing = [source for source in sources if not (folder / source).is_dir()]
    if missing:
        raise InputError(f"{folder} has no folder {missing[0]!r}: name folders below the project's root")
    return tuple(
        (folder / source).resolve() for source in sources or SOURCE_FOLDERS if (folder / source).is_dir()
    )


def _root(project: Path, name: str) -> Path:
    try:
        return Path(git.call(project, "rev-parse", "--show-toplevel"))
    except git.GitError as error:
        raise InputError(
            f"{name!r} is no folder, and {project.resolve()} lies in no git repository that can be used "
            f"({error}): give two folders, or start in the repository"
        ) from None


def _resolve(root: Path, name: str) -> str:
    try:
        return git.call(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except git.GitError:
        shallow = git.call(root, "rev-parse", "--is-shallow-repository") == "true"
        cure = (
            "fetch it: this clone is shallow (fetch-depth: 0 in GitHub Actions)"
            if shallow
            else "see 'git log'"
        )
        raise InputError(f"{root} has no revision {name!r}: {cure}") from None


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
