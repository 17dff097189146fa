"""An image is read as it is meant: upright, in sRGB, opaque; or it is refused by name. All readers agree."""

import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from bench.data.decode import image_file
from bench.data.making.photographs import read_photograph
from bench.score.reading import read_image
from bench.train import photo_pool
from llpacknet.errors import InputError


def stored(image, orientation):
    """Pixels as a camera stores them that says this orientation: by EXIF's definition, place by place."""
    height, width = image.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    row = {1: rows, 2: rows, 3: height - 1 - rows, 4: height - 1 - rows}
    row |= {5: columns, 6: width - 1 - columns, 7: width - 1 - columns, 8: columns}
    column = {1: columns, 2: width - 1 - columns, 3: width - 1 - columns, 4: columns}
    column |= {5: rows, 6: rows, 7: height - 1 - rows, 8: height - 1 - rows}
    out = np.empty((width, height, 3) if orientation > 4 else image.shape, image.dtype)
    out[row[orientation], column[orientation]] = image
    return out


def image(seed, kind=np.uint8):
    rng = np.random.default_rng(seed)
    sides = rng.integers(5, 40, 2)
    return rng.integers(0, np.iinfo(kind).max + 1, (*sides, 3), kind)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_every_orientation_becomes_upright(tmp_path, orientation, suffix):
    path, meant = tmp_path / f"a{suffix}", image(orientation)
    pixels = stored(meant, orientation)
    if suffix == ".tif":
        tifffile.imwrite(path, pixels, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    else:
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(pixels).save(path, quality=100, subsampling=0, exif=exif)
    found = image_file.read(path)
    assert found.shape == meant.shape
    assert np.abs(found.astype(int) - meant).mean() < (3 if suffix == ".jpg" else 0.001)


def in_space(image, primaries, gamma):
    """An sRGB image in the space of some primaries and a gamma under D65, uint16, and its ICC profile."""
    white = np.array([0.3127, 0.3290, 1 - 0.3127 - 0.3290]) / 0.3290

    def to_xyz(places):
        columns = np.array([[x, y, 1 - x - y] for x, y in zip(places[::2], places[1::2], strict=True)]).T
        return columns * np.linalg.solve(columns, white)

    v = image / np.iinfo(image.dtype).max
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    srgb = to_xyz((0.64, 0.33, 0.30, 0.60, 0.15, 0.06))
    wide = linear @ (np.linalg.inv(to_xyz(primaries)) @ srgb).T
    encoded = np.rint(65535 * np.clip(wide, 0, 1) ** (1 / gamma)).astype(np.uint16)
    profile = imagecodecs.cms_profile(
        "rgb", whitepoint=[0.3127, 0.3290, 1.0], primaries=primaries, gamma=gamma
    )
    return encoded, bytes(profile)


@pytest.mark.parametrize("seed", range(8))
def test_any_profile_is_applied(tmp_path, seed):
    rng = np.random.default_rng(seed)
    wider = np.array([0.66, 0.33, 0.22, 0.72, 0.14, 0.05]) + rng.uniform(-0.01, 0.01, 6)
    meant = image(seed, np.uint16)
    pixels, profile = in_space(meant, tuple(wider), rng.uniform(1.6, 2.4))
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", iccprofile=profile)
    found = image_file.read(tmp_path / "a.tif")
    assert np.abs(found.astype(int) - meant).mean() < 300
    eight = (pixels // 257).astype(np.uint8)
    Image.fromarray(eight).save(tmp_path / "a.png", icc_profile=profile)
    assert np.abs(image_file.read(tmp_path / "a.png") - meant / 257).mean() < 3


def test_srgb_in_another_spelling_changes_no_bit(tmp_path):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    meant = image(3)
    Image.fromarray(meant).save(tmp_path / "a.png", icc_profile=profile)
    assert np.array_equal(image_file.read(tmp_path / "a.png"), meant)


def test_a_camera_that_names_adobe_rgb_by_exif_alone_is_believed(tmp_path):
    meant = np.full((32, 32, 3), (200, 90, 60), np.uint8)
    pixels, _ = in_space(meant, (0.64, 0.33, 0.21, 0.71, 0.15, 0.06), 563 / 256)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 2
    Image.fromarray((pixels // 257).astype(np.uint8)).save(tmp_path / "a.jpg", quality=100, exif=exif)
    assert np.abs(image_file.read(tmp_path / "a.jpg") - meant.astype(int)).max() <= 4


FORMS = {
    "opaque": lambda path, p: Image.fromarray(np.dstack([p, np.full(p.shape[:2], 255, np.uint8)])).save(path),
    "palette": lambda path, p: Image.fromarray(p).quantize(200, dither=0).save(path),
    "grey": lambda path, p: Image.fromarray(p[..., 0]).save(path),
    "grey and opaque": lambda path, p: Image.merge(
        "LA", [Image.fromarray(p[..., 0]), Image.new("L", p.shape[1::-1], 255)]
    ).save(path),
    "16-bit grey": lambda path, p: path.write_bytes(
        imagecodecs.png_encode(p[..., 0].astype(np.uint16) * 257)
    ),
    "16-bit opaque": lambda path, p: path.write_bytes(
        imagecodecs.png_encode(np.dstack([p, np.full(p.shape[:2], 255, np.uint8)]).astype(np.uint16) * 257)
    ),
    "a TIFF by another name": lambda path, p: tifffile.imwrite(path, p, photometric="rgb"),
    "a JPEG by another name": lambda path, p: Image.fromarray(p).save(
        path, "JPEG", quality=100, subsampling=0
    ),
    "planes apart": lambda path, p: tifffile.imwrite(
        path, np.ascontiguousarray(np.moveaxis(p, 2, 0)), photometric="rgb", planarconfig="separate"
    ),
    "white is zero": lambda path, p: tifffile.imwrite(path, 255 - p[..., 0], photometric="miniswhite"),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_in_which_nothing_is_lost_are_taken_by_every_reader_alike(tmp_path, form):
    y, x = np.mgrid[0:48, 0:64]
    meant = np.stack([2 * y + 40, 3 * x, 100 + 0 * x], -1).astype(np.uint8)
    path = tmp_path / "a.png"
    FORMS[form](path, meant)
    found = read_image(path)
    if "grey" in form or form == "white is zero":
        meant = np.repeat(meant[..., :1], 3, axis=2)
    top = 257 if found.dtype == np.uint16 else 1
    assert np.abs(found / top - meant).max() <= (12 if form in {"palette", "a JPEG by another name"} else 0)
    assert np.array_equal(read_photograph(path), found)
    (trained,) = photo_pool.load(tmp_path, [photo_pool.Photograph("a.png", "training")])
    assert np.array_equal(trained, np.rint(found / np.float32(top)).astype(np.uint8))


def png_chunk(path, name, content):
    """Put a chunk behind a PNG's header."""
    whole, body = path.read_bytes(), name + content
    chunk = struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))
    path.write_bytes(whole[:33] + chunk + whole[33:])


def sheer(path):
    Image.fromarray(np.dstack([image(1), np.full(image(1).shape[:2], 77, np.uint8)])).save(path)


def linear(path):
    Image.fromarray(image(1)).save(path)
    png_chunk(path, b"gAMA", struct.pack(">I", 100000))


def coded(*points):
    """Give what writes a PNG with these coding points: primaries, transfer, matrix, range."""

    def write(path):
        Image.fromarray(image(1)).save(path)
        png_chunk(path, b"cICP", bytes(points))

    return write


def test_coding_points_of_srgb_count_before_other_chunks(tmp_path):
    coded(1, 13, 0, 1)(tmp_path / "a.png")
    png_chunk(tmp_path / "a.png", b"gAMA", struct.pack(">I", 100000))
    assert np.array_equal(image_file.read(tmp_path / "a.png"), image(1))


@pytest.mark.parametrize("bits", [2, 4, 10, 12, 14])
def test_samples_of_any_number_of_bits_reach_white(tmp_path, bits):
    levels = np.arange(2**bits).repeat(8).reshape(-1, 8)[-64:]
    kind = np.uint8 if bits < 8 else np.uint16
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, levels.astype(kind), bitspersample=bits, photometric="minisblack")
    found = image_file.read(tmp_path / "a.tif")
    top = np.iinfo(kind).max
    assert np.abs(found[..., 0] - levels * (top / (2**bits - 1))).max() <= 0.5


REFUSED = {
    "coding points 9/16/0/1": coded(9, 16, 0, 1),
    "coding points 12/13/0/1": coded(12, 13, 0, 1),
    "coding points 9/18/0/1": coded(9, 18, 0, 1),
    "coding points 1/13/0/0": coded(1, 13, 0, 0),
    "transparent": sheer,
    "gamma": linear,
    "CMYK": lambda path: Image.new("CMYK", (40, 40)).save(path, "JPEG"),
    "2 images": lambda path: tifffile.imwrite(path, np.zeros((2, 40, 40, 3), np.uint8), photometric="rgb"),
    "float32": lambda path: tifffile.imwrite(path, np.zeros((40, 40, 3), np.float32), photometric="rgb"),
    "CIELAB": lambda path: tifffile.imwrite(path, np.zeros((40, 40, 3), np.uint8), photometric="cielab"),
    "colour profile": lambda path: Image.fromarray(image(1)).save(path, icc_profile=b"no profile" * 20),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_applied_is_refused_by_name_in_every_reader(tmp_path, kind):
    path = tmp_path / "a.png"
    REFUSED[kind](path)
    readers = (
        read_image,
        read_photograph,
        lambda one: photo_pool.load(one.parent, [photo_pool.Photograph(one.name, "training")]),
    )
    for reader in readers:
        with pytest.raises(InputError, match=kind) as caught:
            reader(path)
        assert "a.png" in str(caught.value)
        assert "\n" not in str(caught.value)
