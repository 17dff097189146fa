"""What a contributor reads and runs agrees with the project."""

import re
import tomllib

import pytest
import yaml

from .pages import ROOT

RECIPES = ROOT / "CONTRIBUTING.md"
FORMS = ROOT / ".github" / "ISSUE_TEMPLATE"


def read(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_every_file_that_the_recipes_name_is_there():
    text = RECIPES.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\.github|bench|baselines|llpacknet|tests|docs|benchmarks)/[^` ]*)`", text))
    named |= {
        word
        for command in re.findall(r"`(?:python -m )?pytest ([^`]*)`", text)
        for word in command.split()
        if not word.startswith("-")
    }
    fixed = {name for name in named if "NAME" not in name}
    assert len(fixed) > 40
    assert [name for name in sorted(fixed) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("baselines/spec.py", "Spec"),
        ("tests/baselines/test_registry.py", "SNAPSHOT"),
        ("tests/baselines/conftest.py", "GOLDEN_NAMES"),
        ("bench/judge/evidence.py", "MEASURES"),
        ("bench/judge/evidence.py", "WITH"),
        ("bench/judge/evidence.py", "WITHOUT"),
        ("bench/metrics/definitions.py", "METRICS"),
        ("llpacknet/runtimes/forms.py", "RUNTIMES"),
        ("llpacknet/runtimes/preparing.py", "_exported"),
    ],
)
def test_the_names_in_code_that_the_recipes_give_are_there(file, name):
    assert f"`{name}`" in RECIPES.read_text(encoding="utf-8")
    assert re.search(rf"^(class |def )?{name}\b", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_continuous_integration_runs_the_command_of_the_readme_on_every_python():
    workflow = read(".github/workflows/ci.yml")
    (job,) = workflow["jobs"].values()
    (command,) = [step["run"] for step in job["steps"] if "tox" in step.get("run", "")]
    assert command in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    versions = job["strategy"]["matrix"]["python-version"]
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "requires-python"
    ]
    assert oldest == f">={versions[0]}"
    assert [int(version.removeprefix("3.")) for version in versions] == list(range(11, 11 + len(versions)))


def test_hooks_run_what_tox_runs_and_fetch_nothing():
    hooks = read(".pre-commit-config.yaml")
    assert [repository["repo"] for repository in hooks["repos"]] == ["local"]
    entries = [hook["entry"] for hook in hooks["repos"][0]["hooks"]]
    tox = (ROOT / "tox.ini").read_text(encoding="utf-8")
    assert [entry.split()[0] for entry in entries] == ["ruff", "ruff", "lint-imports", "mypy"]
    assert all(" ".join(entry.split(" --force-exclude")[0].split()[:2]) in tox for entry in entries)


@pytest.mark.parametrize("form", ["my-number-differs", "add-my-network"])
def test_a_form_is_one_that_can_be_filled_in(form):
    fields = read(FORMS / f"{form}.yml")
    assert {"name", "description", "body"} <= set(fields)
    asked = [field for field in fields["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in asked}) == len(asked)
    assert all(field["attributes"]["label"] for field in asked)


def test_the_form_on_a_figure_asks_for_the_machine_and_the_cell():
    asked = {field.get("id"): field for field in read(FORMS / "my-number-differs.yml")["body"]}
    assert "llbench env --json" in asked["environment"]["attributes"]["description"]
    assert "OUT/cells/" in asked["cell"]["attributes"]["description"]
    assert asked["environment"]["validations"]["required"]
    assert asked["cell"]["validations"]["required"]
