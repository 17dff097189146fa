"""Copy when and how a photograph was taken from the raw file to the EXIF of its restored image."""

from __future__ import annotations

import re
import struct
import warnings
from datetime import datetime
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

ORIENTATION, TAKEN, EXIF_FOLDER = 0x0112, 0x0132, 0x8769
TAKEN_ORIGINALLY = 0x9003
TIME = re.compile(r"\d{4}(:\d\d){2} \d\d(:\d\d){2}")
# Make, Model, DateTime, Artist, Copyright.
_MAIN = (0x010F, 0x0110, TAKEN, 0x013B, 0x8298)
_CAPTURE = (
    *(0x829A, 0x829D, 0x8827),  # ExposureTime, FNumber, PhotographicSensitivity
    *(TAKEN_ORIGINALLY, 0x9004, 0x9010, 0x9011, 0x9012, 0x9290, 0x9291, 0x9292),  # times, zones, fractions
    *(0x920A, 0xA405, 0xA433, 0xA434),  # FocalLength, its equivalent, LensMake, LensModel
)
# What Pillow raises on headers that contradict themselves.
_DAMAGED = (OSError, ValueError, KeyError, TypeError, SyntaxError, OverflowError, struct.error)


def read(path: Path, raw: Any = None) -> Image.Exif:
    """Read the EXIF to keep from a raw file; the orientation is upright, as the image is already rotated.

    Args:
        path: the raw file; read where it is TIFF-like (DNG, ARW, NEF, CR2, …).
        raw: the same file open in rawpy, which knows the time in other containers too.
    """
    kept = Image.Exif()
    kept[ORIENTATION] = 1
    found = _found(path)
    for tag in _MAIN:
        if _says(found.get(tag)):
            kept[tag] = found[tag]
    inner, folder = _folder(found), kept.get_ifd(EXIF_FOLDER)
    for tag in _CAPTURE:
        if _says(inner.get(tag, found.get(tag))):
            folder[tag] = inner.get(tag, found.get(tag))
    moment = _moment(raw)
    if moment is not None:
        folder.setdefault(TAKEN_ORIGINALLY, moment)
    if TAKEN not in kept and TAKEN_ORIGINALLY in folder:
        kept[TAKEN] = folder[TAKEN_ORIGINALLY]
    return kept


def taken(exif: Image.Exif) -> str | None:
    """Return the time an image was taken, as EXIF writes it (2020:11:07 21:30:00); None if unknown."""
    time = exif.get_ifd(EXIF_FOLDER).get(TAKEN_ORIGINALLY, exif.get(TAKEN))
    # Cameras whose clock is not set write blanks or zeros here; a TIFF takes a whole date only.
    return str(time) if time and TIME.fullmatch(str(time)) else None


def _found(path: Path) -> Image.Exif:
    found = Image.Exif()
    with path.open("rb") as stream:
        if stream.read(4) in {b"II*\0", b"MM\0*"}:
            stream.seek(0)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    found.load_from_fp(stream)
                    dict(found)
            except _DAMAGED:
                return Image.Exif()
    return found


def _folder(found: Image.Exif) -> dict[int, Any]:
    try:
        return dict(found.get_ifd(EXIF_FOLDER))
    except _DAMAGED:
        return {}


def _says(value: Any) -> bool:
    """Whether a header entry has a value: some writers leave blanks or 0/0."""
    if isinstance(value, str):
        return bool(value.strip(" \0"))
    try:
        return value is not None and float(value) == float(value) and float(value) != 0
    except (TypeError, ValueError, ZeroDivisionError):
        return isinstance(value, tuple) and any(value)


def _moment(raw: Any) -> str | None:
    moment = getattr(getattr(raw, "other", None), "timestamp", None)
    if not isinstance(moment, datetime) or moment.year <= 1970:
        return None
    return moment.strftime("%Y:%m:%d %H:%M:%S")
