"""Names that are no text, as old cards and archives have them, in every verb that takes files."""

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from bench.cli import main
from llpacknet.raw.dng import write_dng

# Latin-1, a Shift JIS half, an escape of a terminal, a line end.
NAMES = [os.fsdecode(name) for name in (b"caf\xe9", b"\x83\x5c night", b"a\x1b[31m b", b"two\nlines")]


@pytest.fixture(autouse=True)
def _apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLBENCH_CACHE", str(tmp_path / "cache"))


def test_restore_goes_through_a_folder_of_them(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    for name in ("before", *NAMES, "zz"):
        write_dng(tmp_path / "in" / f"{name}.dng", np.full((64, 96), 560, np.uint16))
    assert main(["restore", "in", "-o", "out", "--threads", "1"]) == 0
    said = capsys.readouterr()
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {"before", *NAMES, "zz"}
    assert len(said.out.splitlines()) == len(NAMES) + 2


@pytest.mark.parametrize("name", NAMES)
def test_score_takes_and_writes_them(tmp_path, capsys, name):
    for side in ("pred", "truth"):
        (tmp_path / name / side).mkdir(parents=True)
        for each in ("plain", name):
            image = np.full((32, 32, 3), 100 if side == "pred" else 110, np.uint8)
            Image.fromarray(image).save(tmp_path / name / side / f"{each}.png")
    folders = ["--pred", f"{name}/pred", "--truth", f"{name}/truth", "--out", f"{name}/out"]
    assert main(["score", *folders, "--protocol", "release2022", "--lpips", "none"]) == 0, capsys.readouterr()
    result = json.loads((tmp_path / name / "out" / "scores.json").read_text(encoding="utf-8"))
    assert [one["psnr"] for one in result["pictures"]] == pytest.approx([28.13] * 2, abs=0.01)


def test_a_data_set_in_a_folder_of_such_a_name_is_made_checked_and_measured(tmp_path, capsys):
    made = NAMES[0]
    assert main(["data", "make", "--scenes", "1", "--seed", "3", "--size", "64x96", "--out", made]) == 0
    assert main(["data", "index", made]) == 0
    assert main(["data", "verify", made]) == 0, capsys.readouterr().out
    quality = ["run", "--models", "gain-only", "--measure", "quality", "--protocol", "release2022"]
    assert main([*quality, "--dataset", made, "--out", "results"]) == 0, capsys.readouterr().err
    shutil.rmtree(made)
