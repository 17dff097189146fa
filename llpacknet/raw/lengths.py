"""How far raw files that are no TIFF say that they reach: CR3, RAF, CRW and MRW, by their own offsets.

A card or a copy that stopped leaves a file whose header is whole and whose pixels are not. LibRaw fills up
what is missing in some of them and says nothing.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HEAD = 512
_MOST_BOXES = 10_000
_MOST_CHUNKS = 100_000
_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_CHUNKS = {b"co64": "Q", b"stco": "I"}
_CIFF_INLINE, _CIFF_SLACK = 0x4000, 64


def reach(file: BinaryIO, size: int) -> int | None:
    """Return how many bytes a file must have by what its header says; None if nothing here can tell.

    Args:
        file: the file, open for reading.
        size: its length in bytes.
    """
    file.seek(0)
    head = file.read(_HEAD)
    families: tuple[tuple[bool, Callable[[BinaryIO, int, bytes], int]], ...] = (
        (head[4:8] == b"ftyp", _boxes_reach),
        (head.startswith(b"FUJIFILMCCD-RAW "), _raf_reach),
        (head[6:14] == b"HEAPCCDR", _crw_reach),
        (head.startswith(b"\0MRM"), _mrw_reach),
    )
    for belongs, measure in families:
        if belongs:
            try:
                return measure(file, size, head)
            except struct.error:  # a number is asked for where the file has ended
                return size + 1
    return None


def _boxes_reach(file: BinaryIO, size: int, head: bytes) -> int:  # noqa: ARG001 -- one shape for all
    """ISO base media, as CR3: every box ends inside the file, and every sample of every track."""
    end, names, most = 0, set(), 0
    for name, start, stop in _boxes(file, 0, size):
        names.add(name)
        end = max(end, stop)
        if name == b"moov" and stop <= size:
            most = max(most, *_samples(file, start, stop), 0)
    return max(end, most, 0 if b"moov" in names else size + 1)


def _boxes(file: BinaryIO, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Name of each box, and where its content begins and ends."""
    for _ in range(_MOST_BOXES):
        if start >= stop:
            return
        file.seek(start)
        head = file.read(16)
        length, name = struct.unpack_from(">I4s", head)
        skip = 8
        if length == 1:
            (length,), skip = struct.unpack_from(">Q", head, 8), 16
        end = stop if length == 0 else start + max(length, skip)
        yield name, start + skip, end
        start = end


def _samples(file: BinaryIO, start: int, stop: int) -> Iterator[int]:
    """Yield the ends of the chunks of all tracks; for a chunk with several samples, that of the first."""
    offsets: list[int] = []
    first = 0
    for name, inner, end in _boxes(file, start, stop):
        if end > stop:
            yield end
        elif name in _PARENTS:
            yield from _samples(file, inner, end)
        elif name == b"stsz":
            file.seek(inner)
            every, count, one = struct.unpack(">4xIII", file.read(16).ljust(16, b"\0"))
            first = every or (one if count else 0)
        elif name in _CHUNKS:
            file.seek(inner)
            (count,) = struct.unpack(">4xI", file.read(8))
            form = f">{min(count, _MOST_CHUNKS)}{_CHUNKS[name]}"
            offsets += struct.unpack(form, file.read(struct.calcsize(form)))
    yield from (offset + first for offset in offsets)


def _raf_reach(file: BinaryIO, size: int, head: bytes) -> int:  # noqa: ARG001
    """Fuji: preview, header of the sensor's data, and these; an offset and a length each."""
    places = struct.unpack_from(">6I", head, 84)
    return int(max(offset + length for offset, length in zip(places[::2], places[1::2], strict=True)))


def _crw_reach(file: BinaryIO, size: int, head: bytes) -> int:
    """Canon's CIFF: the last four bytes say where the directory lies, which ends right before them."""
    order = "<" if head[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", head, 2)
    file.seek(max(size - 4, 0))
    place = start + struct.unpack(order + "I", file.read(4))[0]
    if not start <= place <= size - 6:
        return size + 1
    file.seek(place)
    (count,) = struct.unpack(order + "H", file.read(2))
    entries = [struct.unpack(order + "HII", file.read(10)) for _ in range(count)]
    ends = [start + offset + length for kind, length, offset in entries if not kind & _CIFF_INLINE]
    if not count or place + 2 + 10 * count < size - _CIFF_SLACK:
        return size + 1
    return int(max([place + 2 + 10 * count, *ends]))


def _mrw_reach(file: BinaryIO, size: int, head: bytes) -> int:  # noqa: ARG001
    """Minolta: a header with the sensor's sides and the bits of a pixel, then the pixels, not compressed."""
    order = ">"
    (length,) = struct.unpack_from(order + "I", head, 4)
    if head[8:12] != b"\0PRD":
        return int(8 + length)
    rows, columns, bits = struct.unpack_from(order + "HH4xB", head, 24)
    return int(8 + length + rows * columns * bits // 8)
