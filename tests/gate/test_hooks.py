"""The gate inside a git hook, as users have it: what is committed is what the user committed."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bench.gate.trees import tree
from bench.machine import git

HOOK = """#!/bin/sh
unset PYTHONDONTWRITEBYTECODE
PYTHONPATH='{suite}' '{python}' -m bench gate --base HEAD~1 --head . --models net:build --size 64x96 \
  --measure complexity --attempts 1 > '{said}' 2>&1
echo "status $?" >> '{said}'
"""
NETWORK = """
import torch
from torch import nn

class Net(nn.Module):
    needs_gain = True

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(4, {width}, 3, padding=1)

    def forward(self, mosaic):
        return torch.pixel_shuffle(self.body(torch.pixel_unshuffle(mosaic, 2))[:, :12], 2).sigmoid()

def build():
    return Net()
"""
SUITE = Path(__file__).parents[2]


class Repository:
    """A repository with a network in two commits."""

    def __init__(self, folder, below="."):
        self.folder, self.below = folder, below
        (folder / below).mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "someone")
        self.git("config", "user.email", "someone@example.org")
        for width, message in ((12, "one"), (13, "two")):
            self.write(folder, width)
            (folder / "README.md").write_text(message)
            self.git("add", "--all")
            self.git("commit", "--quiet", "--message", message)

    def write(self, top, width):
        (top / self.below / "net.py").write_text(NETWORK.format(width=width))

    def git(self, *arguments, folder=None):
        """Call git as a user does, whatever this process was started from."""
        return subprocess.run(
            ["git", "-C", str(folder or self.folder), *arguments],
            env=git.environment(), check=True, capture_output=True, text=True,
        ).stdout.rstrip("\n")  # fmt: skip

    def gate_in_a_hook(self, said):
        file = self.folder / ".git" / "hooks" / "pre-commit"
        file.parent.mkdir(exist_ok=True)
        file.write_text(HOOK.format(suite=SUITE, python=sys.executable, said=said))
        file.chmod(file.stat().st_mode | stat.S_IXUSR)


def commits(repository, folder, *, linked, all_of_it):
    """Commit two changed files, or one of them, beside a file that git does not know; what there is then."""
    top = repository.folder
    if linked:
        top = folder
        repository.git("worktree", "add", "--quiet", "-b", "side", str(top))
    repository.write(top, 14)
    (top / "README.md").write_text("three")
    (top / "left.txt").write_text("not added")
    if not all_of_it:
        repository.git("add", "README.md", folder=top)
    repository.git("commit", "--quiet", *(["--all"] if all_of_it else []), "--message", "three", folder=top)
    asked = (
        ("rev-parse", "HEAD^{tree}", "HEAD~1^{tree}"),
        ("log", "--format=%s"),
        ("status", "--porcelain"),
        ("ls-files", "--stage"),
        ("config", "--list", "--local"),
        ("for-each-ref", "--format=%(refname)"),
        ("fsck", "--strict"),
    )
    found = [repository.git(*words, folder=top) for words in asked]
    worktrees = repository.git("worktree", "list").count("\n") + 1
    files = {file.name: file.read_bytes() for file in top.iterdir() if file.is_file() and file.name != ".git"}
    return found, worktrees, files


@pytest.mark.parametrize("linked", [False, True], ids=["main", "linked"])
@pytest.mark.parametrize("all_of_it", [True, False], ids=["commit -a", "commit"])
def test_a_commit_with_the_gate_in_its_hook_is_the_commit_without_it(tmp_path, linked, all_of_it):
    plain, gated = Repository(tmp_path / "plain"), Repository(tmp_path / "gated")
    gated.gate_in_a_hook(tmp_path / "said")
    folders = (tmp_path / "side", tmp_path / "gated-side")
    expected, found = (
        commits(one, folder, linked=linked, all_of_it=all_of_it)
        for one, folder in zip((plain, gated), folders, strict=True)
    )
    assert found == expected
    said = (tmp_path / "said").read_text()
    assert "+74" in said, "a channel has 37 parameters: 14 lie there, and the commit before HEAD has 12"
    assert said.endswith("status 1\n")


def test_variables_of_git_do_not_mislead_a_project_in_a_subfolder(tmp_path, monkeypatch):
    wanted = Repository(tmp_path / "wanted", below="deep/project")
    other = Repository(tmp_path / "other")
    commits = [wanted.git("rev-parse", name) for name in ("HEAD~1", "HEAD")]
    project = wanted.folder / "deep/project"
    monkeypatch.chdir(project)
    for place in (wanted.folder / ".git", other.folder / ".git"):
        monkeypatch.setenv("GIT_DIR", str(place))
        monkeypatch.setenv("GIT_INDEX_FILE", str(place / "index"))
        with tree("HEAD~1", project) as base, tree("HEAD", project) as head:
            assert [base.commit, head.commit] == commits
            for side, width in ((base, 12), (head, 13)):
                assert (side.folder / "net.py").read_text() == NETWORK.format(width=width)
        with tree(".", project) as here:
            assert here.commit == commits[1]


def test_no_variable_of_git_reaches_a_program_that_prepares_a_revision(tmp_path, monkeypatch):
    repository = Repository(tmp_path / "repository")
    before = repository.git("config", "--list", "--local"), repository.git("rev-parse", "HEAD")
    for name in repository.git("rev-parse", "--local-env-vars").split():
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    prepare = "env > seen; git config some.thing 1; git tag made; git commit -q --allow-empty -m made"
    monkeypatch.setenv("GIT_AUTHOR_NAME", "someone")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "someone@example.org")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "someone")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "someone@example.org")
    with tree("HEAD", repository.folder, prepare=prepare) as found:
        seen = {line.partition("=")[0] for line in (found.folder / "seen").read_text().splitlines()}
    assert not seen & set(repository.git("rev-parse", "--local-env-vars").split())
    assert (repository.git("config", "--list", "--local"), repository.git("rev-parse", "HEAD")) == before
    assert repository.git("tag") == ""


MARK = "#!/bin/sh\necho ran >> '{mark}'\ncat\n"


def test_no_program_or_setting_of_the_repository_takes_part(tmp_path):
    repository = Repository(tmp_path / "repository")
    mark, program = tmp_path / "mark", tmp_path / "program"
    program.write_text(MARK.format(mark=mark))
    program.chmod(0o755)
    (repository.folder / ".gitattributes").write_text("*.py filter=mine text eol=lf\n*.txt text\n")
    (repository.folder / "lines.txt").write_bytes(b"one\ntwo\n")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "attributes")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc"):
        (hooks / name).symlink_to(program)
    (tmp_path / "template" / "hooks").mkdir(parents=True)
    (tmp_path / "template" / "hooks" / "post-checkout").symlink_to(program)
    settings = {
        "core.hooksPath": hooks,
        "core.fsmonitor": program,
        "init.templateDir": tmp_path / "template",
        "filter.mine.smudge": program,
        "filter.mine.clean": program,
        "filter.mine.required": "true",
        "core.autocrlf": "true",
        "core.eol": "crlf",
        "core.sparseCheckout": "true",
        "status.showUntrackedFiles": "no",
        "diff.external": program,
        "core.pager": program,
    }
    for name, value in settings.items():
        repository.git("config", name, str(value))
    (repository.folder / "net.py").touch()
    mark.unlink(missing_ok=True)
    with tree("HEAD", repository.folder) as found:
        assert (found.folder / "lines.txt").read_bytes() == b"one\ntwo\n"
        assert (found.folder / "net.py").read_text() == NETWORK.format(width=13)
    with tree(str(repository.folder), repository.folder) as found:
        assert found.commit == repository.git("rev-parse", "HEAD")
    (repository.folder / "unknown.py").write_text("")
    assert git.commit_of(repository.folder, untracked=True).endswith("+changes")
    assert not mark.exists(), "a program of the repository ran"


@pytest.mark.parametrize("prepare", ["exit 3", "rm -rf .git; exit 3", "git worktree add -q ../more; exit 3"])
def test_what_fails_half_way_leaves_the_repository_byte_for_byte(tmp_path, prepare):
    repository = Repository(tmp_path / "repository")

    def everything():
        return {
            path: (path.stat().st_mtime_ns, path.read_bytes())
            for path in repository.folder.rglob("*")
            if path.is_file()
        }

    before = everything()
    with pytest.raises(ValueError, match="status 3"), tree("HEAD~1", repository.folder, prepare=prepare):
        pass
    assert everything() == before


def test_a_gate_that_is_killed_leaves_the_repository_byte_for_byte(tmp_path):
    repository = Repository(tmp_path / "repository")
    started = tmp_path / "started"
    command = [sys.executable, "-m", "bench", "gate", "--base", "HEAD~1", "--models", "net:build"]
    command += ["--prepare", f"touch '{started}'; exec sleep 60"]
    with subprocess.Popen(
        command, cwd=repository.folder, env={**os.environ, "PYTHONPATH": str(SUITE), "TMPDIR": str(tmp_path)},
        start_new_session=True,
    ) as gate:  # fmt: skip
        while not started.exists():
            assert gate.poll() is None
        os.killpg(gate.pid, 9)
    assert repository.git("worktree", "list").count("\n") == 0
    assert not (repository.folder / ".git" / "worktrees").exists()
    assert repository.git("status", "--porcelain") == ""
