"""Writes cut.rw2, a Panasonic raw of 10 megapixels of which 12 KB are left: python rw2case.py FOLDER.

RW2 is TIFF but for its magic number (IIU and a zero byte) and its private tags. The frame is 2742x3656 pixels
of 12 bits, 11 MB when whole. A card or a copy that stopped leaves such a file: the header, the place of the
preview (zeros here), and the first few bytes of the sensor's data.
"""

from __future__ import annotations

import random
import struct
import sys
from pathlib import Path

LENGTH = 12_288
DATA = 22  # bytes of the sensor's data that are left
SHORT, LONG, ASCII, UNDEFINED = 3, 4, 2, 7
HEADER = [
    (0x001, UNDEFINED, b"0300"),
    (0x002, SHORT, 3724),  # sensor width and height
    (0x003, SHORT, 2754),
    (0x004, SHORT, 6),  # visible frame: top, left, bottom, right
    (0x005, SHORT, 8),
    (0x006, SHORT, 2742),
    (0x007, SHORT, 3656),
    (0x008, SHORT, 1),  # samples per pixel
    (0x009, SHORT, 4),  # colour pattern
    (0x00A, SHORT, 12),  # bits
    (0x00B, SHORT, 34316),  # Panasonic's own compression
    (0x00E, SHORT, 4095),  # where red, green and blue saturate
    (0x00F, SHORT, 4095),
    (0x010, SHORT, 4095),
    (0x017, SHORT, 80),  # ISO
    (0x024, SHORT, 570),  # white balance: red, green, blue
    (0x025, SHORT, 263),
    (0x026, SHORT, 438),
    (0x10F, ASCII, b"Panasonic\0"),
    (0x110, ASCII, b"DMC-LX3\0"),
    (0x111, LONG, 0xFFFFFFFF),  # StripOffsets is unused; 0x118 counts
    (0x112, SHORT, 1),
    (0x118, LONG, None),  # where the sensor's data begin: filled in below
]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    start = 8 + 2 + 12 * len(HEADER) + 4
    texts = b"".join(value for _, kind, value in HEADER if kind == ASCII and len(value) > 4)
    entries, place = b"", start
    for tag, kind, value in HEADER:
        if isinstance(value, bytes):
            field = value if len(value) <= 4 else struct.pack("<I", place)
            place += len(value) if len(value) > 4 else 0
            count = len(value)
        else:
            field = struct.pack("<I", LENGTH - DATA if value is None else value)
            count = 1
        entries += struct.pack("<HHI", tag, kind, count) + field
    head = b"IIU\0" + struct.pack("<IH", 8, len(HEADER)) + entries + b"\0\0\0\0" + texts
    (folder / "cut.rw2").write_bytes(head.ljust(LENGTH - DATA, b"\0") + random.Random(1).randbytes(DATA))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
