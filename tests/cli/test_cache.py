"""`llbench cache` shows every cache and empties the rendered long exposures alone."""

import json

import numpy as np

from bench.cli import main
from bench.data.decode import cache
from bench.machine import caches


def test_sizes_and_clear(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(caches.VARIABLE, str(tmp_path))
    cache.image("aa", lambda: np.zeros(1000))
    (tmp_path / "lpips" / "deeper").mkdir(parents=True)
    (tmp_path / "lpips" / "deeper" / "weights").write_bytes(bytes(2_500_000))
    assert main(["cache", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["entries"] == 1
    assert 8000 < shown["size"] < 9000
    assert shown["others"] == {"lpips": 2_500_000}
    assert main(["cache", "clear"]) == 0
    assert "removed 1 " in capsys.readouterr().out
    assert main(["cache"]) == 0
    assert f"rendered long exposures: 0 in {tmp_path / 'pictures'}" in capsys.readouterr().out
    assert caches.sizes()["lpips"] == 2_500_000


def test_nothing_there_yet(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(caches.VARIABLE, str(tmp_path / "none"))
    assert main(["cache", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["entries"], shown["size"], shown["others"]) == (0, 0, {})
