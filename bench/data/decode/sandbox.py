"""Decode raw files of unknown origin in another process, so that none can crash, hang or exhaust this one.

LibRaw parses dozens of formats in C++; a damaged or hostile file may make it crash, loop or allocate without
end. `Sandbox` keeps one decoding process with a limit on its address space and a timeout per file; a process
that dies or hangs is replaced, and its file gets a message. Headers are checked before LibRaw sees a file
(`llpacknet.raw.container`), in the decoding process too. This bounds damage; it is not a jail against code.

Used where files of unknown origin are read in a process that must live on (`data verify`). Measuring does not
need it: every worker of the harness is a process with limits and a timeout of its own, whose end is a failed
cell. Indexing opens nothing but one header.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bench.data.decode.decoder import MOSAIC
from llpacknet.errors import InputError
from llpacknet.raw.frame import RawFrame

if TYPE_CHECKING:
    from types import TracebackType

# Address space of the decoding process; a frame at the header check's limit (300 megapixels) needs less.
MEMORY_BYTES = 4_000_000_000

# A full-resolution frame takes under half a second.
TIMEOUT_S = 60.0

_REPLY_LIMIT = 100_000


@dataclass(frozen=True)
class Decoded:
    """A frame, and the Bayer phase that the file had before it was cropped to RGGB."""

    frame: RawFrame
    pattern: str


class Sandbox:
    """A decoding process for any number of files, used as a context manager.

    Args:
        memory: its address space in bytes.
        timeout: seconds for one file.
    """

    def __init__(self, memory: int = MEMORY_BYTES, timeout: float = TIMEOUT_S) -> None:
        self._memory = memory
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._exchange = tempfile.TemporaryDirectory(prefix="llbench-decode-")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._exchange.cleanup()

    def decode(self, path: Path) -> Decoded:
        """Read a raw file in the decoding process.

        Raises:
            InputError: like `read_raw`, or the decoder crashed or took too long.
        """
        process = self._running()
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # then the reply is missing, which says the same
            process.stdin.write(json.dumps(str(path)).encode() + b"\n")
            process.stdin.flush()
        reply = self._reply(process, path)
        if "problem" in reply:
            raise InputError(str(reply["problem"]))
        return self._received(reply, path)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._stop()
            command = [
                sys.executable,
                "-m",
                "bench.data.decode.decoder",
                self._exchange.name,
                str(self._memory),
            ]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # LibRaw prints its own complaints there
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,  # Ctrl-C is this process's to handle
            )
        return self._process

    def _reply(self, process: subprocess.Popen[bytes], path: Path) -> dict[str, Any]:
        assert process.stdout is not None
        deadline = time.monotonic() + self._timeout
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                self._stop()
                raise InputError(f"{path} took longer than {self._timeout:g} s to decode: remove it")
            part = os.read(process.stdout.fileno(), 65536)
            line += part
            if not part or len(line) > _REPLY_LIMIT:
                raise InputError(f"{path} made the decoder {self._end(process)}: remove it or copy it again")
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _end(self, process: subprocess.Popen[bytes]) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
        code = process.returncode
        self._stop()
        return (
            f"crash ({signal.Signals(-code).name})"
            if code is not None and code < 0
            else f"stop (status {code})"
        )

    def _received(self, reply: dict[str, Any], path: Path) -> Decoded:
        mosaic = np.load(Path(self._exchange.name) / MOSAIC, allow_pickle=False)
        frame = RawFrame(
            mosaic=mosaic,
            black=np.array(reply["black"], np.float64),
            white=int(reply["white"]),
            white_balance=np.array(reply["white_balance"], np.float64),
            color_matrix=np.array(reply["color_matrix"], np.float64),
            xyz_to_camera=np.array(reply["xyz_to_camera"], np.float64),
            path=path,
            flip=int(reply["flip"]),
            notes=tuple(reply["notes"]),
            masked=reply["masked"],
        )
        return Decoded(frame, str(reply["pattern"]))

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._process = None
