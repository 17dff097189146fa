"""A folder with SID's names is told from SID by what is known of SID: its lists and 93 mean levels."""

import json

import numpy as np
import pytest

from bench.cli import main
from bench.data.folder import known
from bench.data.folder.index import index
from bench.data.folder.verify import verify
from llpacknet.raw.dng import write_dng

SIDES = (48, 64)


def of_level(level, rng):
    """A noisy frame whose mean above black, clipped there, is a level to within one digital number in all."""
    above = np.rint(rng.poisson(level, SIDES) + rng.normal(0, 1, SIDES))
    wanted = round(level * above.size)
    clipped = np.maximum(above, 0)
    step = 1 if clipped.sum() < wanted else -1
    at = rng.permutation(np.flatnonzero(clipped.ravel() > 0))
    at = np.resize(at, int(abs(wanted - clipped.sum())))
    np.add.at(above.reshape(-1), at, step)
    return (512 + above).astype(np.uint16)


def write(path, mosaic):
    """A raw file that does not say that it was made."""
    write_dng(path, mosaic)
    path.write_bytes(path.read_bytes().replace(b"Synthetic A7S II", b"Anonymous A7S II"))


@pytest.fixture(scope="module")
def sid(tmp_path_factory):
    """Tiny frames with the names and mean levels of SID's 93 first test frames, and long ones."""
    root = tmp_path_factory.mktemp("sid")
    rng = np.random.default_rng(0)
    for kind in ("short", "long"):
        (root / "Sony" / kind).mkdir(parents=True)
    for (short, long), level in known.levels().items():
        write(root / "Sony" / "short" / f"{short}.DNG", of_level(level, rng))
        target = root / "Sony" / "long" / f"{long}.DNG"
        if not target.exists():
            write(target, (512 + rng.poisson(900, SIDES)).astype(np.uint16))
    return root


def test_a_folder_with_the_known_levels_passes_and_a_replaced_file_is_named(sid, tmp_path, capsys):
    assert main(["data", "verify", str(sid)]) == 0
    said = capsys.readouterr().out
    assert "mean levels compared with those of SID: 93 of 93 known" in said
    assert "pairs in SID's lists: training 0 of 1865, validation 0 of 234, test 93 of 598" in said
    (sid / "llbench-sha256.json").unlink()

    replaced = sid / "Sony" / "short" / "10054_00_0.1s.DNG"
    kept = replaced.read_bytes()
    other = sid / "Sony" / "short" / "10011_00_0.1s.DNG"
    try:
        replaced.write_bytes(other.read_bytes())
        assert main(["data", "verify", str(sid), "--json"]) == 1
        found = json.loads(capsys.readouterr().out)
    finally:
        replaced.write_bytes(kept)
    (problem,) = found["problems"]
    assert problem.startswith(f"{replaced}: its mean level is 4.2")
    assert "of this name 22.6" in problem
    assert found["levels_compared"] == 93


def test_every_first_test_frame_is_known_and_listed():
    assert len(known.levels()) == 93
    assert {name: len(pairs) for name, pairs in known.lists().items()} == {
        "training": 1865,
        "validation": 234,
        "test": 598,
    }
    assert set(known.levels()) <= known.lists()["test"]


def test_a_level_may_be_off_by_one_per_cent_and_no_more(sid):
    pair = next(pair for pair in index(sid).pairs if pair.name == "10054_00_0.1s")
    level = known.known_level(pair)
    assert known.off_level(pair, level * 1.0099) is None
    assert known.off_level(pair, level * 0.9901) is None
    assert "a different photograph" in known.off_level(pair, level * 1.012)


def test_made_data_are_not_taken_for_sid(tmp_path):
    """Photographs redarked under SID's ids have levels of their own."""
    for kind, name, level in (("short", "10003_00_0.1s", 300), ("long", "10003_00_10s", 900)):
        (tmp_path / kind).mkdir()
        write_dng(tmp_path / kind / f"{name}.DNG", of_level(level, np.random.default_rng(level)))
    found = verify(tmp_path)
    assert found.problems == []
    assert (found.compared, found.lists) == (0, [])
