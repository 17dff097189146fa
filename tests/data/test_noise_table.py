"""A user's calibrated camera in place of the Sony A7S II: what is made with it has its noise."""

import csv
import json
from importlib import resources

import numpy as np
import pytest
import tifffile
from PIL import Image

from bench.cli import main
from bench.data.making import camera, camera_settings, noise_table
from bench.data.making.make import make
from llpacknet.errors import InputError

HEAD = "iso,gain_dn_per_electron,gaussian_read_sigma_dn,row_sigma_dn,black_error_dn,black_error_sd_dn\n"
ROWS = {400: (0.5, 2.5, 0.6, 1.5, 0.0), 1600: (2.2, 6.0, 1.1, -2.0, 0.0)}


def table(path, rows, head=HEAD):
    lines = [",".join(map(str, (iso, *values))) for iso, values in rows.items()]
    path.write_text(head + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def mine(tmp_path):
    return table(tmp_path / "mine.csv", ROWS)


def test_frames_made_with_a_camera_are_calibrated_to_that_camera_again(mine, tmp_path, capsys):
    """Black and grey photographs, redarked with the table, are dark and flat frames."""
    photos, frames = tmp_path / "photos", {kind: tmp_path / kind for kind in ("dark", "flat")}
    for folder in (photos, *frames.values()):
        folder.mkdir()
    names, lines = {}, ["photo,short_s,long_s,iso"]
    for iso in ROWS:
        for level in (0, 90, 140, 190):
            name = str(11000 + len(names))
            names[name] = level
            size = (1600, 320) if level == 0 else (320, 320)
            Image.fromarray(np.full((*size, 3), level, np.uint8)).save(photos / f"{name}.png")
            lines += [f"{name},1,2,{iso}"] * (4 if level == 0 else 2)
    (tmp_path / "exposures.csv").write_text("\n".join(lines) + "\n")
    out = tmp_path / "out"
    exposed = ["--exposures", str(tmp_path / "exposures.csv"), "--camera", str(mine), "--out", str(out)]
    assert main(["data", "redark", str(photos), *exposed]) == 0
    for path in (out / "Sony/short").iterdir():
        path.rename(frames["flat" if names[path.name[:5]] else "dark"] / path.name)
    again = tmp_path / "again.csv"
    folders = ["--dark", str(frames["dark"]), "--flat", str(frames["flat"])]
    assert main(["data", "calibrate", *folders, "--out", str(again)]) == 0
    for iso, (gain, sigma, row_sigma, error, _) in ROWS.items():
        found = noise_table.read(again).at(iso)
        assert found.gain == pytest.approx(gain, rel=0.03)
        assert found.read_sigma == pytest.approx(sigma, rel=0.03)
        assert found.row_sigma == pytest.approx(row_sigma, rel=0.03)
        assert found.black_error == pytest.approx(error, rel=0.03)


def test_made_data_say_which_camera_and_keep_to_its_isos(mine, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["data", "make", "--scenes", "2", "--size", "64x96", "--out", str(out)]
    assert main([*command, "--camera", str(mine)]) == 0
    assert "mine.csv covers the ISO of 9 of SID's 50 test scenes" in capsys.readouterr().err
    made = json.loads((out / "manifest.json").read_text())
    known = {"file": "mine.csv", "sha256": noise_table.read(mine).sha256}
    assert made["parameters"]["camera"] == known
    for entry in made["files"]:
        assert 400 <= entry["iso"] <= 1600
        assert entry["camera"] == known
        assert entry["noise"]["gain"] == noise_table.read(mine).at(entry["iso"]).gain
        with tifffile.TiffFile(out / entry["path"]) as file:
            assert known["sha256"] in file.pages[0].tags["ImageDescription"].value
    # Continued with the same camera, refused with another one or none.
    assert main([*command, "--camera", str(mine)]) == 0
    assert main(command) == 2
    table(mine, {400: (0.6, 2.5, 0.6, 0, 0), 1600: ROWS[1600]})
    assert main([*command, "--camera", str(mine)]) == 2
    assert "choose an empty folder" in capsys.readouterr().err


def test_between_its_isos_noise_is_interpolated_on_a_logarithmic_scale(mine):
    found = noise_table.read(mine).at(800)
    assert found.gain == pytest.approx(np.sqrt(0.5 * 2.2))
    assert found.read_sigma == pytest.approx(np.sqrt(2.5 * 6.0))
    assert found.row_sigma == pytest.approx(np.sqrt(0.6 * 1.1))
    assert found.black_error == pytest.approx(-0.25)


def test_no_table_is_interpolated_where_read_noise_falls(tmp_path):
    """As the Sony's does between ISO 1600 and 2000, whose own table given as a file says the same."""
    text = resources.files("bench.data").joinpath("facts/a7s2_noise.csv").read_text()
    (tmp_path / "sony.csv").write_text(text)
    own = noise_table.read(tmp_path / "sony.csv")
    for iso in (50, 90, 800, 1600, 1800, 1999, 2000, 7000, 25600):
        found, expected = own.at(iso), noise_table.sony_a7s2().at(iso)
        assert found.gain == pytest.approx(expected.gain, rel=1e-6)
        assert found.read_sigma == expected.read_sigma
        assert found.tukey_lambda == expected.tukey_lambda
    lone = noise_table.read(table(tmp_path / "lone.csv", {800: (0.8, 5, 1, 0, 0), 3200: (3, 2, 1, 0, 0)}))
    assert lone.at(3200).read_sigma == 2
    with pytest.raises(InputError, match="calibrate ISO 1600"):
        lone.at(1600)


def test_a_camera_of_twelve_bits_keeps_the_share_of_its_noise(tmp_path):
    head = HEAD.strip() + ",black_dn,white_dn\n"
    path = table(tmp_path / "twelve.csv", {100: (0.1, 1.0, 0.2, 0.5, 0.1, 256, 4095)}, head)
    found, factor = noise_table.read(path), camera.SPAN / (4095 - 256)
    noise = found.at(100)
    assert (noise.gain, noise.read_sigma, noise.row_sigma, noise.black_error) == pytest.approx(
        (0.1 * factor, factor, 0.2 * factor, 0.5 * factor)
    )
    assert found.black_sigma(100) == pytest.approx(0.1 * factor)


def test_each_frame_has_a_black_error_of_its_own_where_dark_frames_differed(tmp_path):
    path = table(tmp_path / "mine.csv", dict.fromkeys((50, 25600), (0.5, 0.5, 0.1, 3.0, 1.0)))
    make(tmp_path / "out", 2, 1, (64, 96), table=noise_table.read(path))
    made = json.loads((tmp_path / "out/manifest.json").read_text())["files"]
    errors = [entry["noise"]["black_error"] for entry in made]
    assert len(set(errors)) == len(errors)
    assert np.mean(errors) == pytest.approx(3.0, abs=1.0)


@pytest.mark.parametrize("kept", [(50, 25600), (400, 1600)])
def test_settings_are_sids_whose_iso_the_camera_covers(kept, tmp_path):
    own = noise_table.read(table(tmp_path / "own.csv", dict.fromkeys(kept, (1, 1, 1, 0, 0))))
    drawn = [camera_settings.draw_capture(3, number, own) for number in range(50)]
    assert all(kept[0] <= capture.iso <= kept[1] for capture in drawn)
    if kept == (50, 25600):
        assert drawn == [camera_settings.draw_capture(3, number) for number in range(50)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "lacks the column iso: give a CSV file of `llbench data calibrate`"),
        (HEAD.replace("row_sigma_dn,", "") + "100,1,1,0,0\n", "lacks the column row_sigma_dn"),
        (HEAD, "has no rows: add one per ISO"),
        (HEAD + "100,nan,1,1,0,0\n", "row 2: gain_dn_per_electron is 'nan': give a number"),
        (HEAD + "100,1,1,1,0,0\n200,1,,1,0,0\n", "row 3: gaussian_read_sigma_dn is '': give a number"),
        (HEAD + ",1,1,1,0,0\n", "row 2: iso is '': give a number"),
        (HEAD + "100,1,-2,1,0,0\n", "row 2: gaussian_read_sigma_dn is -2, which is negative"),
        (HEAD + "100,1,1,1,0,-0.5\n", "black_error_sd_dn is -0.5, which is negative"),
        (HEAD + "100,0,1,1,0,0\n", "gain_dn_per_electron is 0: give a positive number"),
        (HEAD + "100,1,1,1,0,0\n100,1,1,1,0,0\n", "has ISO 100 twice: keep one of its rows"),
        (HEAD + "333,1,1,1,0,0\n", "covers the ISO of none of SID's test scenes (64, 100,"),
    ],
)
def test_a_file_that_is_no_such_table_is_one_error_with_its_cure(text, said, tmp_path, capsys):
    (tmp_path / "mine.csv").write_text(text)
    command = ["data", "make", "--scenes", "1", "--size", "64x96", "--out", str(tmp_path / "out")]
    assert main([*command, "--camera", str(tmp_path / "mine.csv")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "mine.csv" in error
    assert said in error
    assert not (tmp_path / "out").exists()


def test_no_file_and_an_iso_that_the_camera_lacks_are_named(mine, tmp_path, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(photos / "a.png")
    (tmp_path / "exposures.csv").write_text("photo,short_s,long_s,iso\na,0.1,10,400\na,0.1,10,6400\n")
    command = ["data", "redark", str(photos), "--out", str(tmp_path / "out"), "--camera"]
    assert main([*command, str(tmp_path / "none.csv")]) == 2
    assert "cannot read camera table" in capsys.readouterr().err
    assert main([*command, str(mine), "--exposures", str(tmp_path / "exposures.csv")]) == 2
    error = capsys.readouterr().err
    assert (
        "row 3: ISO 6400 is outside the camera's calibration (mine.csv); give one from 400 to 1600" in error
    )


def test_tukey_lambda_noise_needs_its_columns(mine):
    noise = noise_table.read(mine).at(400)
    with pytest.raises(InputError, match="no Tukey-lambda columns"):
        camera.read_noise((4, 4), noise, np.random.default_rng(0), "tukey-lambda")


def test_what_calibrate_writes_has_the_levels_of_the_frames(tmp_path):
    from bench.data.making.noise_calibration import Calibration, write

    write(tmp_path / "mine.csv", [Calibration(100, 0.1, 1.0, 0.2, 0.5, 0.1, 256.0, 4095.0, 4, 3)])
    with (tmp_path / "mine.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["black_dn"], row["white_dn"]) == ("256", "4095")
    assert noise_table.read(tmp_path / "mine.csv").at(100).gain == pytest.approx(0.1 * 15871 / 3839)
