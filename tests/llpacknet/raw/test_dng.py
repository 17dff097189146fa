"""Written DNG files: the intended mosaic exactly, in two independent readers, in the same bytes always."""

import hashlib
import io
import time

import imagecodecs
import numpy as np
import pytest
import rawpy
import tifffile

from llpacknet.errors import InputError
from llpacknet.raw.dng import CAMERA, SMALLEST_SIDE, write_dng


def dng(mosaic, **options):
    stream = io.BytesIO()
    write_dng(stream, mosaic, **options)
    stream.seek(0)
    return stream


def random_mosaic(height, width, top=16384, seed=0):
    return np.random.default_rng(seed).integers(0, top, (height, width), np.uint16)


def night(height, width):
    """Poisson noise over black, as a short exposure has it."""
    rng = np.random.default_rng(3)
    return np.clip(np.rint(512 + rng.poisson(20, (height, width)) / 5), 0, 16383).astype(np.uint16)


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("size", [(SMALLEST_SIDE, SMALLEST_SIDE), (24, 34), (30, 32), (100, 26), (128, 192)])
def test_two_readers_return_the_mosaic(size, compress):
    mosaics = [night(*size), random_mosaic(*size), random_mosaic(*size, 65536)]
    mosaics += [np.full(size, value, np.uint16) for value in (0, 512, 16383, 65535)]
    mosaics += [np.where(random_mosaic(*size) % 2, 65535, 0).astype(np.uint16)]
    for mosaic in mosaics:
        written = dng(mosaic, white=65535, compress=compress)
        with rawpy.imread(written) as raw:
            assert np.array_equal(raw.raw_image_visible, mosaic)
        written.seek(0)
        assert np.array_equal(tifffile.imread(written), mosaic)


def test_full_resolution_is_exact_in_both_readers_and_small(tmp_path):
    mosaic = night(2848, 4256)
    write_dng(tmp_path / "full.dng", mosaic)
    with rawpy.imread(str(tmp_path / "full.dng")) as raw:
        assert np.array_equal(raw.raw_image_visible, mosaic)
    assert np.array_equal(tifffile.imread(tmp_path / "full.dng"), mosaic)
    assert (tmp_path / "full.dng").stat().st_size < mosaic.nbytes / 4


def test_levels_colour_and_orientation_arrive():
    written = dng(
        random_mosaic(32, 32),
        black=(510, 511, 513, 514),
        white=15000,
        white_balance=(1.8, 1, 2.5),
        orientation=6,
    )
    with rawpy.imread(written) as raw:
        by_colour = dict(zip("RGBg", raw.black_level_per_channel, strict=True))
        assert by_colour == {"R": 510, "G": 511, "g": 513, "B": 514}
        assert raw.white_level == 15000
        assert raw.camera_whitebalance[:3] == pytest.approx([1.8, 1, 2.5], rel=1e-6)
        assert raw.sizes.flip == 6
        published = [
            [1.9712269, -0.6789218, -0.2923051],
            [-0.2910482, 1.748401, -0.4573529],
            [0.0205128, -0.5380369, 1.5175241],
        ]
        assert raw.color_matrix[:, :3] == pytest.approx(np.array(published), abs=1e-4)


@pytest.mark.parametrize("pattern", ["RGGB", "GRBG", "GBRG", "BGGR"])
def test_the_pattern_arrives(pattern):
    with rawpy.imread(dng(random_mosaic(32, 32), pattern=pattern)) as raw:
        assert "".join("RGBG"[raw.raw_color(*divmod(index, 2))] for index in range(4)) == pattern


def test_it_says_that_it_is_synthetic_and_how_it_was_taken():
    written = dng(random_mosaic(32, 32), exposure_s=1 / 30, iso=1600, description="scène 3 {seed: 7}")
    with tifffile.TiffFile(written) as tiff:
        tags = {tag.code: tag.value for tag in tiff.pages[0].tags}
    assert tags[50708] == CAMERA
    assert "ynthetic" in tags[272]
    assert tags[270] == r"sc\xe8ne 3 {seed: 7}"
    assert tags[34855] == 1600
    assert tags[33434][0] / tags[33434][1] == pytest.approx(1 / 30, abs=1e-6)
    assert bytes(tags[50972]) == hashlib.md5(random_mosaic(32, 32).astype("<u2").tobytes()).digest()


def test_the_same_arguments_give_the_same_bytes(tmp_path, monkeypatch):
    mosaic = night(64, 64)
    first = dng(mosaic, iso=200).getvalue()
    monkeypatch.setattr(time, "time", lambda: 2e9)
    write_dng(tmp_path / "again.dng", mosaic, iso=200)
    assert (tmp_path / "again.dng").read_bytes() == first
    assert list(tmp_path.iterdir()) == [tmp_path / "again.dng"]


def test_pairing_rows_beats_the_plain_layout():
    """Predicted from its own colour, a mosaic with different channels takes fewer bytes."""
    mosaic = night(128, 128)
    mosaic[0::2, 0::2] += 700
    assert len(dng(mosaic).getvalue()) < 0.9 * len(imagecodecs.ljpeg_encode(mosaic, bitspersample=14))


@pytest.mark.parametrize(
    "mosaic",
    [
        np.zeros((33, 32), np.uint16),
        np.zeros((32, 33), np.uint16),
        np.zeros((20, 32), np.uint16),
        np.zeros((32, 32), np.float32),
        np.zeros((32, 32, 3), np.uint16),
    ],
)
def test_what_no_reader_would_take_is_refused(mosaic, tmp_path):
    with pytest.raises(InputError, match="even sides"):
        write_dng(tmp_path / "a.dng", mosaic)
    assert not list(tmp_path.iterdir())
