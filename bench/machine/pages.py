"""Huge pages for a network's large tensors.

The C library gives a large block back to the kernel as soon as it is freed, and whoever asks for one next
pays a page fault for every 4 KB of it, which the kernel clears first. A network whose activations are tens of
megabytes pays that for each of them in every pass: a good part of its time.
"""

from __future__ import annotations

import os

# torch's own option, read as it allocates for the first time: pages of 2 MB for its large tensors.
HUGE = "THP_MEM_ALLOC_ENABLE"


def ask_for_huge() -> None:
    """Let torch ask the kernel for huge pages, of which a large tensor needs few.

    To be called before torch is imported; whether there are any is the kernel's to decide.
    """
    os.environ.setdefault(HUGE, "1")
