"""Revisions are checked out beside the user's own checkout, which stays as it is."""

from pathlib import Path

import pytest

from bench.gate.trees import tree
from llpacknet.errors import InputError


def test_a_revision_is_a_folder_for_the_time_of_a_block(project):
    project.commit("v2", work="x = x * 2")
    before = project.git("status", "--porcelain", "--branch")
    with tree("v1", project.folder) as old, tree("v2", project.folder) as new:
        texts = [(side.folder / "src/nightnet/network.py").read_text() for side in (old, new)]
        assert ["x * 2" in text for text in texts] == [False, True]
        assert [side.commit for side in (old, new)] == [project.git("rev-parse", tag) for tag in ("v1", "v2")]
        assert old.paths == (old.folder, old.folder / "src")
        folders = [old.folder, new.folder]
    assert not any(folder.exists() for folder in folders)
    assert project.git("worktree", "list").count("\n") == 0
    assert project.git("status", "--porcelain", "--branch") == before


def test_a_folder_is_taken_as_it_stands(project):
    project.write(work="x = x * 3")
    with tree(str(project.folder), project.folder) as found:
        assert found.folder == project.folder.resolve()
        assert found.commit == f"{project.git('rev-parse', 'HEAD')}+changes"


def test_a_project_below_the_root_of_its_repository_is_found_in_a_revision(project):
    with tree("v1", project.folder / "src") as found:
        assert (found.folder / "nightnet").is_dir()


def test_the_preparation_runs_in_the_revision(project):
    with tree("v1", project.folder, prepare="echo made > compiled") as found:
        assert (found.folder / "compiled").read_text() == "made\n"
    assert not (project.folder / "compiled").exists()


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("nowhere", {}, "no revision 'nowhere'"),
        ("--output=x", {}, "no revision"),
        ("v1", {"prepare": "echo no compiler >&2; false"}, "no compiler"),
        ("v1", {"sources": ("lib",)}, "no folder 'lib'"),
    ],
)
def test_what_cannot_be_a_tree_is_one_line(project, name, options, said):
    with pytest.raises(InputError, match=said) as raised, tree(name, project.folder, **options):
        pass
    assert "\n" not in str(raised.value)
    assert project.git("worktree", "list").count("\n") == 0


def test_outside_of_git_only_folders_can_be_named(tmp_path):
    with pytest.raises(InputError, match="usable git repository"), tree("v1", tmp_path):
        pass
    with tree(str(tmp_path), Path("/")) as found:
        assert found.commit is None
