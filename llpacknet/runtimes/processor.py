"""Which number formats this processor has usable instructions for; does not import torch.

The kernel lists the instructions of a processor. oneDNN, which computes the convolutions of torch and
OpenVINO, can be told in the environment to leave the newer ones alone.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

# Flags on x86 and on ARM, any of which is enough. int8 means products of bytes summed in one step.
_INSTRUCTIONS = {
    "bf16": frozenset({"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16", "svebf16"}),
    "int8": frozenset({"avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8", "asimddp", "i8mm"}),
}
# Variables that hold the newest instructions oneDNN may use.
CAPS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
# Values of those variables that leave out a number format's instructions.
_FORBIDS = {
    "bf16": frozenset({"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI"}),
    "int8": frozenset({"SSE41", "AVX", "AVX2", "AVX512_CORE"}),
}


def lacks(precision: str, runtime: str = "eager") -> bool:
    """Whether this processor is known to have no usable instructions for a number format."""
    return why_without(precision, runtime) is not None


def why_without(precision: str, runtime: str = "eager") -> str | None:
    """Say why a runtime computes without instructions for a number format; None if there is no known reason.

    Returns:
        what stands before "instructions for it": "this processor has no", or the setting that forbids them.
    """
    flags = _flags()
    wanted = _INSTRUCTIONS.get(precision)
    if flags and wanted is not None and not flags & wanted:
        return "this processor has no"
    for name in CAPS if runtime != "onnxruntime" else ():
        value = os.environ.get(name, "").upper()
        if value in _FORBIDS.get(precision, ()):
            return f"{name}={value} allows no"
    return None


@cache
def _flags() -> frozenset[str]:
    """Instructions that the kernel lists; none where it keeps no such list, which then says nothing."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    match = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    return frozenset(match[1].split()) if match else frozenset()
