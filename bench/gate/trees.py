"""Two revisions of a project side by side: each a folder from which Python can import it.

A revision is checked out into a folder of its own by `git worktree`, so that the user's own checkout stays
as it is; the environment, with all dependencies, is shared. A folder that is named instead of a revision is
taken as it stands.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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
        _git(root, "worktree", "add", "--detach", "--quiet", str(checkout), commit)
        try:
            folder = checkout / project.resolve().relative_to(root)
            if not folder.is_dir():
                raise InputError(
                    f"{name} has no folder {folder.relative_to(checkout)}: run from the project's root"
                )
            if prepare is not None:
                _prepare(prepare, folder, name)
            yield Tree(name, folder, _paths(folder, sources), commit)
        finally:
            with contextlib.suppress(InputError):
                _git(root, "worktree", "remove", "--force", str(checkout))


def _paths(folder: Path, sources: Sequence[str]) -> tuple[Path, ...]:
    missing = [source for source in sources if not (folder / source).is_dir()]
    if missing:
        raise InputError(f"{folder} has no folder {missing[0]!r}: name folders below the project's root")
    return tuple(
        (folder / source).resolve() for source in sources or SOURCE_FOLDERS if (folder / source).is_dir()
    )


def _root(project: Path, name: str) -> Path:
    try:
        return Path(_git(project, "rev-parse", "--show-toplevel")).resolve()
    except InputError:
        raise InputError(
            f"{name!r} is no folder, and {project.resolve()} lies in no git repository: give two folders, or "
            "start in the repository"
        ) from None


def _resolve(root: Path, name: str) -> str:
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except InputError:
        shallow = _git(root, "rev-parse", "--is-shallow-repository") == "true"
        cure = (
            "fetch it: this clone is shallow (fetch-depth: 0 in GitHub Actions)"
            if shallow
            else "see 'git log'"
        )
        raise InputError(f"{root} has no revision {name!r}: {cure}") from None


def _commit(folder: Path) -> str | None:
    with contextlib.suppress(InputError):
        head = _git(folder, "rev-parse", "HEAD")
        return f"{head}+changes" if _git(folder, "status", "--porcelain", "--", ".") else head
    return None


def _prepare(command: str, folder: Path, name: str) -> None:
    ended = subprocess.run(  # noqa: S602 -- the user's own command line
        command, shell=True, cwd=folder, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        said = " ".join((ended.stderr or ended.stdout).split())[-300:]
        raise InputError(f"{command!r} failed in {name} with status {ended.returncode}: {said}")


def _git(folder: Path, *arguments: str) -> str:
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        )
    except FileNotFoundError as error:
        raise InputError("git is not installed: give two folders instead of revisions") from error
    except subprocess.CalledProcessError as error:
        raise InputError(f"git {' '.join(arguments[:2])}: {' '.join(error.stderr.split())}") from error
    return answer.stdout.strip()
