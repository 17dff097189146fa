"""Reading: any Bayer phase becomes RGGB, what has no Bayer pattern or is damaged is refused in one line."""

import io

import numpy as np
import pytest
import rawpy
import tifffile

from llpacknet.errors import InputError
from llpacknet.raw.dng import A7S2_XYZ_TO_CAMERA, write_dng
from llpacknet.raw.read import SONY_WHITE, read_raw
from llpacknet.raw.render import render


def foreign_dng(
    path, mosaic, colours=(0, 1, 1, 2), side=2, active=None, extra=(), photometric="cfa", **options
):
    """A plain DNG that our own writer does not write: other patterns, margins, white balance missing."""
    tags = [
        (50706, 1, 4, bytes((1, 4, 0, 0)), True),
        (50707, 1, 4, bytes((1, 1, 0, 0)), True),
        (50708, 2, 0, "Test camera", True),
        (50717, 4, 1, 4095, True),
        *extra,
    ]
    if photometric == "cfa":
        tags += [(33421, 3, 2, (side, side), True), (33422, 1, side * side, bytes(colours), True)]
    if active:
        tags.append((50829, 4, 4, active, True))
    tifffile.imwrite(path, mosaic, photometric=photometric, extratags=tags, metadata=None, **options)
    return path


def monochrome_dng(path, mosaic):
    foreign_dng(path, mosaic, photometric="minisblack")
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages[0].tags[262].overwrite(34892)  # linear raw, one sample
    return path


def numbered(height, width):
    return (np.arange(height * width, dtype=np.uint32) % 4000).astype(np.uint16).reshape(height, width)


@pytest.mark.parametrize(
    ("pattern", "down", "right"), [("RGGB", 0, 0), ("GRBG", 0, 1), ("GBRG", 1, 0), ("BGGR", 1, 1)]
)
def test_every_phase_is_aligned_to_rggb(tmp_path, pattern, down, right):
    mosaic = numbered(40, 48)
    levels = [100, 101, 102, 103]
    write_dng(
        tmp_path / "a.dng", mosaic, pattern=pattern, black=levels, white=4095, white_balance=(2, 1, 1.5)
    )
    frame = read_raw(tmp_path / "a.dng")
    assert np.array_equal(frame.mosaic, mosaic[down : 40 - down, right : 48 - right])
    red = pattern.index("R")
    assert frame.black.tolist() == [levels[red ^ position] for position in range(4)]
    assert frame.white_balance == pytest.approx([2, 1, 1, 1.5], rel=1e-6)


@pytest.mark.parametrize("margin", [(0, 0), (1, 0), (0, 1), (1, 1), (2, 3), (2, 2)])
def test_the_phase_is_that_of_the_visible_frame(tmp_path, margin):
    """DNG's pattern is counted from the active area; LibRaw hides a row or column more if that is odd."""
    mosaic = numbered(50, 60)
    top, left = margin
    path = foreign_dng(tmp_path / "a.dng", mosaic, active=(top, left, top + 44, left + 52))
    rows, columns = slice(top + 2 * (top % 2), top + 44), slice(left + 2 * (left % 2), left + 52)
    assert np.array_equal(read_raw(path).mosaic, mosaic[rows, columns])
    assert render(path).shape == (*read_raw(path).mosaic.shape, 3)


def test_levels_and_colour_of_our_own_files(tmp_path):
    write_dng(tmp_path / "a.dng", numbered(32, 32), orientation=8)
    frame = read_raw(tmp_path / "a.dng")
    assert frame.mosaic.shape == (32, 32)
    assert frame.mosaic.flags["C_CONTIGUOUS"]
    assert frame.black.tolist() == [512] * 4
    assert frame.white == 16383
    assert frame.xyz_to_camera == pytest.approx(A7S2_XYZ_TO_CAMERA, abs=2e-4)
    assert frame.color_matrix.sum(1) == pytest.approx(np.ones(3))
    with rawpy.imread(str(tmp_path / "a.dng")) as raw:
        assert frame.color_matrix == pytest.approx(raw.color_matrix[:, :3], abs=1e-5)
    assert frame.flip == 5
    assert frame.path == tmp_path / "a.dng"


def test_missing_white_balance_and_matrix_have_defaults(tmp_path):
    frame = read_raw(foreign_dng(tmp_path / "a.dng", numbered(32, 32)))
    assert frame.white_balance[1] == 1
    assert np.isfinite(frame.white_balance).all()
    assert (frame.white_balance > 0).all()
    assert np.isfinite(frame.color_matrix).all()


def test_arw_saturates_where_the_protocols_say(tmp_path):
    """LibRaw names the end of Sony's tone curve for compressed ARW; the protocols divide by 16383 - 512."""
    stream = io.BytesIO()
    write_dng(stream, numbered(32, 32), white=17220)
    for name, white in (("a.ARW", SONY_WHITE), ("a.dng", 17220)):
        (tmp_path / name).write_bytes(stream.getvalue())
        assert read_raw(tmp_path / name).white == white


X_TRANS = [int(colour) for colour in "110112112110201021112110110112021201"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: foreign_dng(path, numbered(48, 48), X_TRANS, 6), "X-Trans|Bayer"),
        (lambda path: monochrome_dng(path, numbered(48, 48)), "Bayer"),
        (lambda path: foreign_dng(path, np.zeros((48, 48, 3), np.uint16), photometric=34892), "Bayer"),
        (lambda path: foreign_dng(path, numbered(48, 48), (0, 0, 1, 2)), "Bayer"),
        (lambda path: foreign_dng(path, numbered(48, 47)), "odd-sized mosaic of 48x47"),
        (lambda path: foreign_dng(path, numbered(47, 48)), "odd-sized mosaic of 47x48"),
    ],
    ids=["x-trans", "monochrome", "linear", "not-bayer", "odd-width", "odd-height"],
)
def test_what_cannot_be_restored_is_refused(tmp_path, make, words):
    path = make(tmp_path / "a.dng")
    with pytest.raises(InputError, match=words) as caught:
        read_raw(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
