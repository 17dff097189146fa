"""Every committed result file is a valid one."""

from pathlib import Path

from bench import store

RESULTS = Path(__file__).parent.parent / "results"


def test_committed_results_pass_the_validator():
    found = {path: store.validate(path) for path in sorted(RESULTS.rglob("cells/*.json"))}
    assert {path.name: problems for path, problems in found.items() if problems} == {}
