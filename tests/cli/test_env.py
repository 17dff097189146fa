"""`llbench env` tells what is recorded of this machine, and nothing of who owns it."""

import getpass
import json
import platform
from pathlib import Path

from bench.cli import main
from bench.machine.environment import usable_cores


def test_the_machine_is_told_as_json_without_names_of_people_hosts_or_folders(capsys):
    assert main(["env", "--json"]) == 0
    text = capsys.readouterr().out
    facts = json.loads(text)
    assert facts["cpu"]["model"]
    assert len(facts["cpu"]["affinity"]) == usable_cores()
    assert facts["code"]
    assert str(Path.cwd()) not in text
    for name in {platform.node(), getpass.getuser()} - {""}:
        assert f'"{name}"' not in text


def test_the_same_is_told_for_people_a_line_each(capsys):
    assert main(["env"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert main(["env", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert f"  model: {facts['cpu']['model']}" in shown
    assert any(line.endswith(" GB") for line in shown)
    assert any(line.endswith(": -") for line in shown) or None not in facts.values()
    assert set(facts) <= {line.partition(":")[0] for line in shown if not line.startswith(" ")}
