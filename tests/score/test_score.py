import json
import shutil

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bench.cli import main
from bench.judge.waterfall import waterfall
from bench.records import image_protocols
from bench.score import reading, saving, scoring
from llpacknet.errors import InputError

NAMES = ["10003_00_0.04s", "10003_00_0.1s", "10003_01_0.1s", "10034_00_0.1s", "10172_00_0.1s"]


def save(path, image):
    if path.suffix == ".png":
        path.write_bytes(imagecodecs.png_encode(image))
    elif path.suffix == ".tif":
        tifffile.imwrite(path, image, photometric="rgb")
    else:
        Image.fromarray(image).save(path, quality=95)


@pytest.fixture
def folders(tmp_path):
    """16-bit predictions of five SID exposures against the truths of their scenes."""
    rng = np.random.default_rng(0)
    predictions, truths = tmp_path / "pred", tmp_path / "truth"
    predictions.mkdir()
    truths.mkdir()
    for scene in ("10003", "10034", "10172"):
        truth = rng.integers(0, 65536, (24, 31, 3), np.uint16)
        save(truths / f"{scene}.png", truth)
        for name in (name for name in NAMES if name.startswith(scene)):
            noise = rng.normal(0, 3000, truth.shape)
            save(predictions / f"{name}.tif", np.clip(truth + noise, 0, 65535).astype(np.uint16))
    return predictions, truths


def run(folders, *options):
    return main(["score", "--pred", str(folders[0]), "--truth", str(folders[1]), "--lpips", "none", *options])


def result(folders, capsys, *options):
    status = run(folders, "--json", *options)
    return json.loads(capsys.readouterr().out), status


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_images_come_back_bit_for_bit(tmp_path, suffix, kind):
    image = np.random.default_rng(1).integers(0, np.iinfo(kind).max + 1, (9, 8, 3), kind)
    save(tmp_path / f"a{suffix}", image)
    found = reading.read_image(tmp_path / f"a{suffix}")
    assert found.dtype == kind
    assert np.array_equal(found, image)


