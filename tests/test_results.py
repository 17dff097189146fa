"""Every committed result file is a valid one."""

from pathlib import Path

import pytest

from bench import store

RESULTS = Path(__file__).parent.parent / "results"


def test_committed_results_pass_the_validator():
    if not RESULTS.is_dir():
        pytest.skip("no results are committed")
    folders = sorted({path.parent for path in RESULTS.rglob("cells/*.json")})
    assert folders, f"{RESULTS.name}/ holds no results folder with cells/*.json"
    found = {path: store.validate(path) for folder in folders for path in sorted(folder.iterdir())}
    assert {str(path.relative_to(RESULTS)): problems for path, problems in found.items() if problems} == {}
