"""The page of licences is the one that its sources give."""

import csv
import tomllib
from importlib import metadata, resources

import pytest
from packaging.requirements import Requirement

from baselines import names, spec
from docs import licences


@pytest.fixture(scope="module")
def page(pytestconfig):
    return (pytestconfig.rootpath / "docs" / "licences.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("part", ["methods", "weights", "photographs"])
def test_the_page_is_current(page, part):
    assert getattr(licences, part)() in page, "run: python docs/licences.py docs/licences.md"


def test_every_direct_dependency_is_on_the_page(page, pytestconfig):
    project = tomllib.loads((pytestconfig.rootpath / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    listed = [*project["dependencies"], *(text for name in extras if name != "all" for text in extras[name])]
    rows = {licences.normalised(line.split("|")[1].strip()) for line in page.splitlines() if line[:1] == "|"}
    wanted = {licences.normalised(Requirement(text).name) for text in listed}
    assert wanted - rows == set(), "run: python docs/licences.py docs/licences.md"


def test_what_is_restricted_is_marked():
    rows = {row.split("|")[1].strip(" `"): row for row in licences.methods().splitlines()[2:]}
    assert {name for name, row in rows.items() if row.endswith("**yes** |")} == {
        name for name in names() if spec(name).restricted
    }
    assert "patent" in rows["red"]


def test_every_photograph_has_an_author_and_a_licence():
    text = resources.files("bench.train").joinpath("photographs.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        assert row["author"]
        assert row["licence"]
        assert row["licence"] != "unknown"


def test_a_licence_is_found_however_a_package_states_it():
    assert licences.licence("click") == "BSD-3-Clause"
    assert "Apache" in licences.licence("torch")
    for name in ("numpy", "pandas", "rawpy", "lpips"):
        assert licences.licence(name) != "see the package", name
    with pytest.raises(metadata.PackageNotFoundError):
        licences.licence("no-such-distribution")


def test_the_whole_page_names_every_direct_dependency_first_with_version_and_licence():
    page = licences.page()
    assert all(part() in page for part in (licences.methods, licences.weights, licences.photographs))
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]] for row in licences.dependencies().splitlines()[2:]
    ]
    needed = [row[3] for row in rows]
    assert needed == sorted(needed)
    assert {"direct", "indirect"} == set(needed)
    for name, version, licence, _ in rows:
        assert metadata.version(name) == version
        assert licence
    known = {licences.normalised(row[0]): row[2] for row in rows}
    assert "BSD" in known["torch"]
    assert known["rawpy"].startswith("MIT")


def test_a_package_that_states_no_licence_is_looked_up(tmp_path, monkeypatch):
    about = tmp_path / "silent-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: silent\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert licences.licence("silent") == "see the package"
    stated = "License: A\nClassifier: License :: OSI Approved :: B\n"
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: silent\nVersion: 1.0\n{stated}")
    assert licences.licence("silent") == "B"
