"""Redarked photographs: rendering the long exposure returns them; CSV files and damage get clear answers."""

import json

import imagecodecs
import numpy as np
import pytest
import rawpy
import tifffile
from PIL import Image
from skimage import data

from bench.cli import main
from bench.data.making.exposures import scene_ids
from bench.data.making.redark import redark
from llpacknet.errors import InputError
from llpacknet.raw.render import render

CSV = "photo,short_s,long_s,iso\n"


def save(folder, name, image):
    path = folder / name
    if path.suffix in (".tif", ".tiff"):
        tifffile.imwrite(path, image, photometric="rgb" if image.ndim == 3 else None)
    elif image.dtype == np.uint16:
        path.write_bytes(imagecodecs.png_encode(image))
    else:
        Image.fromarray(image).save(path)
    return path


def cat():
    return np.ascontiguousarray(data.chelsea()[:200, :300])


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


def csv(tmp_path, text):
    path = tmp_path / "exposures.csv"
    path.write_text(text)
    return path


def psnr(a, b):
    return -10 * np.log10(((a - b) ** 2).mean())


@pytest.mark.parametrize("source", ["chelsea", "coffee", "rocket", "astronaut"])
@pytest.mark.parametrize("wb", [(2.09, 2.43), (1.8, 2.93)])
def test_the_rendered_long_exposure_is_the_photograph(source, wb, photos, tmp_path):
    # Half size: a photograph off a camera holds no detail as fine as its mosaic, and so it comes back.
    image = getattr(data, source)()
    height, width = image.shape[0] // 4 * 4, image.shape[1] // 4 * 4
    soft = image[:height, :width].reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
    large = np.asarray(
        Image.fromarray(np.rint(soft).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    )
    save(photos, "10054.png", large)
    rows = csv(tmp_path, f"photo,short_s,long_s,iso,wb_r,wb_b\n10054,0.1,10,250,{wb[0]},{wb[1]}\n")
    dataset = redark(photos, tmp_path / "out", rows, 1, noise=False)
    back = render(dataset.pairs[0].long) / 65535
    assert psnr(back, large / 255) >= 38


def test_without_a_csv_every_photograph_is_exposed_as_in_sid(photos, tmp_path):
    for name in ("dog.jpg", "10217.png", "zebra.tif"):
        save(photos, name, cat())
    (photos / "notes.txt").write_text("not a photograph")
    dataset = redark(photos, tmp_path / "out", seed=3)
    assert {pair.scene for pair in dataset.pairs} == {"10217", "11000", "11001"}
    assert all(pair.long_s in (10, 30) for pair in dataset.pairs)
    assert {round(pair.ratio) for pair in dataset.pairs} == {100, 250, 300}
    listed = json.loads((tmp_path / "out/manifest.json").read_text())
    sources = {entry["scene"]: entry["source"] for entry in listed["files"]}
    assert sources == {"10217": "10217.png", "11000": "dog.jpg", "11001": "zebra.tif"}
    assert dataset.name.startswith("redark-")
    assert dataset.synthetic


def test_rows_become_frames_and_twice_the_same_row_two_frames(photos, tmp_path):
    save(photos, "10054.png", cat())
    rows = CSV + "10054.png,0.1,10,250\n10054,0.04,10,250\n10054,0.1,10,250\n"
    dataset = redark(photos, tmp_path / "out", csv(tmp_path, rows), 1)
    assert [pair.name for pair in dataset.pairs] == ["10054_00_0.04s", "10054_00_0.1s", "10054_01_0.1s"]
    assert [pair.long.name for pair in dataset.pairs] == ["10054_00_10s.DNG"] * 3


def test_the_same_seed_gives_the_same_bytes_whatever_else_lies_in_the_folder(photos, tmp_path):
    save(photos, "10054.png", cat())
    redark(photos, tmp_path / "a", seed=5, threads=1)
    first = {path.name: path.read_bytes() for path in (tmp_path / "a").rglob("10054*")}
    redark(photos, tmp_path / "b", seed=5, threads=2)
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "b").rglob("10054*")}
    redark(photos, tmp_path / "c", seed=6)
    other = {path.read_bytes() for path in (tmp_path / "c").rglob("10054*")}
    assert not other & set(first.values())


def test_sixteen_bits_are_kept_grey_is_repeated_and_odd_sides_are_cropped(photos, tmp_path):
    ramp = np.linspace(3000, 3200, 101 * 151).reshape(101, 151).astype(np.uint16)
    for name in ("10001.tiff", "10002.png"):
        save(photos, name, np.repeat(ramp[..., None], 3, axis=2))
    save(photos, "10003.tif", ramp)
    rows = CSV + "".join(f"1000{k},0.1,10,100\n" for k in (1, 2, 3))
    dataset = redark(photos, tmp_path / "out", csv(tmp_path, rows), noise=False)
    raws = []
    for pair in dataset.pairs:
        with rawpy.imread(str(pair.long)) as raw:
            raws.append(raw.raw_image.copy())
    assert raws[0].shape == (100, 150)
    for other in raws[1:]:
        differing = raws[0] != other
        assert differing.sum() <= 2, "each has its own saturated pixel"
        assert {*raws[0][differing], *other[differing]} >= {16383}
    # Of eight bits, only one value of green would be left in this ramp.
    assert len(np.unique(raws[0][0::2, 1::2])) > 10


