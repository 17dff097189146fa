"""What an index makes of a folder: pairs, names that do not depend on the place, and refusals."""

import csv
import json
import os
import random
from importlib import resources

import numpy as np
import pytest

from bench.cli import main
from bench.data.folder.index import index
from bench.data.folder.subsets import deviations
from llpacknet.errors import InputError
from llpacknet.raw.dng import write_dng

SHORTS = ["10003_00_0.04s.ARW", "10003_00_0.1s.ARW", "10003_01_0.1s.arw", "20001_00_0.033s.DNG"]
LONGS = ["10003_00_10s.ARW", "20001_00_10s.DNG"]


def lay_out(root, shorts=SHORTS, longs=LONGS, base="Sony"):
    for kind, names in (("short", shorts), ("long", longs)):
        folder = root / base / kind
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_bytes(b"raw")
    return root


@pytest.mark.parametrize("base", ["Sony", "."])
def test_pairs_by_scene_with_the_ratio_of_the_names(tmp_path, base):
    found = index(lay_out(tmp_path, base=base))
    assert [pair.name for pair in found.pairs] == [
        "10003_00_0.04s", "10003_00_0.1s", "10003_01_0.1s", "20001_00_0.033s",
    ]  # fmt: skip
    assert [pair.ratio for pair in found.pairs] == [250, 100, 100, 300]
    assert [pair.long.name for pair in found.pairs] == [LONGS[0]] * 3 + [LONGS[1]]
    assert found.problems == ()
    assert not found.synthetic


def test_the_name_does_not_depend_on_the_place(tmp_path):
    first, second = index(lay_out(tmp_path / "a")), index(lay_out(tmp_path / "b", base="."))
    assert first.name == second.name
    assert first.name.startswith("folder-")
    assert index(lay_out(tmp_path / "c", shorts=SHORTS[1:])).name != first.name


@pytest.mark.parametrize(("kind", "start"), [("procedural", "made-"), ("redark", "redark-")])
def test_made_data_are_named_by_their_manifest(tmp_path, kind, start):
    lay_out(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"schema": 1, "kind": kind, "seed": 3, "files": []}))
    found = index(tmp_path)
    assert found.synthetic
    assert found.name.startswith(start)
    assert index(tmp_path / "Sony").name == found.name
    (tmp_path / "manifest.json").write_text(json.dumps({"schema": 1, "kind": kind, "seed": 4, "files": []}))
    assert index(tmp_path).name != found.name


@pytest.mark.parametrize("content", ["not json", "[]", '{"kind": "holiday"}', "[" * 100_000])
def test_a_foreign_manifest_is_a_problem_not_a_crash(tmp_path, content):
    lay_out(tmp_path)
    (tmp_path / "manifest.json").write_text(content)
    found = index(tmp_path)
    assert "manifest.json" in found.problems[0]
    assert found.name.startswith("folder-")


def test_files_that_say_they_were_made_are_synthetic_without_a_manifest(tmp_path):
    lay_out(tmp_path)
    write_dng(tmp_path / "Sony" / "long" / LONGS[0], np.full((32, 32), 600, np.uint16))
    assert index(tmp_path).synthetic


def test_the_whole_test_list_is_recognised_as_sid(tmp_path):
    """598 test pairs of 50 scenes, 93 of them first frames: 182, 180 and 236 at ratios 100, 250 and 300."""
    with (resources.files("bench.data") / "facts" / "sid_test93.csv").open() as file:
        rows = list(csv.DictReader(file))
    shorts = [row["short"] for row in rows]
    for ratio, pairs in (("100", 182), ("250", 180), ("300", 236)):
        firsts = [row["short"] for row in rows if row["ratio"] == ratio]
        more = (name.replace("_00_", f"_{frame:02d}_") for frame in range(1, 9) for name in firsts)
        shorts += list(more)[: pairs - len(firsts)]
    longs = sorted({row["long"] for row in rows})
    found = index(lay_out(tmp_path, shorts, longs))
    assert found.name == "sid-sony"
    assert not any("subset all" in line or "subset first" in line for line in deviations(found.pairs))


def test_what_cannot_be_paired_is_listed_and_the_rest_kept(tmp_path):
    root = lay_out(
        tmp_path / "set",
        [*SHORTS, "10006_00_0.1s.ARW", "10006_01_0.1s.ARW", "IMG_1234.ARW", "10003_00_0s.ARW"],
    )
    short = root / "Sony" / "short"
    (tmp_path / "outside.ARW").write_bytes(b"secret")
    (short / "10003_02_0.1s.ARW").symlink_to(tmp_path / "outside.ARW")
    (short / "10003_03_0.1s.ARW").mkdir()
    os.mkfifo(short / "10003_04_0.1s.ARW")
    (short / "10003_05_0.1s.ARW").symlink_to(short / "nowhere.ARW")
    (short / "10003_06_0.1s.ARW").symlink_to(short / SHORTS[0])
    (short / ".DS_Store").write_bytes(b"")
    (root / "Sony" / "long" / "10003_00_30s.ARW").write_bytes(b"raw")
    found = index(root)
    followed = ["10003_02_0.1s", "10003_06_0.1s"]
    assert [pair.name for pair in found.pairs if pair.frame > "01"] == followed
    assert len(found.pairs) == 6
    text = "\n".join(found.problems)
    for words in (
        "10003_03_0.1s.ARW: not a file",
        "10003_04_0.1s.ARW: not a file",
        "10003_05_0.1s.ARW: not a file",
        "IMG_1234.ARW: not a name",
        "exposure time of zero",
        "scene 10006: short exposures (2) but no long one",
        "scene 10003 already has 10003_00_30s.ARW",
    ):
        assert words in text
    assert len(found.problems) == 7


