"""Dark and flat frames made with known parameters give these parameters back."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from bench.cli import main
from bench.data.making import camera
from bench.data.making.noise_table import sony_a7s2
from llpacknet.raw.dng import write_dng

ISOS = (200, 1600, 6400)
ERRORS = {200: -0.8, 1600: 0.5, 6400: 2.0}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Four dark frames and pairs of flat ones at three levels, with a pattern of the sensor's."""
    root = tmp_path_factory.mktemp("frames")
    darks, flats = root / "dark", root / "flat"
    for folder in (darks, flats):
        folder.mkdir()
    rng = np.random.default_rng(7)
    for iso in ISOS:
        noise = replace(sony_a7s2().at(iso), black_error=ERRORS[iso])
        for number in range(4):
            dark = camera.expose(np.zeros((1600, 320), np.float32), 100.0, noise, rng)
            write_dng(darks / f"{iso}_{number}.dng", dark, iso=iso)
        response = 1 + 0.01 * rng.standard_normal((320, 320)).astype(np.float32)
        for level in (0.05, 0.15, 0.4):
            for number in range(2):
                flat = camera.expose(level * response, 1.0, noise, rng)
                write_dng(flats / f"{iso}_{level}_{number}.dng", flat, iso=iso)
    return darks, flats


def test_known_parameters_are_found_again_within_three_per_cent(folders, tmp_path, capsys):
    out = tmp_path / "mine.csv"
    darks, flats = map(str, folders)
    assert main(["data", "calibrate", "--dark", darks, "--flat", flats, "--out", str(out)]) == 0
    assert "ISO 1600" in capsys.readouterr().out
    with out.open() as file:
        rows = {int(row["iso"]): row for row in csv.DictReader(file)}
    assert tuple(rows) == ISOS
    for iso, row in rows.items():
        noise = sony_a7s2().at(iso)
        assert float(row["gain_dn_per_electron"]) == pytest.approx(noise.gain, rel=0.03)
        assert float(row["gaussian_read_sigma_dn"]) == pytest.approx(noise.read_sigma, rel=0.03)
        assert float(row["row_sigma_dn"]) == pytest.approx(noise.row_sigma, rel=0.03)
        assert float(row["black_error_dn"]) == pytest.approx(ERRORS[iso], rel=0.03)
        assert (row["darks"], row["flat_pairs"]) == ("4", "3")


def test_an_iso_without_flat_frames_is_named(folders, tmp_path, capsys):
    darks, _ = folders
    (tmp_path / "flat").mkdir()
    write_dng(tmp_path / "flat" / "a.dng", np.full((64, 64), 2000, np.uint16), iso=200)
    command = ["data", "calibrate", "--dark", str(darks), "--flat", str(tmp_path / "flat"), "--out"]
    assert main([*command, str(tmp_path / "mine.csv")]) == 2
    assert "ISO 1600 is in" in capsys.readouterr().err