def test_the_release_of_2022_truncates_and_asks_scikit_image(folders, capsys):
    found, status = result(folders, capsys, "--protocol", "release2022")
    assert status == 0
    assert [image["name"] for image in found["pictures"]] == [name for name in NAMES if "_00_" in name]
    for image in found["pictures"]:
        pair = folders[0] / image["prediction"], folders[1] / image["truth"]
        a, b = (reading.read_image(path) // 257 for path in pair)
        a, b = a.astype(np.uint8), b.astype(np.uint8)
        assert image["psnr"] == pytest.approx(peak_signal_noise_ratio(b, a), abs=1e-10)
        assert image["ssim"] == pytest.approx(structural_similarity(a, b, channel_axis=2), abs=1e-10)
    mean = np.mean([image["psnr"] for image in found["pictures"]])
    assert found["mean"]["psnr"] == pytest.approx(mean, abs=1e-12)


def test_each_protocol_takes_its_own_pairs(folders, capsys):
    found = result(folders, capsys)[0]["protocols"]
    pairs = {name: row["pairs"] for name, row in found.items()}
    assert list(pairs) == [protocol.name for protocol in scoring.all_protocols()]
    assert pairs == {
        "release2022": 4,
        "paper2020": 3,
        "paper2020-gt": 3,
        "release2022-restricted": 3,
        "sid2018": 5,
        "aligned562": 3,
        "dnf88": 2,
        "mcr50": 3,
        "adu93": 4,
        "srgb-field": 5,
        "srgb-gt-mean": 5,
        "pmn-raw": 4,
        "eld-raw": 4,
    }
    assert {row["pairs_published"] for row in found.values()} == {50, 88, 92, 93, 562, 598}


def test_one_protocol_alone_gives_what_it_gives_among_all(folders, capsys):
    together = result(folders, capsys)[0]["protocols"]
    assert len(together) > 5
    for name in together:
        alone = result(folders, capsys, "--protocol", name)[0]["mean"]
        assert (alone["psnr"], alone["ssim"]) == (together[name]["psnr"], together[name]["ssim"])


def test_steps_of_the_waterfall_add_up_and_are_named(folders, capsys):
    found = result(folders, capsys)[0]
    means = found["protocols"]
    assert {fall["end"] for fall in found["waterfalls"]} == set(means) - {"release2022"}
    for fall in found["waterfalls"]:
        whole = means[fall["end"]][fall["quantity"]] - means["release2022"][fall["quantity"]]
        assert sum(step["part"] or 0 for step in fall["steps"]) == pytest.approx(whole, abs=1e-12)
        for step in fall["steps"]:
            assert (step["part"] is None) == (step["axis"] in scoring.GIVEN) == bool(step["note"])
        assert all(step["before"] != step["after"] for step in fall["steps"])
    dnf = next(fall for fall in found["waterfalls"] if (fall["end"], fall["quantity"]) == ("dnf88", "ssim"))
    assert [step["axis"] for step in dnf["steps"]] == ["subset", "input_clip", "quantise", "ssim"]
    assert all(step["part"] for step in dnf["steps"] if step["axis"] != "input_clip")


def test_what_cannot_change_has_no_part_and_says_so():
    start, end = image_protocols.get("paper2020-gt"), image_protocols.get("paper2020")
    fall = waterfall(start, end, "psnr", lambda protocol: 1.0 if protocol is start else 2.0, ("gain",))
    assert [(step.axis, step.part) for step in fall.steps] == [("gain", None)]
    assert fall.steps[0].note
    free = waterfall(start, end, "psnr", lambda protocol: 1.0 if protocol is start else 2.0)
    assert [(step.axis, step.part) for step in free.steps] == [("gain", 1.0)]


def test_a_quantity_that_only_some_protocols_have_is_a_dash_in_the_rows_of_the_others():
    start, *ends = map(image_protocols.get, ("release2022", "paper2020-gt", "pmn-raw"))
    falls = [
        waterfall(start, end, quantity, lambda protocol: 1.0 if protocol is start else 2.0)
        for end in ends
        for quantity in (("psnr", "lpips") if end is ends[0] else ("psnr",))
    ]
    *_, lpips = saving.waterfall_table(falls).columns
    cells = list(lpips.cells)
    own = cells.index("2.00000") + 1
    assert cells[0] == "1.00000"
    assert "–" not in cells[1:own]
    assert set(cells[own:]) == {"–"}, "no LPIPS under the raw protocol"


def test_files_are_written_and_the_same_on_every_run(folders, tmp_path):
    contents = []
    for name in ("one", "two"):
        assert run(folders, "--out", str(tmp_path / name)) == 0
        contents.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert set(contents[0]) == {
        "scores.json",
        "scores.csv",
        "waterfall.csv",
        "waterfall.png",
        "waterfall.svg",
    }
    assert contents[0] == contents[1]
    assert str(tmp_path).encode() not in contents[0]["scores.json"]


def test_the_table_prints_names_as_they_are_and_as_many_digits_as_logs_do(folders, capsys):
    shutil.copy(folders[0] / f"{NAMES[0]}.tif", folders[0] / "10003_[red]b.tif")
    assert run(folders, "--protocol", "release2022") == 0
    printed = capsys.readouterr().out
    mean = result(folders, capsys, "--protocol", "release2022")[0]["mean"]
    assert "10003_[red]b" in printed
    assert f" {mean['psnr']:.4f} " in printed
    assert f" {mean['ssim']:.5f} " in printed


def test_what_is_said_of_an_unreadable_file_is_the_same_on_every_run(folders, capsys):
    (folders[0] / "10003_00_0.05s.jpg").touch()
    first, second = (result(folders, capsys)[0]["failures"] for _ in range(2))
    assert first == second
    assert first == [
        "10003_00_0.05s: 10003_00_0.05s.jpg cannot be read (UnidentifiedImageError): write it again"
    ]


def test_identical_images_have_an_infinite_psnr_in_strict_json(folders, capsys):
    shutil.rmtree(folders[0])
    shutil.copytree(folders[1], folders[0])
    found, status = result(folders, capsys)
    assert status == 0
    assert found["mean"]["psnr"] == "inf"
    assert found["mean"]["ssim"] == 1
    assert run(folders) == 0
    assert "∞" in capsys.readouterr().out


def test_8_bits_are_compared_as_they_are(tmp_path, capsys):
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 256, (2, 20, 20, 3), np.uint8)
    for name, image in (("pred", a), ("truth", b)):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "chart.png", image)
    found = result((tmp_path / "pred", tmp_path / "truth"), capsys)[0]
    assert found["mean"]["psnr"] == pytest.approx(peak_signal_noise_ratio(b, a), abs=1e-10)
    altered = {name for name, one in image_protocols.load().items() if one.align != "none"}
    plain = {row["psnr"] for name, row in found["protocols"].items() if name not in altered}
    assert plain == {found["mean"]["psnr"]}