def test_one_name_with_two_suffixes_is_one_pair(tmp_path):
    found = index(lay_out(tmp_path, [*SHORTS, "10003_00_0.1s.DNG"]))
    assert len({pair.name for pair in found.pairs}) == len(found.pairs) == 4
    (problem,) = found.problems
    assert "10003_00_0.1s.DNG" in problem


def test_unusable_folders_are_refused_in_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"")
    lay_out(tmp_path / "bare", [], [])
    lay_out(tmp_path / "foreign", ["IMG_1.ARW"], ["IMG_2.ARW"])
    lay_out(tmp_path / "alone", longs=[])
    for name, words in {
        "missing": "does not exist",
        "empty": "is empty",
        "file": "is not a folder",
        "photos": "not in SID's layout",
        "bare": "no raw file",
        "foreign": "not a name like SID's",
        "alone": "no long one",
    }.items():
        with pytest.raises(InputError, match=words) as caught:
            index(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)


def test_a_list_file_filters_and_cannot_point_outside(tmp_path):
    lay_out(tmp_path)
    listing = tmp_path / "Sony_test_list.txt"
    listing.write_text(
        "./Sony/short/10003_00_0.1s.ARW ./Sony/long/10003_00_10s.ARW ISO200 F9\n"
        "./Sony/short/10003_07_0.1s.ARW ./Sony/long/10003_00_10s.ARW ISO200 F9\n"
        "../../etc/short/10003_01_0.1s.arw ./Sony/long/10003_00_10s.ARW ISO200 F9\n"
        "/Sony/short/10003_00_0.04s.ARW /Sony/long/10003_00_10s.ARW ISO200 F9\n"
        "\nnonsense\n"
    )
    found = index(tmp_path, listing)
    assert [pair.name for pair in found.pairs] == ["10003_00_0.1s"]
    assert sum(f"{listing}:" in problem for problem in found.problems) == 4
    assert any("1 of its 2 pairs are missing, first 10003_07_0.1s" in problem for problem in found.problems)
    for content in (b"", b"\xff\xfe\x00", b"../a ../b\n"):
        listing.write_bytes(content)
        with pytest.raises(InputError, match="list"):
            index(tmp_path, listing)


def test_a_folder_that_may_not_be_read_is_one_line(tmp_path, capfd):
    lay_out(tmp_path)
    assert main(["data", "index", str(tmp_path)]) == 0
    (tmp_path / "Sony").chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        status = main(["data", "index", str(tmp_path)])
    finally:
        if root:
            os.seteuid(0)
        (tmp_path / "Sony").chmod(0o700)
    said = capfd.readouterr().err
    assert status == 2
    assert said.count("\n") == 1
    assert "Permission denied" in said
    assert str(tmp_path) in said


def test_links_of_ones_own_are_followed_whether_to_files_or_to_a_folder(tmp_path):
    """As caches of downloads keep files by their contents, and as folders are brought from another disk."""
    whole = lay_out(tmp_path / "elsewhere")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "Sony").symlink_to(whole / "Sony")
    (tmp_path / "blobs").mkdir()
    for number, path in enumerate(sorted(whole.rglob("*s.*"))):
        link = tmp_path / "hub" / path.relative_to(whole)
        link.parent.mkdir(parents=True, exist_ok=True)
        path.rename(tmp_path / "blobs" / str(number))
        link.symlink_to(tmp_path / "blobs" / str(number))
        path.symlink_to(tmp_path / "blobs" / str(number))
    names = [pair.name for pair in index(whole).pairs]
    for name in ("linked", "hub"):
        found = index(tmp_path / name)
        assert [pair.name for pair in found.pairs] == names
        assert found.problems == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link away")
def test_a_strangers_link_is_not_followed(tmp_path):
    root = lay_out(tmp_path / "set")
    link = root / "Sony" / "short" / "10003_09_0.1s.ARW"
    (tmp_path / "secret").write_bytes(b"secret")
    link.symlink_to(tmp_path / "secret")
    os.chown(link, 4242, 4242, follow_symlinks=False)
    (problem,) = index(root).problems
    assert "10003_09_0.1s.ARW: a link out of the data set created by another user" in problem


def test_a_short_exposure_that_is_its_own_long_one_is_left_out(tmp_path):
    root = lay_out(tmp_path / "set")
    short = root / "Sony" / "short" / SHORTS[0]
    long = next(path for path in (root / "Sony" / "long").iterdir() if path.name[:5] == SHORTS[0][:5])
    short.unlink()
    short.hardlink_to(long)
    (problem,) = index(root).problems
    assert "identical to" in problem


SEPARATORS = (" ", ";", ",", "\t", " ; ")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "latin-1")


@pytest.mark.parametrize("seed", range(16))
def test_a_list_that_other_systems_edited_is_the_same_list(tmp_path, seed):
    rng = random.Random(seed)
    lay_out(tmp_path)
    end, separator = rng.choice(["\n", "\r\n", "\r"]), SEPARATORS[seed % len(SEPARATORS)]
    slash, quote = rng.choice(["/", "\\"]), rng.choice(["", '"'])
    words = ["./Sony/short/10003_00_0.1s.ARW", "./Sony/long/10003_00_10s.ARW", "ISO200", "F9"]
    line = separator.join(f"{quote}{word.replace('/', slash)}{quote}" for word in words)
    encoding = ENCODINGS[seed % len(ENCODINGS)]
    remark = "# Nächte" if encoding != "utf-8" else ""
    (tmp_path / "list.txt").write_bytes(f"{line}{end}{remark}{end}".encode(encoding))
    assert [pair.name for pair in index(tmp_path, tmp_path / "list.txt").pairs] == ["10003_00_0.1s"]
