"""Numbers with their nouns, for every line that people read."""

from __future__ import annotations


def plural(number: int, noun: str, many: str = "") -> str:
    """Say how many there are of something: "1 image", "2 images", "0 images".

    Args:
        number: how many.
        noun: its singular.
        many: its plural, where that is not the singular with an s.
    """
    return f"{number} {noun if number == 1 else many or f'{noun}s'}"
