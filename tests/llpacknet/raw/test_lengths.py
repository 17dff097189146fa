"""A raw file that ends before its own header says is refused, whatever its family; a whole one is not."""

import struct
from pathlib import Path

import numpy as np
import pytest

from llpacknet.errors import InputError
from llpacknet.raw.container import inspect
from llpacknet.raw.read import read_raw

PIXELS = 4096


def tiff_like(magic):
    """One strip in a directory, as ORF and others have it, its data at the end, not marked as a sensor's."""
    order = ">" if magic[:2] == b"MM" else "<"
    entries = [(256, 4, 64), (257, 4, 32), (258, 4, 16), (259, 4, 1), (273, 4, 512), (279, 4, PIXELS)]
    table = b"".join(struct.pack(order + "HHII", tag, kind, 1, value) for tag, kind, value in entries)
    head = magic + struct.pack(order + "IH", 8, len(entries)) + table + bytes(4)
    return head.ljust(512, b"\0") + bytes(PIXELS)


def box(name, content):
    return struct.pack(">I4s", 8 + len(content), name) + content


def cr3(large=False):
    """Canon's boxes: a track whose sample lies in the last one, whose length may be a 64-bit one."""
    start = 600
    sample = box(b"stsz", struct.pack(">4xIII", 0, 1, PIXELS)) + box(b"co64", struct.pack(">4xIQ", 1, start))
    track = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", sample))))
    head = box(b"ftyp", b"crx \0\0\0\1crx isom") + box(b"moov", box(b"uuid", bytes(40)) + track)
    skip = 16 if large else 8
    head += box(b"free", bytes(start - skip - 8 - len(head)))
    length = skip + PIXELS
    last = struct.pack(">I4sQ", 1, b"mdat", length) if large else struct.pack(">I4s", length, b"mdat")
    return head + last + bytes(PIXELS)


def raf():
    head = b"FUJIFILMCCD-RAW 0201FF389501X-T2".ljust(84, b"\0")
    return (head + struct.pack(">6I", 200, 100, 300, 50, 400, PIXELS)).ljust(400, b"\0") + bytes(PIXELS)


def crw():
    body = bytes(PIXELS) + struct.pack("<H", 1) + struct.pack("<HII", 0x2005, PIXELS, 0)
    return b"II" + struct.pack("<I", 26) + b"HEAPCCDR" + bytes(12) + body + struct.pack("<I", PIXELS)


def mrw():
    block = b"27730001" + struct.pack(">HHHHBBBB", 32, 64, 32, 64, 16, 16, 0x52, 0) + bytes(6)
    block = b"\0PRD" + struct.pack(">I", len(block)) + block
    return b"\0MRM" + struct.pack(">I", len(block)) + block + bytes(32 * 64 * 2)


FAMILIES = {
    "orf": tiff_like(b"IIRO"),
    "orf-s": tiff_like(b"IIRS"),
    "orf-mm": tiff_like(b"MMOR"),
    "cr2": tiff_like(b"II*\0"),
    "pef": tiff_like(b"MM\0*"),
    "cr3": cr3(),
    "cr3-large": cr3(large=True),
    "raf": raf(),
    "crw": crw(),
    "mrw": mrw(),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_cut_is_noticed_and_the_whole_file_is_not_refused(family, tmp_path):
    path, content = tmp_path / f"a.{family}", FAMILIES[family]
    path.write_bytes(content)
    assert inspect(path).checked
    rng = np.random.default_rng(len(content))
    for length in (len(content) - 1, 64, *rng.integers(20, len(content), 60)):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="cut short") as caught:
            inspect(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("family", FAMILIES)
def test_bytes_at_random_end_in_a_description_or_in_one_line(family, tmp_path):
    path = tmp_path / "a.raw"
    rng = np.random.default_rng(3)
    for _ in range(60):
        content = bytearray(FAMILIES[family])
        for place in rng.integers(4, 600, 4):
            content[place] = rng.integers(256)
        path.write_bytes(content)
        said = ""
        try:
            inspect(path)
        except InputError as error:
            said = str(error)
        assert "\n" not in said


def test_a_panasonic_raw_of_which_little_is_left_gives_no_image(cases, tmp_path):
    cases("rw2case").main(tmp_path)
    with pytest.raises(InputError, match="cut short"):
        read_raw(tmp_path / "cut.rw2")


@pytest.mark.parametrize(("share", "refused"), [(0.3, True), (0.9, True), (0.99, True), (1, False)])
def test_a_panasonic_raw_is_as_long_as_its_pixels_need(cases, tmp_path, share, refused):
    case = cases("rw2case")
    case.main(tmp_path)
    path = tmp_path / "cut.rw2"
    with path.open("r+b") as file:  # sparse
        file.truncate(int(share * (case.LENGTH - case.DATA + 2754 * 3724 * 16 // 14)))
    if refused:
        with pytest.raises(InputError, match="cut short"):
            inspect(path)
    else:
        inspect(path)


def test_of_an_unknown_family_it_is_said_that_a_cut_would_not_show(tmp_path):
    path = Path(tmp_path / "a.x3f")
    path.write_bytes(b"FOVb" + bytes(2000))
    assert not inspect(path).checked
