"""`llbench models` shows every registered method."""

import json

from baselines import names
from bench.cli import main


def test_table_has_a_row_per_method(capsys):
    assert main(["models"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in names())
    assert "1,170,640" in shown
    assert "1,169,088" in shown
    assert "patent" in shown


def test_json_has_an_entry_per_method(capsys):
    assert main(["models", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in entries] == list(names())
    by_name = {entry["name"]: entry for entry in entries}
    assert by_name["did"]["params"] == 2_552_131
    assert by_name["gain-only"]["weights_shipped"] is None
    assert by_name["red"]["restricted"] is True
