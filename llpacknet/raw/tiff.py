"""Walks the directories of a TIFF-like file; every offset and count is checked before it is followed."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

from llpacknet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES = 256, 257, 258, 259, 262, 277
STRIPS, STRIP_BYTES, TILES, TILE_BYTES, CHILDREN = 273, 279, 324, 325, 330
CAMERA, MATRIX_1, MATRIX_2, NEUTRAL, DIGEST = 50708, 50721, 50722, 50728, 50972
WHITE_XY, ILLUMINANT_1, ILLUMINANT_2 = 50729, 50778, 50779
BALANCE, CALIBRATION_1, CALIBRATION_2 = 50727, 50723, 50724
BLACK_COLUMNS, BLACK_ROWS, BEFORE_LINEAR, BEFORE_COLOUR = 50715, 50716, 51008, 51009
SENSOR_WIDTH, SENSOR_HEIGHT, PANASONIC_FORMAT, PANASONIC_DATA = 2, 3, 0x2D, 0x118

TIFF = (b"II*\0", b"MM\0*")
PANASONIC = b"IIU\0"
OLYMPUS = (b"IIRO", b"IIRS", b"MMOR")
# How a TIFF begins, and the raw formats that are TIFF in all but these four bytes.
MAGIC = (*TIFF, PANASONIC, *OLYMPUS)

# Values of the entries by tag; fractions as floats.
Directory = dict[int, tuple[float, ...]]

_MAX_DIRECTORIES = 64
_MAX_ENTRIES = 4096
_MAX_VALUES = 1_000_000
_FRACTIONS = (5, 10)
_FORMATS = {1: "B", 2: "B", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 13: "I"}
_FORMATS |= {11: "f", 12: "d"}
_WANTED = {
    *(WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, STRIPS, STRIP_BYTES, TILES, TILE_BYTES),
    *(CHILDREN, CAMERA, MATRIX_1, MATRIX_2, NEUTRAL, DIGEST, WHITE_XY, ILLUMINANT_1, ILLUMINANT_2),
    *(BALANCE, CALIBRATION_1, CALIBRATION_2, BLACK_COLUMNS, BLACK_ROWS, BEFORE_LINEAR, BEFORE_COLOUR),
}
_PANASONIC_WANTED = {SENSOR_WIDTH, SENSOR_HEIGHT, PANASONIC_FORMAT, PANASONIC_DATA}


class Reader:
    """Reads the header of one file.

    Args:
        file: the file, open for reading.
        size: its length in bytes.
        path: its name, for messages.
    """

    def __init__(self, file: BinaryIO, size: int, path: Path) -> None:
        self._file = file
        self._size = size
        self._path = path
        self._order = "<"
        self._wanted = _WANTED

    def directories(self) -> list[Directory]:
        """All of them, subdirectories included; none if this is not TIFF-like.

        Raises:
            InputError: an offset points out of the file, or a count is absurd.
        """
        self._file.seek(0)
        start = self._file.read(8)
        if start[:4] not in MAGIC or len(start) < 8:
            return []
        self._order = "<" if start[:2] == b"II" else ">"
        if start[:4] == PANASONIC:
            self._wanted = _WANTED | _PANASONIC_WANTED
        waiting = [struct.unpack(self._order + "I", start[4:])[0]]
        seen: set[int] = set()
        found: list[Directory] = []
        while waiting:
            offset = waiting.pop(0)
            if offset == 0 or offset in seen:
                continue
            seen.add(offset)
            if len(seen) > _MAX_DIRECTORIES:
                raise self._damaged("contains more directories than any camera writes")
            directory, following = self._directory(offset)
            found.append(directory)
            waiting += [following, *(int(child) for child in directory.get(CHILDREN, ()))]
        return found

    def _directory(self, offset: int) -> tuple[Directory, int]:
        (entries,) = struct.unpack(self._order + "H", self._bytes(offset, 2))
        if entries > _MAX_ENTRIES:
            raise self._damaged(f"declares {entries} header entries")
        table = self._bytes(offset + 2, 12 * entries + 4)
        directory: Directory = {}
        for start in range(0, 12 * entries, 12):
            tag, kind, count = struct.unpack_from(self._order + "HHI", table, start)
            if tag in self._wanted and kind in _FORMATS and count:
                directory[tag] = self._values(kind, count, table[start + 8 : start + 12])
        (following,) = struct.unpack_from(self._order + "I", table, 12 * entries)
        return directory, following

    def _values(self, kind: int, count: int, inline: bytes) -> tuple[float, ...]:
        if count > _MAX_VALUES:
            raise self._damaged(f"declares {count} values for one header entry")
        form = f"{self._order}{_FORMATS[kind] * count if kind in _FRACTIONS else f'{count}{_FORMATS[kind]}'}"
        length = struct.calcsize(form)
        if length > 4:
            inline = self._bytes(struct.unpack(self._order + "I", inline)[0], length)
        values = struct.unpack_from(form, inline)
        if kind in _FRACTIONS:
            return tuple(a / b if b else 0.0 for a, b in zip(values[::2], values[1::2], strict=True))
        return values

    def _bytes(self, offset: int, count: int) -> bytes:
        if offset < 0 or offset + count > self._size:
            raise self._damaged(f"is cut short or damaged: its header points at byte {offset + count}")
        self._file.seek(offset)
        return self._file.read(count)

    def _damaged(self, what: str) -> InputError:
        return InputError(
            f"{self._path} {what} ({self._size} bytes are present): copy it again from its source"
        )


def whole_number(directory: Directory, tag: int, default: int) -> int:
    """First value of an entry as a whole number."""
    return int(directory.get(tag, (default,))[0])


def bytes_of(values: tuple[float, ...]) -> bytes:
    """Values of a header entry as bytes; none if the entry has another type than bytes."""
    numbers = [int(value) for value in values if value == int(value) and 0 <= value < 256]
    return bytes(numbers) if len(numbers) == len(values) else b""
