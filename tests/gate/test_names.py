"""What a name stands for: never silently the one of two things."""

import os

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bench.gate.trees import meaning, tree
from bench.machine import git
from llpacknet.errors import InputError

QUICK = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9_+]|-[a-z0-9]|/[a-z0-9])*[a-z0-9]", fullmatch=True)


def succeeds(folder, *arguments):
    try:
        git.call(folder, *arguments)
    except git.GitError:
        return False
    return True


@pytest.fixture
def here(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    return project


@pytest.mark.parametrize("kind", ["folder", "file"])
@pytest.mark.parametrize("what", ["branch", "tag", "commit", "remote"])
def test_a_name_that_is_both_is_refused_and_both_ways_out_are_named(here, kind, what):
    here.commit("v2", work="x = x * 2")
    commit = here.git("rev-parse", "v1")
    name = {"commit": commit[:12], "remote": "origin/main"}.get(what, "models")
    if what == "remote":
        here.git("update-ref", "refs/remotes/origin/main", commit)
    elif what != "commit":
        here.git(what, name, "v1")
    (here.folder / name).parent.mkdir(exist_ok=True)
    (here.folder / name).mkdir() if kind == "folder" else (here.folder / name).write_text("x")
    with pytest.raises(InputError, match=f"both a {kind} and a revision") as raised:
        meaning(name, here.folder)
    *_, path, _, revision = str(raised.value).split()
    assert (path, meaning(path, here.folder)) == (f"./{name}", kind)
    with tree(revision, here.folder) as found:
        assert found.commit == commit


@QUICK
@given(name=NAMES)
def test_whatever_its_name_a_folder_beside_a_branch_is_never_taken_for_it(here, name):
    named = "rev-parse", "--verify", "--quiet", name
    assume(not succeeds(here.folder, *named) and succeeds(here.folder, "branch", name, "v1"))
    assert meaning(name, here.folder) == "revision"
    (here.folder / name).mkdir(parents=True, exist_ok=True)
    with pytest.raises(InputError, match="both"):
        meaning(name, here.folder)
    assert meaning(f"./{name}", here.folder) == meaning(f"{name}/", here.folder) == "folder"
    assert meaning(str(here.folder / name), here.folder) == "folder"
    here.git("branch", "-D", name)
    assert meaning(name, here.folder) == "folder"
    os.removedirs(name)


def test_a_branch_and_a_tag_of_one_name_and_two_commits_are_refused(here):
    here.git("branch", "release", "v1")
    here.commit("v2", work="x = x * 2")
    here.git("tag", "release", "v1")
    with tree("release", here.folder) as found:
        assert found.commit == here.git("rev-parse", "v1")
    here.git("tag", "--force", "release", "v2")
    with (
        pytest.raises(InputError, match="refs/tags/release or refs/heads/release"),
        tree("release", here.folder),
    ):
        pass


@pytest.mark.parametrize(
    "name", ["", "a" * 5000, "a\0b", "v1\n", "caf\udce9", "-v1", "--help", "v1 v1", "~", "^v1"]
)
def test_what_no_revision_can_be_called_is_one_line(here, name):
    with pytest.raises(InputError, match="has no revision") as raised, tree(name, here.folder):
        pass
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 1000


def test_a_source_outside_of_the_project_would_be_the_same_for_both_and_is_refused(here, tmp_path):
    for source in ("..", str(tmp_path), "src/../.."):
        with (
            pytest.raises(InputError, match="below the project's root"),
            tree("v1", here.folder, sources=(source,)),
        ):
            pass


def test_what_git_says_stands_in_the_line(here, tmp_path, monkeypatch):
    bare = tmp_path / "bare"
    here.git("clone", "--quiet", "--bare", ".", str(bare))
    for name in ("HEAD", "v1"):
        with pytest.raises(InputError, match="must be run in a work tree"), tree(name, bare):
            pass
    if os.name == "posix" and os.getuid() == 0:
        os.chown(here.folder, 4242, 4242)
        with pytest.raises(InputError, match=r"dubious ownership.*safe\.directory"), tree("v1", here.folder):
            pass
        os.chown(here.folder, 0, 0)
    (here.folder / ".git" / "config").write_text("[core\n")
    with pytest.raises(InputError, match="bad config line 1"), tree("v1", here.folder):
        pass
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="git is not installed"), tree("v1", here.folder):
        pass


def test_a_damaged_revision_is_told_from_a_missing_one(here):
    commit = here.git("rev-parse", "v1")
    file = here.folder / ".git" / "objects" / commit[:2] / commit[2:]
    file.chmod(0o644)
    file.write_bytes(b"")
    with pytest.raises(InputError, match=r"object file .* is empty|loose object"), tree("main", here.folder):
        pass


def test_an_empty_submodule_is_hinted_at(here, tmp_path):
    library = tmp_path / "library"
    git.call(tmp_path, "clone", "--quiet", str(here.folder), str(library))
    git.call(
        here.folder, "submodule", "--quiet", "add", "./", "lib", settings={"protocol.file.allow": "always"}
    )
    here.git("commit", "--quiet", "--all", "--message", "with a library")
    with tree("HEAD", here.folder) as found:
        assert "submodule lib is not checked out: --prepare" in found.hint
    filled = "git -c protocol.file.allow=always submodule --quiet update --init"
    with tree("HEAD", here.folder, prepare=filled) as found:
        assert found.hint is None