def test_jpeg_truths_serve_several_predictions(tmp_path, capsys):
    image = np.random.default_rng(3).integers(0, 256, (32, 32, 3), np.uint8)
    for folder, names in (("pred", NAMES[:2]), ("truth", ["10003"])):
        (tmp_path / folder).mkdir()
        for name in names:
            save(tmp_path / folder / f"{name}.jpg", image)
    found, status = result((tmp_path / "pred", tmp_path / "truth"), capsys)
    assert status == 0
    assert [image["truth"] for image in found["pictures"]] == ["10003.jpg"] * 2
    assert found["mean"]["psnr"] == "inf"


def test_every_mismatch_is_listed(folders, capsys):
    image = np.zeros((24, 31, 3), np.uint8)
    save(folders[0] / "10099_00_0.1s.png", image)
    save(folders[0] / "10003_00_0.1s.png", image)
    save(folders[1] / "10200.png", image)
    (folders[0] / "notes.txt").write_text("not an image")
    found, status = result(folders, capsys)
    assert status == 1
    assert sorted(line.split(":")[0] for line in found["unscored"]) == [
        "10003_00_0.1s.png",
        "10003_00_0.1s.tif",
        "10099_00_0.1s.png",
    ]
    assert sorted(line.split(":")[0] for line in found["unused"]) == ["10200.png", "notes.txt"]


def test_one_bad_file_does_not_stop_the_rest(folders, capsys):
    (folders[0] / f"{NAMES[0]}.tif").write_bytes(b"II*\0 half an image")
    save(folders[0] / f"{NAMES[1]}.tif", np.zeros((23, 31, 3), np.uint16))
    save(folders[0] / f"{NAMES[2]}.tif", np.zeros((24, 31, 4), np.uint16)[..., :3].astype(np.uint8))
    save(folders[0] / f"{NAMES[3]}.tif", np.zeros((24, 31, 3), np.float32))
    found, status = result(folders, capsys)
    assert status == 1
    assert [image["name"] for image in found["pictures"]] == ["10172_00_0.1s"]
    messages = "\n".join(found["failures"])
    assert len(found["failures"]) == 3
    assert "31x23" in messages
    assert "float32" in messages
    assert "cannot be read" in messages
    assert str(folders[0]) not in messages


@pytest.mark.parametrize(
    "damage", ["no folder", "empty", "no match", "all bad", "no such subset", "protocol", "out"]
)
def test_unusable_input_is_one_line_and_status_2(folders, tmp_path, damage, capsys):
    options = []
    if damage == "no folder":
        shutil.rmtree(folders[0])
    elif damage == "empty":
        shutil.rmtree(folders[1])
        folders[1].mkdir()
    elif damage == "no match":
        for path in folders[1].iterdir():
            path.rename(path.with_name(f"x{path.name}"))
    elif damage == "all bad":
        for path in folders[1].iterdir():
            path.write_bytes(b"no image")
    elif damage == "no such subset":
        for path in folders[0].iterdir():
            path.rename(path.with_name(path.name.replace("_00_", "_07_").replace("_01_", "_07_")))
        options = ["--protocol", "release2022"]
    elif damage == "protocol":
        options = ["--protocol", "release2021"]
    else:
        (tmp_path / "file").touch()
        options = ["--out", str(tmp_path / "file" / "out")]
    assert run(folders, *options) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("scored")]
    assert len(lines) == 1
    assert lines[0].startswith("llbench: ")


def test_a_name_that_is_not_sids_belongs_to_every_subset(tmp_path):
    for folder in ("pred", "truth"):
        (tmp_path / folder).mkdir()
        save(tmp_path / folder / "kitchen.png", np.zeros((8, 8, 3), np.uint8))
    found = reading.match(tmp_path / "pred", tmp_path / "truth").found
    assert [pair.pair for pair in found] == [None]
    assert reading.of_subset(found, "first-0.1s") == list(found)


def test_ambiguous_truths_are_refused(tmp_path):
    for folder, names in (("pred", ["1_a"]), ("truth", ["1_b", "1_c"])):
        (tmp_path / folder).mkdir()
        for name in names:
            save(tmp_path / folder / f"{name}.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(InputError, match=r"1_b\.png, 1_c\.png"):
        reading.match(tmp_path / "pred", tmp_path / "truth")
