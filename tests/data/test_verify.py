"""Verification finds what changed, what is odd among its like, and what does not lie on its long exposure."""

import json
import os

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from bench.cli import main
from bench.data.folder.checksums import FILE_NAME
from bench.data.folder.verify import verify
from llpacknet.raw.dng import write_dng

SIDES = (356, 532)


def scene(seed):
    noise = np.random.default_rng(seed).standard_normal(SIDES)
    smooth = [gaussian_filter(noise, sigma) for sigma in (3, 12, 40)]
    return np.exp(sum(layer / layer.std() for layer in smooth) * 0.5)


def expose(path, light, level, seed=0, **options):
    electrons = np.random.default_rng(seed).poisson(light * level * 5)
    write_dng(path, np.clip(512 + electrons / 5, 0, 16383).astype(np.uint16), **options)


@pytest.fixture
def folder(tmp_path):
    """Two scenes, two short frames each, the second scene's frames 12 rows off; no marks of made data."""
    for kind in ("short", "long"):
        (tmp_path / kind).mkdir()
    for number, off in (("10003", 0), ("10034", 12)):
        light = scene(int(number))
        expose(tmp_path / "long" / f"{number}_00_10s.DNG", light, 1000)
        for frame in ("00", "01"):
            expose(
                tmp_path / "short" / f"{number}_{frame}_0.1s.DNG", np.roll(light, off, 0), 10, seed=int(frame)
            )
    return tmp_path


def test_checksums_are_written_first_and_compared_after(folder):
    first = verify(folder)
    assert first.problems == []
    assert first.files == 6
    recorded = json.loads((folder / FILE_NAME).read_text())["files"]
    assert sorted(recorded) == sorted(f"{path.parent.name}/{path.name}" for path in folder.glob("*/*.DNG"))
    assert verify(folder).problems == []
    changed = folder / "short" / "10003_01_0.1s.DNG"
    expose(changed, scene(10003), 10, seed=99)
    (line,) = verify(folder).problems
    assert line.startswith(f"{changed}: changed")
    assert json.loads((folder / FILE_NAME).read_text())["files"] == recorded
    changed.unlink()
    (line,) = verify(folder).problems
    assert line.startswith(f"{changed}: recorded but missing")


def test_files_added_later_are_recorded_then(folder):
    verify(folder)
    added = folder / "short" / "10003_02_0.1s.DNG"
    expose(added, scene(10003), 10, seed=7)
    assert verify(folder).problems == []
    added.write_bytes(added.read_bytes() + b"\0")
    (line,) = verify(folder).problems
    assert "10003_02" in line


def test_made_data_are_compared_with_their_manifest(folder):
    entries = [
        {"path": "short/10003_00_0.1s.DNG", "sha256": "0" * 64},
        {"path": "../../etc/passwd", "sha256": "1" * 64},
    ]
    (folder / "manifest.json").write_text(json.dumps({"kind": "procedural", "files": entries}))
    problems = verify(folder).problems
    assert any("10003_00_0.1s.DNG: changed since manifest.json" in line for line in problems)
    assert any("'../../etc/passwd' is not a file in this folder" in line for line in problems)
    assert len(problems) == 2


@pytest.mark.parametrize(
    "content", ["", "[]", '{"files": 3}', '{"files": {"a": 3}}', '{"files": [{"path": 1}]}']
)
def test_a_damaged_record_is_a_problem(folder, content):
    (folder / FILE_NAME).write_text(content)
    problems = verify(folder).problems
    assert len(problems) == 1
    assert FILE_NAME in problems[0]


def test_a_folder_that_cannot_be_written_is_verified_all_the_same(folder):
    (folder / FILE_NAME).mkdir()
    found = verify(folder)
    assert found.problems == []
    assert any(f"{FILE_NAME} cannot be written" in line for line in found.warnings)


def test_odd_ones_out_are_named(folder):
    light = scene(10003)
    expose(folder / "short" / "10003_00_0.1s.DNG", light, 10, black=500)
    expose(folder / "short" / "10003_01_0.1s.DNG", light, 10, pattern="BGGR")
    expose(folder / "short" / "10034_00_0.1s.DNG", light, 10, white=15000)
    problems = "\n".join(verify(folder).problems)
    assert "10003_00_0.1s.DNG: black is (500.0, 500.0, 500.0, 500.0), most files have (512.0" in problems
    assert "10003_01_0.1s.DNG: pattern is BGGR, most files have RGGB" in problems
    assert "10003_01_0.1s.DNG: size is (354, 530), most files have (356, 532)" in problems
    assert "10034_00_0.1s.DNG: white is 15000, most files have 16383" in problems


def test_a_measured_misalignment_is_a_warning(folder):
    warnings = verify(folder).warnings
    assert len(warnings) == 2
    assert all("10034" in line and "+12 rows and +0 columns" in line for line in warnings)


def test_scenes_known_to_be_misaligned_are_flagged_in_real_data_only(folder):
    synthetic = verify(folder)
    assert not any("known to be misaligned" in line for line in synthetic.warnings)
    for path in folder.glob("*/*.DNG"):
        content = path.read_bytes().replace(b"Synthetic A7S II", b"Anonymous A7S II")
        path.write_bytes(content)
    (folder / FILE_NAME).unlink()
    assert any("scene 10034" in line and "known" in line for line in verify(folder).warnings)


def test_the_command_counts_subsets_and_exits_by_what_it_found(folder, capsys):
    assert main(["data", "index", str(folder), "--json"]) == 0
    counted = json.loads(capsys.readouterr().out)
    assert counted["subsets"]["all"]["pairs"] == 4
    assert counted["subsets"]["first-aligned"]["pairs"] == 1
    assert main(["data", "index", str(folder)]) == 0
    assert "first-minus-10172" in capsys.readouterr().out
    assert main(["data", "verify", str(folder)]) == 0
    assert "6 files read, problems: 0, warnings: 2" in capsys.readouterr().out
    os.truncate(folder / "long" / "10003_00_10s.DNG", 3000)
    assert main(["data", "verify", str(folder)]) == 1
    assert "problem: " in capsys.readouterr().out
    assert main(["data", "verify", str(folder / "nowhere")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "does not exist" in said


def test_data_made_by_the_command_pass_their_own_verification(tmp_path, capsys):
    size = ["--size", "128x192", "--scenes", "1", "--seed", "4"]
    assert main(["data", "make", *size, "--out", str(tmp_path / "made")]) == 0
    assert "made-" in capsys.readouterr().out
    assert main(["data", "verify", str(tmp_path / "made")]) == 0
    assert main(["data", "make", "--size", "128", "--scenes", "1", "--out", str(tmp_path / "b")]) == 2
