"""Check out a commit into a new folder without touching the user's repository.

`git worktree` would write into that repository, and take its hooks, filters and settings with it. Here the
checkout is a repository of its own, which borrows the other's objects: whatever fails, or runs in it,
leaves the user's unchanged.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench.machine import git

if TYPE_CHECKING:
    from pathlib import Path

SHA256_DIGITS = 64
# A clone without trees gets one level of them a round.
ROUNDS = 50
REFS = ("refs/heads", "refs/tags", "refs/remotes")

# What is fetched is named one by one: what already exists does not matter.
NO_HAGGLING = {"fetch.negotiationAlgorithm": "noop"}


def check_out(root: Path, commit: str, folder: Path) -> None:
    """Check a commit out into a new folder.

    The folder's repository has the branches and tags of the other one, its address as that of `origin` (for
    submodules whose address is relative), and none of its settings or programs; those of the user and of the
    system hold, as filters of git-lfs.

    Args:
        root: top level of the user's repository.
        commit: its full name.
        folder: does not exist yet.

    Raises:
        GitError: git failed.
    """
    formats = {
        "GIT_DEFAULT_HASH": "sha256" if len(commit) == SHA256_DIGITS else "sha1",
        "GIT_DEFAULT_REF_FORMAT": "files",
    }
    git.call(folder.parent, "init", "--quiet", "--template=", str(folder), variables=formats)
    own = folder / ".git"
    _borrow_objects(root, own)
    _fetch_missing(root, commit, own / "objects")
    for name, value in {**git.SETTINGS, "remote.origin.url": _address(root)}.items():
        git.call(folder, "config", name, value)
    git.call(folder, "checkout", "--quiet", "--force", "--detach", commit)
    refs = git.call(root, "for-each-ref", "--format=%(objectname) %(refname)", *REFS)
    (own / "packed-refs").write_bytes(os.fsencode(f"{refs}\n" if refs else ""))


def _borrow_objects(root: Path, own: Path) -> None:
    """Let a new repository read another one's objects, and know where its history was cut off."""
    counted = git.call(root, "count-objects", "-v").splitlines()
    lent = [str((root / git.call(root, "rev-parse", "--git-path", "objects")).resolve())]
    lent += [line.partition(" ")[2] for line in counted if line.startswith("alternate: ")]
    information = own / "objects" / "info"
    information.mkdir(exist_ok=True)
    (information / "alternates").write_bytes(b"".join(os.fsencode(f"{place}\n") for place in lent))
    shallow = root / git.call(root, "rev-parse", "--git-path", "shallow")
    if shallow.is_file():
        (own / "shallow").write_bytes(shallow.read_bytes())


def _fetch_missing(root: Path, commit: str, into: Path) -> None:
    """Fetch what a partial clone left out of a commit's files, with its own access to where it came from.

    What it gets goes among the new repository's objects, which borrows the others.
    """
    try:
        promised = git.call(root, "config", "--get-regexp", r"^remote\..*\.promisor$").split()
    except git.GitError:  # it is not a partial clone
        return
    remote = promised[0].removeprefix("remote.").removesuffix(".promisor")
    places = {"GIT_OBJECT_DIRECTORY": str(into)}
    fetching = (
        *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--refmap="),
        *("--filter=blob:none", "--stdin", remote),
    )
    for _ in range(ROUNDS):
        listed = git.call(
            root, "rev-list", "--objects", "--no-walk", "--missing=print", commit, variables=places
        )
        missing = [line[1:] for line in listed.splitlines() if line.startswith("?")]
        if not missing:
            return
        given = "\n".join(missing) + "\n"
        git.call(root, *fetching, settings=NO_HAGGLING, variables=places, given=given)


def _address(root: Path) -> str:
    """Where the repository came from; the repository itself where it came from nowhere."""
    try:
        return git.call(root, "remote", "get-url", "origin")
    except git.GitError:
        return str(root)