def test_a_changed_photograph_is_exposed_anew_and_a_removed_one_goes(photos, tmp_path):
    save(photos, "10001.png", cat())
    save(photos, "10002.png", cat())
    out = tmp_path / "out"
    redark(photos, out, seed=1)
    before = {path.name: path.read_bytes() for path in out.rglob("*.DNG")}
    save(photos, "10001.png", cat()[:, ::-1].copy())
    (photos / "10002.png").unlink()
    dataset = redark(photos, out, seed=1)
    after = {path.name: path.read_bytes() for path in out.rglob("*.DNG")}
    assert {pair.scene for pair in dataset.pairs} == {"10001"}
    assert all(after[name] != before[name] for name in after)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("photo,short_s,iso\nx,1,100\n", "lacks the column long_s"),
        (CSV, "has no row"),
        (CSV + "10054,0.1,10,250\nmissing,0.1,10,250\n", "row 3: there is no photograph 'missing'"),
        (CSV + "10054,abc,10,250\n", "row 2: short_s is 'abc'"),
        (CSV + "10054,,10,250\n", "row 2: short_s is ''"),
        (CSV + "10054,-1,10,250\n", "row 2: short_s is -1"),
        (CSV + "10054,nan,10,250\n", "row 2: short_s is nan"),
        (CSV + "10054,20,10,250\n", "row 2: short_s 20 exceeds long_s 10"),
        (CSV + "10054,10,10,250\n", "row 2: short_s equals long_s"),
        (CSV + "10054,0.1,10,51200\n", "row 2: ISO 51200"),
        (CSV + "10054,0.1,10,250.5\n", "row 2: iso 250.5"),
        (CSV + "10054,0.1,10\n", "row 2: iso is ''"),
        (CSV + "10054,0.1,10,250\n10054,0.1,30,250\n", "row 3: long_s, iso or white balance"),
        ("photo,short_s,long_s,iso,wb_r\n10054,0.1,10,250,warm\n", "row 2: wb_r is 'warm'"),
    ],
)
def test_unusable_exposures_are_named_with_their_row(rows, message, photos, tmp_path):
    save(photos, "10054.png", cat())
    with pytest.raises(InputError, match=message):
        redark(photos, tmp_path / "out", csv(tmp_path, rows))
    assert not (tmp_path / "out").exists()


def test_unusable_photographs_are_named(photos, tmp_path):
    with pytest.raises(InputError, match="contains no photographs"):
        redark(photos, tmp_path / "out")
    with pytest.raises(InputError, match="not a folder"):
        redark(photos / "none", tmp_path / "out")
    save(photos, "a.png", cat())
    with pytest.raises(InputError, match="cannot read exposures"):
        redark(photos, tmp_path / "out", tmp_path / "none.csv")
    save(photos, "a.jpg", cat())
    with pytest.raises(InputError, match="same name"):
        redark(photos, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.jpg", b""), ("a.png", b"\x89PNG\r\n\x1a\nnonsense"), ("a.tif", b"II*\0junk"), ("a.jpeg", b"text")],
)
def test_a_damaged_photograph_is_named(name, content, photos, tmp_path):
    (photos / name).write_bytes(content)
    with pytest.raises(InputError, match=f"cannot read photograph .*{name}"):
        redark(photos, tmp_path / "out")


@pytest.mark.parametrize("seed", range(3))
def test_bad_photographs_are_named_and_the_others_are_exposed_as_without_them(seed, photos, tmp_path, capsys):
    """Any of several, damaged in any way; what was made of one that went bad goes."""
    rng = np.random.default_rng(seed)
    names = [f"1000{number}.png" for number in range(4)]
    for name in names:
        save(photos, name, cat())
    arguments = ["data", "redark", str(photos), "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*.DNG")}
    bad = rng.choice(names, rng.integers(1, 4), replace=False)
    for name in bad:
        whole = (photos / name).read_bytes()
        contents = b"", whole[: rng.integers(1, len(whole) // 2)], rng.bytes(300), whole[:8]
        (photos / name).write_bytes(contents[rng.integers(4)])
    capsys.readouterr()
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == said.count("llbench: skipped: ") == len(bad)
    assert all(name in said for name in bad)
    after = {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*.DNG")}
    assert after == {name: content for name, content in before.items() if f"{name[:5]}.png" not in bad}


def test_a_folder_of_bad_photographs_alone_is_one_error(photos, tmp_path, capsys):
    (photos / "a.png").write_bytes(b"text")
    assert main(["data", "redark", str(photos), "--out", str(tmp_path / "out")]) == 2
    assert "no photograph in" in capsys.readouterr().err.splitlines()[-1]


def test_images_that_are_no_photographs_are_refused(photos, tmp_path):
    save(photos, "a.tif", np.zeros((40, 40, 3), np.float32))
    with pytest.raises(InputError, match="float32"):
        redark(photos, tmp_path / "out")
    (photos / "a.tif").unlink()
    save(photos, "a.png", cat()[:10, :10].copy())
    with pytest.raises(InputError, match="10x10"):
        redark(photos, tmp_path / "out")


def test_ids_are_kept_where_a_name_is_one():
    names = ["10054", "cat", "11000", "1234", "123456", "dog"]
    assert list(scene_ids(names).values()) == ["10054", "11001", "11000", "11002", "11003", "11004"]
