"""Options that are not given come from the environment."""

import json

import pytest

from bench.cli import main


@pytest.fixture
def shown(monkeypatch, capsys):
    """Run `llbench models` and give the names in its JSON."""

    def show(*arguments, **variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert main(["models", *arguments]) == 0
        return [entry["name"] for entry in json.loads(capsys.readouterr().out)]

    return show


def test_a_flag_and_what_is_typed_wins(shown):
    assert "red" in shown("--json")
    assert "red" not in shown(LLBENCH_MODELS_JSON="1", LLBENCH_MODELS_ONLY_FREE="1")
    assert "red" in shown("--json", LLBENCH_MODELS_ONLY_FREE="0")


def test_a_bad_value_is_a_line_that_names_the_option(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("LLBENCH_DATA_MAKE_SIZE", "small")
    assert main(["data", "make", "--scenes", "1", "--out", str(tmp_path / "made")]) == 2
    assert "--size" in capsys.readouterr().err
