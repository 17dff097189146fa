"""Which number formats this processor has instructions for, as the kernel lists them; free of torch."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_INSTRUCTIONS = {
    "bf16": frozenset({"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16", "svebf16"}),
    "int8": frozenset({"avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8", "asimddp", "i8mm"}),
}
"""Flags on x86 and on ARM, any of which is enough. int8 means products of bytes summed in one step."""


def lacks(precision: str) -> bool:
    """Whether this processor is known to have no instructions for a number format."""
    flags = _flags()
    wanted = _INSTRUCTIONS.get(precision)
    return bool(flags) and wanted is not None and not flags & wanted


@cache
def _flags() -> frozenset[str]:
    """Instructions that the kernel lists; none where it keeps no such list, which then says nothing."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    match = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    return frozenset(match[1].split()) if match else frozenset()
