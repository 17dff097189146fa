"""Made data sets: SID's layout, exact repetition, levels as in SID, and files that say what they are."""

import csv
import json
from importlib import resources

import numpy as np
import pytest
import rawpy
import tifffile

from bench.data.folder import manifest
from bench.data.folder.index import index
from bench.data.making import camera, camera_settings, make
from bench.data.making.noise_table import sony_a7s2
from llpacknet.errors import InputError
from llpacknet.raw.read import read_raw

SMALL = (96, 144)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("made")
    steps = []
    dataset = make.make(out, 2, 7, SMALL, progress=lambda done, total: steps.append((done, total)), threads=2)
    assert steps == [(k + 1, 10) for k in range(10)]
    return out, dataset


def contents(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*.DNG")}


def test_a_scene_has_a_long_exposure_and_ratios_100_250_300(folder):
    out, dataset = folder
    assert dataset.synthetic
    assert not dataset.problems
    for scene in {pair.scene for pair in dataset.pairs}:
        mine = [pair for pair in dataset.pairs if pair.scene == scene]
        assert {round(pair.ratio) for pair in mine if pair.frame == "00"} == {100, 250, 300}
        assert len(mine) == 4
        assert len(list((out / "Sony" / "long").glob(f"{scene}_*"))) == 1
        assert scene.startswith("1")


def test_the_same_seed_makes_the_same_bytes_on_one_thread(folder, tmp_path):
    out, _ = folder
    make.make(tmp_path / "again", 2, 7, SMALL, threads=1)
    assert contents(tmp_path / "again") == contents(out)
    assert (tmp_path / "again/manifest.json").read_bytes() == (out / "manifest.json").read_bytes()


def test_a_scene_is_the_same_in_a_longer_set_and_other_seeds_differ(folder, tmp_path):
    out, _ = folder
    make.make(tmp_path / "one", 1, 7, SMALL)
    assert contents(tmp_path / "one").items() <= contents(out).items()
    make.make(tmp_path / "other", 1, 8, SMALL)
    assert not set(contents(tmp_path / "other").values()) & set(contents(out).values())


def test_an_interrupted_set_is_completed_and_a_damaged_file_made_again(folder, tmp_path):
    out, _ = folder
    again = tmp_path / "again"

    def stop(done, total):
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make.make(again, 2, 7, SMALL, progress=stop, threads=1)
    damaged = next((again / "Sony/short").glob("11000*"))
    damaged.write_bytes(damaged.read_bytes()[:1000])
    make.make(again, 2, 7, SMALL)
    assert contents(again) == contents(out)


def test_a_folder_with_other_data_is_refused(folder, tmp_path):
    out, _ = folder
    with pytest.raises(InputError, match="contains other data"):
        make.make(out, 2, 8, SMALL)
    with pytest.raises(InputError, match="more scenes"):
        make.make(out, 1, 7, SMALL)
    with pytest.raises(InputError, match="contains other data"):
        make.make(out, 2, 7, SMALL, resume=False)
    (tmp_path / "Sony/short").mkdir(parents=True)
    (tmp_path / "Sony/short/10003_00_0.1s.ARW").write_bytes(b"raw")
    with pytest.raises(InputError, match="no manifest"):
        make.make(tmp_path, 1, 7, SMALL)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot create folders"):
        make.make(tmp_path / "file", 1, 7, SMALL)


@pytest.mark.parametrize("size", [(95, 144), (96, 143), (16, 144), (96, 99998)])
def test_impossible_sizes_are_refused(size, tmp_path):
    with pytest.raises(InputError, match="even sides"):
        make.make(tmp_path, 1, 7, size)


def test_files_and_manifest_say_how_they_were_made(folder):
    out, _ = folder
    listed = json.loads((out / "manifest.json").read_text())
    assert listed["synthetic"] is True
    assert listed["kind"] == "procedural"
    assert listed["parameters"]["seed"] == 7
    assert {entry["path"] for entry in listed["files"]} == {path.as_posix() for path in contents(out)}
    for entry in listed["files"]:
        assert manifest.digest(out / entry["path"]) == entry["sha256"]
        with tifffile.TiffFile(out / entry["path"]) as file:
            description = file.pages[0].tags["ImageDescription"].value
        about = json.loads(description.split(": ", 1)[1])
        assert description.startswith("Synthetic")
        assert about["seed"] == 7
        assert about["noise"]["gain"] == pytest.approx(about["iso"] * 9.563e-4)
        assert {key: entry[key] for key in about} == about


def test_long_exposures_hold_a_saturated_pixel_and_rawpy_reads_all(folder):
    _, dataset = folder
    for path in sorted({pair.long for pair in dataset.pairs}):
        with rawpy.imread(str(path)) as raw:
            assert raw.raw_image.shape == SMALL
            assert raw.raw_image.max() == 16383
            assert raw.black_level_per_channel == [512] * 4
            assert raw.white_level == 16383
            assert raw.postprocess(use_camera_wb=True).shape == (*SMALL, 3)


def test_frames_of_one_exposure_share_light_but_not_noise(folder):
    out, dataset = folder
    scene = dataset.pairs[0].scene
    first_s = next(pair.short_s for pair in dataset.pairs if pair.frame == "01")
    frames = []
    for number in ("00", "01"):
        with rawpy.imread(str(out / f"Sony/short/{scene}_{number}_{first_s:g}s.DNG")) as raw:
            frames.append(raw.raw_image.astype(np.float64))
    assert frames[0].mean() == pytest.approx(frames[1].mean(), rel=0.01)
    assert not np.array_equal(*frames)


def real_means():
    text = resources.files("bench.data").joinpath("facts/sid_test93.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    return {
        ratio: np.array([float(row["mean_dn_above_black"]) for row in rows if int(row["ratio"]) == ratio])
        for ratio in (100, 250, 300)
    }


def test_mean_levels_of_ninety_three_images_are_those_of_sid(tmp_path):
    dataset = make.make(tmp_path, 31, 0, (64, 96), extra_frames=0, threads=1)
    made = {100: [], 250: [], 300: []}
    for pair in dataset.pairs:
        with rawpy.imread(str(pair.short)) as raw:
            level = np.maximum(raw.raw_image.astype(np.float64) - 512, 0).mean()
        made[round(pair.ratio)].append(level)
    assert sum(map(len, made.values())) == 93
    for ratio, real in real_means().items():
        assert np.median(made[ratio]) == pytest.approx(np.median(real), rel=0.15)
        spread = np.log(made[ratio]).std() / np.log(real).std()
        assert 0.7 < spread < 1.4


def test_captures_go_through_sids_settings():
    drawn = [camera_settings.draw_capture(3, number) for number in range(50)]
    text = resources.files("bench.data").joinpath("facts/sid_test93.csv").read_text()
    rows = [row for row in csv.DictReader(text.splitlines()) if "_0.1s" in row["short"]]
    assert sorted(c.iso for c in drawn) == sorted(int(row["iso"]) for row in rows)
    assert sorted(c.f_number for c in drawn) == sorted(float(row["f_number"]) for row in rows)
    assert sum(c.long_s == 30 for c in drawn) == 21
    assert camera_settings.draw_capture(3, 17) == drawn[17]


def test_the_expected_mean_is_what_frames_have():
    from bench.data.making.camera import expose

    noise = sony_a7s2().at(6400)
    light = np.random.default_rng(0).gamma(0.5, 0.1, (400, 600)).astype(np.float32)
    frame = expose(light, 250.0, noise, np.random.default_rng(1))
    level = np.maximum(frame.astype(np.float64) - 512, 0).mean()
    assert camera_settings.expected_mean(light, 250.0, noise) == pytest.approx(level, rel=0.02)


def test_an_index_of_made_data_is_named_by_its_manifest(folder, tmp_path):
    out, dataset = folder
    assert dataset.name.startswith("made-")
    assert index(out).name == dataset.name


def test_under_stress_the_black_level_alone_is_off_one_offset_a_short_frame(tmp_path):
    plain = make.make(tmp_path / "plain", 1, 3, (64, 96))
    stress = make.make(tmp_path / "stress", 1, 3, (64, 96), black_offset=camera.BLACK_OFFSETS)
    assert plain.name.startswith("made-")
    assert stress.name.startswith("made-black-")
    offsets = set()
    for pair, other in zip(plain.pairs, stress.pairs, strict=True):
        assert pair.long.read_bytes() == other.long.read_bytes()
        moved = read_raw(other.short).mosaic.astype(int) - read_raw(pair.short).mosaic.astype(int)
        # The same light and noise, moved before it is rounded.
        assert moved.max() - moved.min() <= 1
        assert camera.BLACK_OFFSETS[0] - 0.1 <= moved.mean() <= camera.BLACK_OFFSETS[1] + 0.1
        offsets.add(round(float(moved.mean()), 2))
    assert len(offsets) == len(plain.pairs)
