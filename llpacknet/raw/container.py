"""What a TIFF-like raw file (DNG, ARW, NEF, CR2, …) declares about itself, read before LibRaw sees the file.

LibRaw trusts sizes and offsets that a damaged or hostile file may have wrong, so they are checked here first,
with bounds on everything. Files of other families (CR3, RAF, …) are left to LibRaw.
"""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from llpacknet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

MAX_PIXELS = 300_000_000
"""No camera records more in one frame; a header that declares more is damaged or hostile."""

MAX_BYTES = 2_000_000_000
"""No single raw frame is larger."""

_MAX_DIRECTORIES = 64
_MAX_ENTRIES = 4096
_MAX_VALUES = 1_000_000
_FORMATS = {1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I"}
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES = 256, 257, 258, 259, 262, 277
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 273, 279, 324, 325
_CHILDREN, _DIGEST, _CAMERA = 330, 50972, 50708
_SENSOR_DATA = (32803, 34892)  # photometric interpretations: colour filter array, linear raw
_WANTED = {_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES}
_WANTED |= {_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _CHILDREN, _DIGEST, _CAMERA}
_Directory = dict[int, tuple[int, ...]]


@dataclass(frozen=True)
class Container:
    """What the header of a TIFF-like raw file says.

    Attributes:
        camera: DNG's UniqueCameraModel, or "".
        digest: DNG's RawImageDigest, the MD5 of all samples as 16-bit little-endian numbers, or None.
    """

    camera: str = ""
    digest: bytes | None = None


def inspect(path: Path) -> Container:
    """Check that a file is a plain, readable one and that its header keeps to what it holds.

    Raises:
        InputError: there is no such file, it is a folder or a device, it is empty or unreadable, its header
            points outside it, its picture data are cut short, or it declares an absurd size.
    """
    size = _plain_size(path)
    try:
        with path.open("rb") as file:
            directories = _Reader(file, size, path).directories()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): allow reading it (chmod u+r) or mend the disk"
        ) from error
    for directory in directories:
        if directory.get(_PHOTOMETRIC, (0,))[0] in _SENSOR_DATA:
            _check_picture(directory, size, path)
    first = directories[0] if directories else {}
    digest = _bytes_of(first.get(_DIGEST, ()))
    camera = _bytes_of(first.get(_CAMERA, ())).split(b"\0")[0].decode("ascii", "replace")
    return Container(camera, digest if len(digest) == 16 else None)


def _plain_size(path: Path) -> int:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise InputError(f"no such file: {path}; check the name") from None
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): check the name and its permissions"
        ) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device"
        raise InputError(f"{path} is {kind}, not a raw file: remove it or name the file itself")
    if status.st_size == 0:
        raise InputError(f"{path} is empty: copy it again from its source")
    if status.st_size > MAX_BYTES:
        raise InputError(
            f"{path} has {status.st_size / 1e9:.1f} GB, more than any raw frame: name the raw file itself"
        )
    return status.st_size


def _check_picture(directory: _Directory, size: int, path: Path) -> None:
    """Sides, and where the sensor's data lie: all inside the file, and enough of them if uncompressed."""
    width, height = directory.get(_WIDTH, (0,))[0], directory.get(_HEIGHT, (0,))[0]
    if min(width, height) <= 0 or width * height > MAX_PIXELS:
        raise InputError(f"{path} declares a frame of {height}x{width} pixels: it is damaged, copy it again")
    offsets = directory.get(_STRIPS) or directory.get(_TILES) or ()
    counts = directory.get(_STRIP_BYTES) or directory.get(_TILE_BYTES) or ()
    end = max((offset + count for offset, count in zip(offsets, counts, strict=False)), default=0)
    if end > size:
        raise InputError(f"{path} is cut short: {size} of at least {end} bytes are there, copy it again")
    bits = directory.get(_BITS, (16,))[0] * directory.get(_SAMPLES, (1,))[0]
    plain = directory.get(_COMPRESSION, (1,))[0] == 1
    if len(offsets) != len(counts) or (plain and sum(counts) < width * height * bits // 8):
        raise InputError(
            f"{path} holds less data than the {height}x{width} pixels it declares: copy it again"
        )


def _bytes_of(values: tuple[int, ...]) -> bytes:
    """Values of a header entry as bytes; none if the entry has another type than bytes."""
    return bytes(values) if all(0 <= value < 256 for value in values) else b""


class _Reader:
    """Walks the directories of a TIFF file; every offset and count is checked before it is followed."""

    def __init__(self, file: BinaryIO, size: int, path: Path) -> None:
        self._file = file
        self._size = size
        self._path = path
        self._order = "<"

    def directories(self) -> list[_Directory]:
        """All of them, subdirectories included; none if this is no TIFF."""
        start = self._file.read(8)
        if start[:4] not in {b"II*\0", b"MM\0*"} or len(start) < 8:
            return []
        self._order = "<" if start[:2] == b"II" else ">"
        waiting = [struct.unpack(self._order + "I", start[4:])[0]]
        seen: set[int] = set()
        found: list[_Directory] = []
        while waiting:
            offset = waiting.pop(0)
            if offset == 0 or offset in seen:
                continue
            seen.add(offset)
            if len(seen) > _MAX_DIRECTORIES:
                raise self._damaged("holds more directories than any camera writes")
            directory, following = self._directory(offset)
            found.append(directory)
            waiting += [following, *directory.get(_CHILDREN, ())]
        return found

    def _directory(self, offset: int) -> tuple[_Directory, int]:
        (entries,) = struct.unpack(self._order + "H", self._bytes(offset, 2))
        if entries > _MAX_ENTRIES:
            raise self._damaged(f"declares {entries} header entries")
        table = self._bytes(offset + 2, 12 * entries + 4)
        directory: _Directory = {}
        for start in range(0, 12 * entries, 12):
            tag, kind, count = struct.unpack_from(self._order + "HHI", table, start)
            if tag in _WANTED and kind in _FORMATS and count:
                directory[tag] = self._values(kind, count, table[start + 8 : start + 12])
        (following,) = struct.unpack_from(self._order + "I", table, 12 * entries)
        return directory, following

    def _values(self, kind: int, count: int, inline: bytes) -> tuple[int, ...]:
        if count > _MAX_VALUES:
            raise self._damaged(f"declares {count} values for one header entry")
        form = f"{self._order}{count}{_FORMATS[kind]}"
        length = struct.calcsize(form)
        if length > 4:
            inline = self._bytes(struct.unpack(self._order + "I", inline)[0], length)
        return struct.unpack_from(form, inline)

    def _bytes(self, offset: int, count: int) -> bytes:
        if offset < 0 or offset + count > self._size:
            raise self._damaged(f"is cut short or damaged: its header points at byte {offset + count}")
        self._file.seek(offset)
        return self._file.read(count)

    def _damaged(self, what: str) -> InputError:
        return InputError(
            f"{self._path} {what} ({self._size} bytes are there): copy it again from its source"
        )
