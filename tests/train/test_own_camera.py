"""Training for a camera of one's own: its noise, at its ISOs, said in the card."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.cli import main
from bench.data.making import camera, noise_table
from bench.train.patches import Exposure, Patches, expose
from llpacknet.errors import InputError
from llpacknet.loading import sha256

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "iso,gain_dn_per_electron,gaussian_read_sigma_dn,row_sigma_dn,black_error_dn,black_error_sd_dn\n"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(f"{HEAD}400,0.5,20,0,4,0\n1600,0.5,20,0,4,0\n", encoding="utf-8")
    return path


def test_patches_have_the_cameras_noise_at_the_isos_that_it_covers(mine: Path) -> None:
    table = noise_table.read(mine)
    source = Patches([np.zeros((64, 64, 3), np.uint8)], 32, seed=2, table=table)
    # Black but for lamps: what is left in most patches is the camera's own noise, 4 DN above black.
    frames = np.array([source.patch(0, index).mosaic[0] * camera.SPAN for index in range(24)])
    assert np.median(frames.std(axis=(1, 2))) == pytest.approx(20, rel=0.05)
    assert np.median(frames.mean(axis=(1, 2))) == pytest.approx(4, abs=0.6)
    sony = Patches([np.zeros((64, 64, 3), np.uint8)], 32, seed=2)
    assert min(sony.patch(0, index).mosaic.std() * camera.SPAN for index in range(24)) < 5


def test_an_exposure_follows_the_table_and_not_the_sonys(mine: Path) -> None:
    light = np.full((256, 256, 3), 0.2, np.float32)
    exposure = Exposure(800, 10)
    own, sony = (
        expose(light, (1, 1), exposure, np.random.default_rng(0), table)[0] * camera.SPAN
        for table in (noise_table.read(mine), None)
    )
    signal = 0.2 * camera.SPAN / 10
    assert own.mean() == pytest.approx(signal, rel=0.01)
    assert own.var() == pytest.approx(20**2 + 0.5 * signal, rel=0.03)
    assert sony.var() != pytest.approx(own.var(), rel=0.2)


def test_the_card_names_the_camera_and_a_resumed_run_keeps_it(
    photos: Path, mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    command = ["train", "llpacknet", "--photos", str(photos), "--out", str(out), "--steps", "2", "--batch",
               "1", "--patch", "32", "--workers", "0", "--threads", "1"]  # fmt: skip
    assert main([*command, "--camera", str(mine)]) == 0
    assert "mine.csv covers the ISO of" in capsys.readouterr().err
    card = json.loads((out / "llpacknet.json").read_text(encoding="utf-8"))
    assert card["training"]["camera"] == "mine.csv"
    assert card["training"]["camera_sha256"] == sha256(mine)
    assert "with the noise of `mine.csv`" in (out / "llpacknet.md").read_text(encoding="utf-8")
    assert main([*command, "--resume"]) == 2
    assert "camera was mine.csv" in capsys.readouterr().err


def test_what_cannot_be_used_is_one_error(
    photos: Path, mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "llpacknet", "--out", str(tmp_path / "run"), "--camera", str(mine)]
    assert main([*command, "--dataset", str(tmp_path)]) == 2
    assert "--camera only works with --photos" in capsys.readouterr().err
    mine.write_text(f"{HEAD}400,nan,20,0,4,0\n", encoding="utf-8")
    assert main([*command, "--photos", str(photos)]) == 2
    assert "row 2: gain_dn_per_electron is 'nan'" in capsys.readouterr().err
    mine.write_text(f"{HEAD}333,1,20,0,4,0\n", encoding="utf-8")
    with pytest.raises(InputError, match="none of SID's training pairs"):
        Patches([np.zeros((64, 64, 3), np.uint8)], 32, seed=0, table=noise_table.read(mine))
