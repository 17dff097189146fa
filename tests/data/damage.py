"""Damaged, foreign and hostile files that stand where a raw frame is expected."""

import os
import struct

import numpy as np
import tifffile

from llpacknet.raw.dng import write_dng

WIDTH, HEIGHT, COMPRESSION, PHOTOMETRIC, STRIP, STRIP_BYTES = 256, 257, 259, 262, 273, 279
BLACK, WHITE = 50714, 50717
X_TRANS = [int(colour) for colour in "110112112110201021112110110112021201"]
PIXELS = np.random.default_rng(9).integers(500, 700, (64, 96), np.uint16)


def good(path, compress=True):
    write_dng(path, PIXELS, compress=compress)
    return path.read_bytes()


def entry(content, tag):
    """Where a tag's twelve bytes lie in the first directory."""
    (start,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, start)
    places = [start + 2 + 12 * number for number in range(entries)]
    return next(place for place in places if struct.unpack_from("<H", content, place)[0] == tag)


def with_entry(content, tag, value=None, count=None):
    """The file with one header entry changed to a LONG."""
    changed = bytearray(content)
    place = entry(content, tag)
    old = struct.unpack_from("<HHII", content, place)
    new = (
        tag,
        4 if value is not None else old[1],
        old[2] if count is None else count,
        old[3] if value is None else value,
    )
    struct.pack_into("<HHII", changed, place, *new)
    return bytes(changed)


def with_bytes(content, place, new):
    return content[:place] + new + content[place + len(new) :]


def strip(content):
    return struct.unpack_from("<I", content, entry(content, STRIP) + 8)[0]


def cut(share):
    return lambda path: path.write_bytes(good(path)[: int(path.stat().st_size * share)])


def change(tag, value=None, count=None, compress=True):
    return lambda path: path.write_bytes(with_entry(good(path, compress), tag, value, count))


def garble(offset, new):
    def make(path):
        content = good(path)
        path.write_bytes(with_bytes(content, strip(content) + offset, new))

    return make


def flip_a_bit(path):
    content = good(path, compress=False)
    place = strip(content) + 1000
    path.write_bytes(with_bytes(content, place, bytes([content[place] ^ 8])))


def foreign(mosaic, colours=(0, 1, 1, 2), side=2, photometric="cfa"):
    """A DNG whose header is sound but whose frame is none of ours."""

    def make(path):
        tags = [
            (50706, 1, 4, bytes((1, 4, 0, 0)), True),
            (50708, 2, 0, "Test camera", True),
            (50717, 4, 1, 4095, True),
        ]
        if photometric == "cfa":
            tags += [(33421, 3, 2, (side, side), True), (33422, 1, side * side, bytes(colours), True)]
        tifffile.imwrite(path, mosaic, photometric=photometric, extratags=tags, metadata=None)

    return make


def monochrome(path):
    foreign(PIXELS, photometric="minisblack")(path)
    path.write_bytes(with_entry(path.read_bytes(), PHOTOMETRIC, 34892))


def huge(path):
    path.write_bytes(good(path))
    os.truncate(path, 3_000_000_000)


def link(target):
    return lambda path: path.symlink_to(target)


DAMAGED = {
    "zero length": lambda path: path.write_bytes(b""),
    "one byte": lambda path: path.write_bytes(b"I"),
    "magic only": lambda path: path.write_bytes(b"II*\0"),
    "cut in the header": cut(0.02),
    "cut after the header": cut(0.15),
    "cut at half": cut(0.5),
    "cut near the end": cut(0.95),
    "last byte missing": lambda path: path.write_bytes(good(path)[:-1]),
    "uncompressed, last row missing": lambda path: path.write_bytes(good(path, compress=False)[: -2 * 96]),
    "text": lambda path: path.write_text("Dear photographer,\n" * 40),
    "noise": lambda path: path.write_bytes(np.random.default_rng(1).bytes(5000)),
    "zeros": lambda path: path.write_bytes(bytes(5000)),
    "an image": lambda path: tifffile.imwrite(path, np.zeros((64, 96, 3), np.uint8), photometric="rgb"),
    "an archive": lambda path: path.write_bytes(b"PK\3\4" + bytes(200)),
    "a bit flipped in a pixel": flip_a_bit,
    "bytes lost in the coded data": garble(800, bytes(64)),
    "coded data overwritten": garble(300, b"\x5a" * 400),
    "code table overwritten": garble(6, b"\xff" * 20),
    "huge width": change(WIDTH, 2**31),
    "huge height": change(HEIGHT, 2**32 - 1),
    "huge frame": lambda path: path.write_bytes(
        with_entry(with_entry(good(path), WIDTH, 60000), HEIGHT, 60000)
    ),
    "zero width": change(WIDTH, 0),
    "wider than its data": change(WIDTH, 4256, compress=False),
    "data outside the file": change(STRIP, 2**32 - 16),
    "more data than the file": change(STRIP_BYTES, 2**32 - 1),
    "countless values": change(STRIP, count=2**32 - 1),
    "directory outside the file": lambda path: path.write_bytes(
        with_bytes(good(path), 4, struct.pack("<I", 2**31))
    ),
    "countless entries": lambda path: path.write_bytes(with_bytes(good(path), 8, b"\xff\xff")),
    "unknown compression": change(COMPRESSION, 60000),
    "white below black": change(WHITE, 100),
    "X-Trans": foreign(PIXELS, X_TRANS, 6),
    "monochrome": monochrome,
    "already demosaicked": foreign(np.zeros((64, 96, 3), np.uint16), photometric=34892),
    "two reds": foreign(PIXELS, (0, 0, 1, 2)),
    "odd size": foreign(PIXELS[:, 1:].copy()),
    "three gigabytes": huge,
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
    "a link to a device": link("/dev/zero"),
    "a link out of the folder": link("/etc/passwd"),
    "a link to nothing": link("nowhere.DNG"),
}
