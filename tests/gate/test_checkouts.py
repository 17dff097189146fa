"""Every kind of repository can be checked out from: what is taken along, and what lies there."""

import subprocess

import pytest

from bench.gate.trees import tree
from bench.machine import git
from bench.records import provenance


def run(folder, *arguments):
    command = ["git", "-C", str(folder), "-c", "protocol.file.allow=always", *arguments]
    return subprocess.run(
        command, env=git.environment(), check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def history(project):
    """The project with two commits of different files, and a source that gives a part of it."""
    (project.folder / "deep").mkdir()
    (project.folder / "deep" / "données.txt").write_text("first\n" * 1000)
    project.commit("v2", work="x = x * 2")
    (project.folder / "deep" / "données.txt").write_text("second\n" * 1000)
    project.commit("v3", work="x = x * 3")
    for name in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        project.git("config", name, "true")
    return project


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def clone(history, tmp_path, *options):
    source = history.folder.as_uri()
    subprocess.run(
        ["git", "clone", "--quiet", *options, source, str(tmp_path / "clone")],
        env=git.environment(),
        check=True,
    )
    return tmp_path / "clone"


@pytest.mark.parametrize("left_out", ["blob:none", "tree:0"])
def test_what_a_partial_clone_left_out_is_fetched_and_not_into_it(history, tmp_path, left_out):
    partial = clone(history, tmp_path, f"--filter={left_out}")
    before = run(partial, "count-objects", "-v")
    with tree("v2", history.folder) as whole, tree("v2", partial) as found:
        assert files(found.folder) == files(whole.folder)
        assert run(found.folder, "status", "--porcelain") == ""
    assert run(partial, "count-objects", "-v") == before


def test_a_shallow_clone_gives_what_it_has_and_names_the_cure_for_the_rest(history, tmp_path):
    shallow = clone(history, tmp_path, "--depth=2")
    with tree("HEAD~1", shallow) as found:
        assert "x * 2" in (found.folder / "src/nightnet/network.py").read_text()
        assert run(found.folder, "rev-list", "--count", "HEAD") == "1"
    with pytest.raises(ValueError, match="this clone is shallow"), tree("HEAD~2", shallow):
        pass


def test_objects_that_are_borrowed_already_are_borrowed_on(history, tmp_path):
    shared = clone(history, tmp_path, "--shared")
    again = tmp_path / "again"
    run(tmp_path, "clone", "--quiet", "--shared", str(shared), str(again))
    (again / ".git/objects/info/alternates").write_text("../../../clone/.git/objects\n")
    with tree("v1", again) as found, tree("v1", history.folder) as expected:
        assert files(found.folder) == files(expected.folder)


def test_a_repository_of_sha256_is_checked_out_from(tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    run(folder, "init", "--quiet", "--object-format=sha256")
    (folder / "net.py").write_text("x = 1\n")
    run(folder, "add", "--all")
    run(folder, "-c", "user.name=someone", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "one")
    with tree("HEAD", folder) as found:
        assert len(found.commit) == 64
        assert files(found.folder) == {"net.py": b"x = 1\n"}


def test_tags_branches_and_relative_addresses_are_at_hand_for_the_preparation(history, tmp_path):
    library = tmp_path / "library"
    library.mkdir()
    run(library, "init", "--quiet")
    (library / "lib.py").write_text("y = 1\n")
    run(library, "add", "--all")
    run(
        library, "-c", "user.name=someone", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "one"
    )
    run(history.folder, "submodule", "--quiet", "add", "../library", "lib")
    history.git("commit", "--quiet", "--all", "--message", "with a library")
    history.git("submodule", "--quiet", "deinit", "--force", "lib")
    before = history.git("config", "--list", "--local")
    prepare = (
        "git describe --tags > described; git -c protocol.file.allow=always submodule --quiet update --init"
    )
    with tree("HEAD", history.folder, prepare=prepare) as found:
        assert (found.folder / "described").read_text().startswith("v3-1-g")
        assert (found.folder / "lib" / "lib.py").read_text() == "y = 1\n"
        assert run(found.folder, "rev-parse", "main") == found.commit
    assert history.git("config", "--list", "--local") == before


def test_a_recorded_commit_is_that_of_the_code_whatever_git_tells_its_hooks(history, tmp_path, monkeypatch):
    expected = (
        git.commit_of(provenance.ROOT, untracked=False) if (provenance.ROOT / ".git").exists() else None
    )
    monkeypatch.setenv("GIT_DIR", str(history.folder / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(history.folder))
    provenance.commit.cache_clear()
    assert provenance.commit() == expected
    assert git.commit_of(history.folder, untracked=False) == history.git("rev-parse", "v3")


def test_trust_that_is_given_by_a_variable_stays_given(monkeypatch):
    settings = (("core.hooksPath", "/somewhere"), ("safe.directory", "*"), ("user.name", "someone"))
    for number, (name, value) in enumerate(settings):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "3")
    found = {name: value for name, value in git.environment().items() if name.startswith("GIT_CONFIG")}
    assert found == {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
