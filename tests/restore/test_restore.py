"""`llbench restore` makes upright images of any Bayer camera's files and survives the damaged ones."""

import json
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import rawpy
import tifffile
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from bench.cli import main
from bench.measure.inputs import made_up_frame
from llpacknet import restore
from llpacknet.photos.colour import difference
from llpacknet.raw.dng import write_dng

SIZE = (64, 96)
TAKEN = "2020:11:07 21:30:05"
# A colour matrix that is not the A7S II's.
CANON = (0.6461, -0.1164, -0.0857, -0.3825, 1.1597, 0.2534, -0.0416, 0.1540, 0.5655)


def scene(pattern="RGGB", size=SIZE, light=(400, 900, 500), balance=(2.09, 1.0, 2.43)):
    """A dark frame, its right half brighter: the same light whatever the pattern of the sensor."""
    rng = np.random.default_rng(5)
    mosaic = np.empty(size, np.uint16)
    for index, colour in enumerate(pattern):
        row, column = divmod(index, 2)
        level = light["RGB".index(colour)] / 40
        plane = np.full((size[0] // 2, size[1] // 2), level)
        plane[:, size[1] // 4 :] *= 4
        mosaic[row::2, column::2] = 512 + rng.poisson(plane)
    return mosaic


def x_trans_dng(path):
    pattern = bytes(int(colour) for colour in "110112112110201021112110110112021201")
    tags = [
        (50706, 1, 4, bytes((1, 4, 0, 0)), True),
        (33421, 3, 2, (6, 6), True),
        (33422, 1, 36, pattern, True),
    ]
    tifffile.imwrite(path, scene(), photometric="cfa", extratags=tags, metadata=None)


@pytest.fixture
def folder(tmp_path):
    """Two good files, a damaged one, an X-Trans one and a text file that is no photograph."""
    photographs = tmp_path / "in"
    photographs.mkdir()
    write_dng(photographs / "a.DNG", scene(), taken=TAKEN, exposure_s=0.1, iso=800)
    write_dng(photographs / "c.dng", scene())
    whole = (photographs / "a.DNG").read_bytes()
    (photographs / "b.dng").write_bytes(whole[: len(whole) // 2])
    x_trans_dng(photographs / "d.dng")
    (photographs / "notes.txt").write_text("no photograph")
    return photographs


def test_a_damaged_file_is_reported_and_the_rest_goes_on(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["restore", str(folder), "-o", str(out), "--json"]) == 1
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["reason"] is None for one in said] == [True, False, True, False]
    assert "X-Trans" in said[3]["reason"]
    assert "b.dng" in said[1]["reason"]
    assert "copy it again" in said[1]["reason"]
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "c.png"]
    np.testing.assert_array_equal(np.asarray(Image.open(out / "a.png")), restore(folder / "a.DNG"))
    for one in (said[0], said[2]):
        assert all(one["steps"][name] > 0 for name in ("reading", "network", "writing"))


def test_images_that_are_there_are_kept_unless_told_otherwise(folder, tmp_path, capsys):
    for name in ("b.dng", "d.dng"):
        (folder / name).unlink()
    out = tmp_path / "out"
    assert main(["restore", str(folder), "-o", str(out)]) == 0
    assert "2 photographs in" in capsys.readouterr().err
    (out / "a.png").write_bytes(b"mine")
    assert main(["restore", str(folder), "-o", str(out)]) == 0
    assert (out / "a.png").read_bytes() == b"mine"
    assert main(["restore", str(folder), "-o", str(out), "--overwrite"]) == 0
    assert (out / "a.png").read_bytes() != b"mine"
    assert "already restored" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff"])
def test_it_is_upright_and_keeps_the_time(tmp_path, kind):
    source = tmp_path / "portrait.DNG"
    write_dng(source, scene(), orientation=6, taken=TAKEN, exposure_s=0.1, iso=800)
    assert main(["restore", str(source), "-o", str(tmp_path), "--format", kind, "--gain", "100"]) == 0
    path = tmp_path / f"portrait.{ {'png': 'png', 'jpeg': 'jpg', 'tiff': 'tif'}[kind] }"
    with Image.open(path) if kind != "tiff" else tifffile.TiffFile(path) as file:
        if kind == "tiff":
            page = file.pages[0]
            image = page.asarray()
            tags = {tag.code: tag.value for tag in page.tags.values()}
            assert image.dtype == np.uint16
            assert (tags[274], tags[306]) == (1, TAKEN)
        else:
            image = np.asarray(file)
            exif = file.getexif()
            inner = exif.get_ifd(0x8769)
            assert (exif[0x0112], exif[0x0132], inner[0x9003]) == (1, TAKEN, TAKEN)
            assert inner[0x829A] == pytest.approx(0.1)
            assert inner[0x8827] == 800
    assert image.shape == (SIZE[1], SIZE[0], 3)
    # Turned a quarter clockwise the bright right half lies below.
    assert image[: SIZE[1] // 2].mean() < image[SIZE[1] // 2 :].mean()


def test_sixteen_bits_hold_more_than_eight_and_the_same_image(tmp_path):
    source = tmp_path / "a.DNG"
    write_dng(source, scene())
    assert main(["restore", str(source), "-o", str(tmp_path / "a.tif"), "--gain", "100"]) == 0
    deep = tifffile.imread(tmp_path / "a.tif")
    assert len(np.unique(deep)) > 256
    np.testing.assert_allclose(deep / 257, restore(source, gain=100.0).astype(float), atol=0.51)


@pytest.mark.parametrize("pattern", ["BGGR", "GRBG", "GBRG"])
def test_other_patterns_give_the_image_of_the_same_light(tmp_path, pattern):
    images = {}
    for one in ("RGGB", pattern):
        write_dng(tmp_path / f"{one}.DNG", scene(one, (128, 192)), pattern=one)
        images[one] = restore(tmp_path / f"{one}.DNG", gain=50.0)
    for half in (np.s_[8:-8, 16:80], np.s_[8:-8, 112:176]):
        found, expected = (images[one][half].mean(axis=(0, 1)) for one in (pattern, "RGGB"))
        np.testing.assert_allclose(found, expected, atol=4)


def test_another_cameras_neutral_grey_comes_out_as_the_trained_cameras_does(tmp_path):
    """The same grey wall: seen by the camera trained on, and by one with other multipliers and matrix."""
    level = 1200
    own, other = (2.09, 1.0, 2.43), (2.48, 1.0, 1.46)
    means = []
    for name, balance, matrix in (("own", own, None), ("other", other, CANON)):
        light = [level / one for one in balance]
        more = {} if matrix is None else {"xyz_to_camera": np.reshape(matrix, (3, 3))}
        write_dng(tmp_path / f"{name}.DNG", scene(light=light), white_balance=balance, **more)
        means.append(restore(tmp_path / f"{name}.DNG", gain=60.0)[8:-8, 8:-8].mean(axis=(0, 1)))
    np.testing.assert_allclose(*means, atol=3)


def test_the_difference_of_colours_to_librawp_is_reported(tmp_path, capsys):
    source = tmp_path / "a.DNG"
    write_dng(source, scene(size=(400, 480)))
    assert main(["restore", str(source), "-o", str(tmp_path / "a.png"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert 0 < said["colour_difference"]["colour"] <= said["colour_difference"]["whole"] < 60
    assert said["gain"] > 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--model", "llpacknet-2020"], "which the network finds itself: choose a --model that takes --gain"),
        (["--gain", "0.0001"], "at gain 0.0001: give a larger --gain"),
    ],
)
def test_a_black_image_is_no_restored_photograph(tmp_path, capsys, more, said):
    """A daylight frame, to which the amplifier of 2020 gives next to no gain."""
    source = tmp_path / "day.DNG"
    write_dng(source, scene(light=(12_000, 24_000, 13_000), size=(400, 480)))
    assert main(["restore", str(source), "-o", str(tmp_path / "day.png"), *more]) == 1
    message = capsys.readouterr().err
    assert "day.DNG: the image is black" in message
    assert said in message
    assert "expect wrong colours" in message
    assert not (tmp_path / "day.png").exists()


def test_no_difference_is_given_to_a_black_rendering():
    frame = made_up_frame(400, 480)
    grey = np.full((400, 480, 3), 12, np.uint8)
    assert difference(frame, 0.001, grey) is None
    assert difference(frame, 100.0, grey) is not None


def test_the_exif_chunk_leaves_the_png_whole(tmp_path):
    source = tmp_path / "a.DNG"
    write_dng(source, scene(), taken=TAKEN)
    assert main(["restore", str(source), "-o", str(tmp_path / "a.png")]) == 0
    np.testing.assert_array_equal(imagecodecs.png_decode((tmp_path / "a.png").read_bytes()), restore(source))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.DNG", "b.DNG", "-o", "one.png"], "give a folder"),
        (["a.DNG", "-o", "one.png", "--gain", "much"], "positive number"),
        (["a.DNG", "-o", "one.png", "--model", "lime"], "is not a network"),
        (["a.DNG", "-o", "one.png", "--precision", "int8"], "torch has no int8 form"),
        (["empty", "-o", "out"], "no raw photograph"),
        (["a.DNG", "-o", "one.webp"], "ends in .png"),
        (["a.DNG", "-o", "one.ARW"], "ends in .png"),
        (["a.DNG", "-o", "one.jgp"], "one.jgp has an unknown suffix: end in .png, .jpg,"),
        (["a.DNG", "-o", "one.PNGG"], "or write one.PNGG/ for a folder"),
        (["a.DNG", "a.DNG", "-o", "one.png", "--size", "1"], "No such option '--size'. (see"),
        (["a.DNG", "-o", "one.png", "--gian", "3"], "Did you mean '--gain'?"),
        (["a.DNG", "-o", "out", "--ev", "0,1", "--model", "llpacknet-2020"], "finds its own gain"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(tmp_path, capsys, arguments, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    write_dng(tmp_path / "a.DNG", scene())
    assert main(["restore", *arguments]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert message.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir() if path.name not in {"a.DNG", "empty"}] == []


def test_a_jpeg_is_no_raw_photograph_and_the_message_names_more_than_one_maker(tmp_path, capsys):
    Image.fromarray(np.full((64, 96, 3), 90, np.uint8)).save(tmp_path / "a.jpg")
    assert main(["restore", str(tmp_path / "a.jpg"), "-o", str(tmp_path / "a.png")]) == 1
    message = capsys.readouterr().err
    assert "a.jpg is not a raw photograph that LibRaw knows: give a camera's own file" in message
    assert all(suffix in message for suffix in ("ARW", "NEF", "CR2", "CR3", "DNG"))


def test_two_files_of_one_name_get_an_image_each(tmp_path):
    for name in ("a.DNG", "a.dng.DNG"):
        write_dng(tmp_path / name, scene())
    (tmp_path / "a.ARW").write_bytes((tmp_path / "a.DNG").read_bytes())
    out = tmp_path / "out"
    assert main(["restore", *(str(tmp_path / name) for name in ("a.DNG", "a.ARW")), "-o", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["a.ARW.png", "a.DNG.png"]


def test_images_of_one_name_from_two_folders_are_refused_before_one_replaces_the_other(tmp_path, capsys):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        write_dng(tmp_path / place / "one.dng", scene())
    assert main(["restore", str(tmp_path / "a"), str(tmp_path / "b"), "-o", str(tmp_path / "out")]) == 2
    assert "one.dng.png" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_clock_that_was_not_set_stops_no_tiff(tmp_path):
    write_dng(tmp_path / "a.dng", scene(), taken="    :  :     :  :  ")
    assert main(["restore", str(tmp_path / "a.dng"), "-o", str(tmp_path / "a.tif")]) == 0
    assert tifffile.imread(tmp_path / "a.tif").shape == (*SIZE, 3)


def rendering(path):
    """What rawpy makes of a DNG without brightening it."""
    with rawpy.imread(str(path)) as raw:
        return raw.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0, output_bps=8)


@pytest.mark.parametrize("matrix", [None, CANON])
def test_a_linear_dng_renders_to_the_image(tmp_path, matrix):
    source = tmp_path / "a.DNG"
    colours = {"xyz_to_camera": matrix} if matrix else {}
    write_dng(source, scene(size=(96, 128)), orientation=6, taken=TAKEN, exposure_s=0.1, iso=800, **colours)
    for kind in ("png", "dng"):
        assert main(["restore", str(source), "-o", str(tmp_path), "--format", kind, "--gain", "60"]) == 0
    image, rendered = np.asarray(Image.open(tmp_path / "a.png")), rendering(tmp_path / "a-restored.dng")
    apart = deltaE_ciede2000(rgb2lab(image), rgb2lab(rendered))
    assert apart.mean() < 1
    assert np.percentile(apart, 99) < 3
    with tifffile.TiffFile(tmp_path / "a-restored.dng") as file:
        tags = {tag.code: tag.value for tag in file.pages[0].tags.values()}
    assert (tags[274], tags[33434], tags[34855], tags[36867]) == (1, (1, 10), 800, TAKEN)


def test_a_dng_never_replaces_its_photograph(tmp_path, capsys):
    source = tmp_path / "a.dng"
    write_dng(source, scene())
    before = source.read_bytes()
    assert main(["restore", str(source), "-o", str(tmp_path), "--format", "dng", "--overwrite"]) == 0
    assert main(["restore", str(source), "-o", str(source), "--overwrite"]) == 2
    assert "the photograph itself" in capsys.readouterr().err
    assert source.read_bytes() == before
    assert (tmp_path / "a-restored.dng").is_file()


def test_a_bracket_is_the_same_photograph_at_several_gains(tmp_path, capsys):
    source = tmp_path / "a.DNG"
    write_dng(source, scene())
    assert (
        main(["restore", str(source), "-o", str(tmp_path), "--ev", "-1,0,+1", "--gain", "60", "--json"]) == 0
    )
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["ev"], one["gain"]) for one in said] == [(-1, 30), (0, 60), (1, 120)]
    names = ["a_-1ev.png", "a_+0ev.png", "a_+1ev.png"]
    assert [Path(one["target"]).name for one in said] == names
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / names[2])), restore(source, gain=120.0))


def test_a_bracket_says_once_what_is_to_be_known_of_its_photograph(tmp_path, capsys):
    source = tmp_path / "a.DNG"
    write_dng(source, scene(light=(12_000, 24_000, 13_000)))
    assert main(["restore", str(source), "-o", str(tmp_path), "--ev", "-1,0,+1", "--gain", "2"]) == 0
    said = capsys.readouterr().err
    assert said.count("is not a dark raw") == 1
    assert "expect wrong colours; an ordinary raw developer serves it better\n" in said
    assert "3 images of 1 photograph in" in said


def test_the_advice_for_a_bright_photograph_replaces_its_first_image(tmp_path, capsys):
    source, out = tmp_path / "a.DNG", tmp_path / "a.png"
    write_dng(source, scene(light=(12_000, 24_000, 13_000)))
    first = ["restore", str(source), "-o", str(out)]
    assert main(first) == 0
    said = capsys.readouterr().err
    advice = "or give a --gain of about 2 with --overwrite or another -o\n"
    assert f"expect wrong colours and overexposed parts; use an ordinary raw developer, {advice}" in said
    assert main([*first, "--gain", "2", "--overwrite"]) == 0
    said = capsys.readouterr().err
    assert "expect wrong colours; an ordinary raw developer serves it better\n" in said
    assert "overexposed" not in said
    np.testing.assert_array_equal(np.asarray(Image.open(out)), restore(source, gain=2.0))


@pytest.mark.parametrize("name", ["out.jgp/", "out.jpg/", "there.jgp", "out", "out.2026", "out.restored"])
def test_a_folder_may_be_called_anything(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.jgp").mkdir()
    write_dng(tmp_path / "a.DNG", scene())
    assert main(["restore", "a.DNG", "-o", name]) == 0
    assert (tmp_path / name / "a.png").is_file()


def test_a_network_that_finds_its_own_gain_gives_no_bracket(tmp_path, capsys):
    source = tmp_path / "a.DNG"
    write_dng(source, scene())
    arguments = ["restore", str(source), "-o", str(tmp_path), "--ev", "1", "--model", "llpacknet-2020"]
    assert main(arguments) == 2
    assert "finds its own gain" in capsys.readouterr().err
    assert main([*arguments[:4], "--ev", "bright"]) == 2
