"""Every call of git, and what of the caller's environment a program in a checkout may see.

git tells its hooks, aliases and `git rebase --exec` through variables which repository, index and settings
it works on (GIT_DIR, GIT_INDEX_FILE, GIT_CONFIG_COUNT, ...). A program that is started from there and calls
git in another folder would read, and write, the caller's: a checkout elsewhere would land in the index of the
commit that is being made.
"""

from __future__ import annotations

import os
import subprocess
from functools import cache
from typing import TYPE_CHECKING

from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# No program of a repository runs, and nothing is tidied up in it.
SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "",
    "core.untrackedCache": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
# What git does not count among a repository's own variables, although they change what a checkout holds.
ALSO_DROPPED = ("GIT_ATTR_SOURCE", "GIT_NAMESPACE", "GIT_TEMPLATE_DIR")
SAFE = "safe.directory"
# Characters of git's message that go into an error.
LONGEST = 400


# A working tree that takes longer to look through is left unlooked at.
STATUS_S = 20.0


class GitError(InputError):
    """A git command failed; the message is git's own, on one line."""


def environment() -> dict[str, str]:
    """Return this process's environment without the variables that say which repository git works on.

    Dropped are the variables that `git rev-parse --local-env-vars` lists, with the settings that they carry.
    Of these `safe.directory` stays: it says whom the user trusts, and git takes it from no repository.
    """
    dropped = {*_local_variables(), *ALSO_DROPPED}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in dropped and not name.startswith(("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"))
    }
    trusted = _trusted()
    for number, value in enumerate(trusted):
        kept |= {f"GIT_CONFIG_KEY_{number}": SAFE, f"GIT_CONFIG_VALUE_{number}": value}
    return kept | ({"GIT_CONFIG_COUNT": str(len(trusted))} if trusted else {})


def call(
    folder: Path,
    *arguments: str,
    settings: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    given: str = "",
    timeout_s: float | None = None,
) -> str:
    """Call git in a folder and return what it prints, without the newline at the end.

    Args:
        folder: where to run; the repository is found only from there.
        arguments: of git.
        settings: that hold for this call, beside SETTINGS.
        variables: of git's environment, beside those that it may inherit.
        given: what it reads.
        timeout_s: longest time it may take; any if None.

    Raises:
        GitError: git is not installed, failed, or took too long.
    """
    said = [f"{name}={value}" for name, value in {**SETTINGS, **(settings or {})}.items()]
    command = ["git", *(word for setting in said for word in ("-c", setting)), "--no-optional-locks"]
    try:
        ended = subprocess.run(
            [*command, "-C", str(folder), *arguments],
            env={**environment(), **(variables or {})},
            input=os.fsencode(given),
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]} took over {timeout_s:g} s") from None
    except FileNotFoundError as error:
        raise GitError("git is not installed, or the folder is gone") from error
    except (OSError, ValueError) as error:  # ValueError: a name that no program can be given
        raise GitError(f"git cannot be started: {error}") from error
    if ended.returncode:
        reason = " ".join(os.fsdecode(ended.stderr).split()) or f"exit status {ended.returncode}"
        raise GitError(f"git {arguments[0]}: {reason.removeprefix('fatal: ')[:LONGEST]}")
    return os.fsdecode(ended.stdout).removesuffix("\n")


def commit_of(folder: Path, *, untracked: bool) -> str:
    """Return the commit of a folder's files, with "+changes" where they differ from it.

    Files are compared as they are: a filter that the repository's own settings name is not run.

    Args:
        folder: a folder of a working tree; what is outside of it does not count.
        untracked: whether a file that git does not know (and is not told to ignore) is a difference.

    Raises:
        GitError: the folder is not in a repository, in one without commits, or in one that takes too long.
    """
    head = call(folder, "rev-parse", "--verify", "HEAD")
    shown = f"--untracked-files={'normal' if untracked else 'no'}"
    asked = ("status", "--porcelain", shown, "--ignore-submodules=untracked", "--", ".")
    changed = call(folder, *asked, settings=_without_filters(folder), timeout_s=STATUS_S)
    return f"{head}+changes" if changed else head


def _without_filters(folder: Path) -> dict[str, str]:
    """Return the settings that switch off every filter which the repository's own settings name."""
    try:
        listed = call(folder, "config", "--show-scope", "-z", "--name-only", "--get-regexp", r"^filter\.")
    except GitError:  # none is named
        return {}
    words = listed.split("\0")
    own = {
        name.rpartition(".")[0]
        for scope, name in zip(words[::2], words[1::2], strict=False)
        if scope in {"local", "worktree"}
    }
    off = {"clean": "", "smudge": "", "process": "", "required": "false"}
    return {f"{name}.{way}": value for name in sorted(own) for way, value in off.items()}


@cache
def _local_variables() -> frozenset[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "rev-parse", "--local-env-vars"]
    try:
        listed = subprocess.run(command, env=inherited, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.SubprocessError):  # no git here: none of its variables has a meaning
        return frozenset()
    return frozenset(listed.split())


def _trusted() -> list[str]:
    """List the values of `safe.directory` among the settings that variables carry."""
    count = os.environ.get("GIT_CONFIG_COUNT", "")
    numbers = range(int(count) if count.isdecimal() else 0)
    pairs = (
        (os.environ.get(f"GIT_CONFIG_KEY_{number}", ""), os.environ.get(f"GIT_CONFIG_VALUE_{number}", ""))
        for number in numbers
    )
    return [value for name, value in pairs if name.lower() == SAFE]
