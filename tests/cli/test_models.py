"""`llbench models` shows every registered method."""

import json

import pytest

from baselines import names, spec
from baselines.own import check_name
from baselines.registry import named
from bench.cli import main
from bench.cli.options import chosen_models
from bench.records import store
from llpacknet.errors import InputError


def test_table_has_a_row_per_method(capsys):
    assert main(["models"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in names())
    assert "1,170,640" in shown
    assert "1,169,088" in shown
    assert "patent" in shown


def test_only_free_leaves_out_what_is_restricted(capsys):
    assert main(["models", "--json", "--only-free"]) == 0
    shown = {entry["name"] for entry in json.loads(capsys.readouterr().out)}
    assert shown == {name for name in names() if not spec(name).restricted}
    assert "red" not in shown


def test_only_free_holds_for_a_named_list_too(capsys, tmp_path):
    asked = ["run", "--models", "red,llpacknet", "--measure", "complexity", "--only-free"]
    assert main([*asked, "--out", str(tmp_path / "out")]) == 0
    assert "--only-free skips red" in capsys.readouterr().err
    assert {record.cell.model for record in store.load(tmp_path / "out")} == {"llpacknet"}


def test_all_goes_with_a_network_of_ones_own_and_names_each_once():
    assert chosen_models(("all", "mine:factory", "red"), only_free=False) == (*named("all"), "mine:factory")


def test_only_free_with_nothing_left_is_refused(capsys, tmp_path):
    for verb in (["run"], ["reproduce"], ["gate", "--base", "HEAD"]):
        assert main([*verb, "--models", "red", "--only-free", "--out", str(tmp_path / "out")]) == 2
        assert "no model is left" in capsys.readouterr().err


@pytest.mark.parametrize(
    "verb",
    [
        ["reproduce", "--tier", "smoke", "--out", "out", "--models"],
        ["run", "--out", "out", "--models"],
        ["restore", "night.ARW", "-o", "night.png", "--model"],
        ["train", "--photos", "photos", "--out", "out"],
        ["models", "check"],
    ],
)
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../nets/nightnet.py:make", "start in the folder ../nets and give nightnet:make"),
        ("nightnet.py", "start in its folder and give nightnet:FACTORY"),
        ("absentnet:make", "cannot find the module 'absentnet' of the model 'absentnet:make'"),
    ],
)
def test_a_network_that_cannot_be_found_is_refused_at_once(verb, name, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*verb, name]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert message.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_factory_that_its_module_lacks_is_refused_at_once(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nightnet").mkdir()
    (tmp_path / "nightnet" / "__init__.py").write_text("")
    (tmp_path / "nightnet" / "whole.py").write_text("from os import path as factory\n\ndef make(): ...\n")
    (tmp_path / "hidden.py").write_text("raise OSError('imported')\nglobals()['make'] = print\n")
    assert main(["reproduce", "--tier", "smoke", "--out", "out", "--models", "nightnet.whole:makes"]) == 2
    assert "has no factory 'makes' (did you mean 'make'?)" in capsys.readouterr().err
    for fine in ("nightnet.whole:make", "nightnet.whole:factory", "hidden:make", "torch.nn:Conv2d"):
        check_name(fine)
    with pytest.raises(InputError, match="has no factory 'Convolution'"):
        check_name("llpacknet.padding:Convolution")
    assert not (tmp_path / "out").exists()


def test_the_gate_refuses_a_path_too(capsys):
    assert main(["gate", "--base", "HEAD", "--models", "nets/nightnet.py:make"]) == 2
    assert "start in the folder nets and give nightnet:make" in capsys.readouterr().err


def test_json_has_an_entry_per_method(capsys):
    assert main(["models", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in entries] == list(names())
    by_name = {entry["name"]: entry for entry in entries}
    assert by_name["did"]["params"] == 2_552_131
    assert by_name["gain-only"]["weights_shipped"] is None
    assert by_name["red"]["restricted"] is True
