"""Photographs exposed and images scored by workers are those of this machine alone."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from bench.cli import main
from bench.data.making.redark import redark
from bench.records import protocols
from bench.run.cluster.connecting import connected
from bench.score import scoring


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        tiles = rng.integers(0, 256, (8, 12, 3), np.uint8)
        Image.fromarray(np.kron(tiles, np.ones((8, 8, 1), np.uint8))).save(folder / f"p{number}.png")
    return folder


def hashes(folder):
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_workers_expose_and_score_as_this_machine_does(photos, tmp_path):
    predictions = tmp_path / "predictions"
    predictions.mkdir()
    for path in photos.iterdir():
        image = np.asarray(Image.open(path))
        Image.fromarray(image // 2).save(predictions / path.name)
    (predictions / "p1.png").write_bytes(b"damaged")
    chosen, skip = [protocols.default()], {"lpips-alex": "not asked for"}
    redark(photos, tmp_path / "here", seed=5)
    alone = scoring.score(predictions, photos, chosen, skip=skip)
    with connected("local:2") as cluster:
        redark(photos, tmp_path / "there", seed=5, spread=cluster.each)
        shared = scoring.score(predictions, photos, chosen, skip=skip, spread=cluster.each)
    assert hashes(tmp_path / "there") == hashes(tmp_path / "here")
    assert (shared.values, shared.failures) == (alone.values, alone.failures)
    assert len(alone.values) == 2
    assert "p1" in alone.failures[0]


@pytest.mark.parametrize("verb", ["data make --scenes 1", "data redark photos", "score --pred a --truth b"])
def test_a_cluster_that_is_none_is_refused_by_every_verb(verb, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main([*verb.split(), "--out", out, "--cluster", "local:none"]) == 2
    assert "a number of workers" in capsys.readouterr().err
