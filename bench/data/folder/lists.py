"""Read lists in text files, as saved by editors and spreadsheets of any system."""

from __future__ import annotations

import codecs
import csv
from typing import TYPE_CHECKING

from llpacknet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT = 10_000_000
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SEPARATORS = ",;\t"


def read_text(path: Path, what: str) -> str:
    """Read a text file: UTF-8 with or without a mark, UTF-16 with one, else Latin-1.

    Args:
        path: the file.
        what: what it is, with a verb's object before it, for messages: "list", "exposures".

    Raises:
        InputError: it cannot be read, is too large, or does not contain text.
    """
    try:
        if not path.is_file() or path.stat().st_size > _LIMIT:
            state = "is not a text file of reasonable size" if path.exists() else "does not exist"
            raise InputError(f"cannot read {what} {path} (it {state}): give a text file")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {what} {path} ({error.strerror}): give a text file") from error
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise InputError(f"cannot read {what} {path} (not text in {encoding}): save it again") from error
        text = content.decode("latin-1")
    if "\0" in text:
        raise InputError(f"cannot read {what} {path} (it contains zero bytes): give a text file")
    return text


def rows(text: str) -> csv.DictReader[str]:
    """Return the rows of a table by its headings; its first line tells commas, semicolons or tabs apart."""
    lines = text.splitlines()
    head = lines[0] if lines else ""
    separator = max(_SEPARATORS, key=head.count)
    return csv.DictReader(lines, restval="", skipinitialspace=True, delimiter=separator)


def decimal(text: str) -> float:
    """Read a number with a decimal point or decimal comma.

    Raises:
        ValueError: it is not a number.
    """
    return float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
