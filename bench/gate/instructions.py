"""Instructions that Pack and UnPack execute, counted by valgrind's callgrind: the same on a busy machine.

`count` starts `python -m bench.gate.instructions FOLDER...` under callgrind with counting switched off, since
importing torch under it takes long enough as it is; the process switches it on for its calls of the kernels.
The smallest count of several calls is used, with fixed hashes and no garbage collection: other work of the
interpreter (a dictionary that grows, a cache that is filled) adds up to three per cent to one call of the
same code.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TIMEOUT_S = 900.0
SIDES = (64, 96)
FACTOR = 8
CALLS = 5
# A client request as valgrind.h defines it for x86-64.
PREAMBLE = bytes.fromhex(
    "4889f8"  # mov rax, rdi: the request and its arguments
    "4831d2"  # xor rdx, rdx: the answer where no valgrind listens
    "48c1c703 48c1c70d 48c1c73d 48c1c733"  # rol rdi by 3, 13, 61 and 51: rdi as before, and valgrind's sign
    "4887db"  # xchg rbx, rbx: a client request
    "4889d0 c3"  # mov rax, rdx; ret
)
TOOL = (ord("C") << 24) + (ord("T") << 16)
DUMP_AT, START, STOP = TOOL + 3, TOOL + 4, TOOL + 5


def unavailable() -> str | None:
    """Say why instructions cannot be counted here; None if they can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "counting instructions needs Linux on x86-64"
    if shutil.which("valgrind") is None:
        return "counting instructions needs valgrind: install it, or drop --instructions"
    return None


def count(paths: Sequence[Path]) -> dict[str, int]:
    """Count the instructions of one call of each kernel of a revision.

    Args:
        paths: the folders from which the revision is imported.

    Raises:
        InputError: valgrind is not available or failed.
    """
    from bench.machine import git
    from bench.machine.endings import last_words
    from bench.machine.environment import THREAD_VARIABLES, scrub
    from llpacknet.errors import InputError

    reason = unavailable()
    if reason:
        raise InputError(reason)
    places = os.pathsep.join(dict.fromkeys(path for path in sys.path if path))
    threads = dict.fromkeys(THREAD_VARIABLES, "1")
    environment = {
        **git.environment(),
        **threads,
        "PYTHONPATH": places,
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with tempfile.TemporaryDirectory(prefix="llbench-gate-") as folder:
        command = [
            "valgrind",
            "--tool=callgrind",
            "--instr-atstart=no",
            f"--callgrind-out-file={folder}/counts",
        ]
        command += [sys.executable, "-P", "-m", "bench.gate.instructions", *map(str, paths)]
        try:
            ended = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise InputError(
                f"counting instructions took over {TIMEOUT_S:g} s: drop --instructions"
            ) from None
        found = _least(Path(folder))
        if ended.returncode or not found:
            raise InputError(f"valgrind could not count: {scrub(last_words(ended.stderr))}")
    return found


def _least(folder: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, total in filter(None, map(_read, sorted(folder.iterdir()))):
        found[name] = min(total, found.get(name, total))
    return found


def _read(path: Path) -> tuple[str, int] | None:
    text = path.read_text(encoding="utf-8", errors="replace")
    name = re.search(r"^desc: Trigger: Client Request: (\w+)$", text, re.MULTILINE)
    total = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
    return (name[1], int(total[1])) if name and total else None


def main() -> None:
    """Call each kernel with counting on; the arguments are the folders to import from."""
    early = sorted({"llpacknet", "baselines"} & set(sys.modules))
    assert not early, f"{early} imported before the revision is known"
    sys.path[:0] = sys.argv[1:]
    import torch

    from llpacknet import pack, unpack

    torch.set_num_threads(1)
    gc.disable()
    height, width = SIDES
    frame = torch.zeros(1, 3, height, width)
    channels = torch.zeros(1, 3 * FACTOR**2, height // FACTOR, width // FACTOR)
    request = _client_request()
    kernels: tuple[tuple[str, Callable[..., object], torch.Tensor], ...] = (
        ("pack", pack, frame),
        ("unpack", unpack, channels),
    )
    request(START, 0)  # once: callgrind loses track of its calls where it is switched off and on again
    for name, kernel, given in kernels:
        kernel(given, FACTOR)  # what a first call sets up is not its own
        kept = ctypes.create_string_buffer(name.encode())
        for _ in range(CALLS):
            kernel(given, FACTOR)
            request(DUMP_AT, ctypes.addressof(kept))  # and begin from nought
    request(STOP, 0)


def _client_request() -> Callable[[int, int], object]:
    """Make the function that valgrind watches for; outside of valgrind it does nothing."""
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(PREAMBLE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    call = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p)(address)

    def request(code: int, argument: int) -> object:
        assert not page.closed, "the code lies in it"
        arguments = (ctypes.c_size_t * 6)(code, argument, 0, 0, 0, 0)
        return call(ctypes.addressof(arguments))

    return request


if __name__ == "__main__":
    main()
