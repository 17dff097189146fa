"""Memory: the kernel's own record of this process's largest resident size, reset between loading and running.

`run_peak_bytes` is that record over the forward pass, minus the resident size once weights and input are in
place; `load_peak_bytes` the same over building the method with its weights. Not `ru_maxrss`: a child inherits
its parent's.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psutil
import torch

from bench.machine import trace
from bench.measure import subjects
from bench.measure.inputs import cost_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.measure.subjects import Subject
    from bench.records.jobs import Order

SAMPLING_S = 0.001


class PeakWatch(Protocol):
    """Finds the largest resident size since it was last reset."""

    method: str

    def reset(self) -> int:
        """Begin anew; returns the resident size in bytes."""

    def peak(self) -> int:
        """Return the largest resident size since the reset, in bytes."""


class KernelWatch:
    """Linux: VmHWM of /proc/self/status, which writing 5 to /proc/self/clear_refs resets."""

    method = "VmHWM"

    def reset(self) -> int:
        """Begin anew; returns the resident size in bytes."""
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return _status("VmRSS")

    def peak(self) -> int:
        """Return the largest resident size since the reset, in bytes."""
        return _status("VmHWM")


class SamplingWatch:
    """Elsewhere: a thread that looks at the resident size every millisecond, and can miss short peaks."""

    method = "sampled"

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._peak = 0
        threading.Thread(target=self._look, daemon=True).start()

    def reset(self) -> int:
        """Begin anew; returns the resident size in bytes."""
        self._peak = resident = int(self._process.memory_info().rss)
        return resident

    def peak(self) -> int:
        """Return the largest resident size since the reset, in bytes."""
        self._peak = max(self._peak, self._process.memory_info().rss)
        return self._peak

    def _look(self) -> None:
        while True:
            self._peak = max(self._peak, self._process.memory_info().rss)
            time.sleep(SAMPLING_S)


def watch() -> PeakWatch:
    """Return the best watch that this system has."""
    kernel = KernelWatch()
    try:
        kernel.reset()
        kernel.peak()
    except (OSError, LookupError):
        return SamplingWatch()
    return kernel


def begin(order: Order) -> Callable[[int], dict[str, Any]]:
    """Begin a job by measuring its one cell; returns what gives the values."""
    ledger = Ledger()
    with trace.span("input"):
        frame, gain = cost_frame(order.job)
    with trace.span("build"):
        subject = ledger.load(lambda: subjects.build(order.job.cell, order.job.weights))
    with trace.span("input"):
        placed = subject.place(frame, gain, subject.conventions.input_clip)
    if subject.network:
        del frame
    with trace.span("method: cold call"):
        output = ledger.run(subject, placed)
    height, width = order.job.cell.height, order.job.cell.width
    assert height is not None
    assert width is not None
    with trace.span("output check"):
        subject.check(output, height, width)
    return lambda _: {**ledger.values(), **subject.facts()}


class Ledger:
    """Keeps the peaks of one process, from before its method is built until after its forward pass."""

    def __init__(self) -> None:
        self._watch = watch()
        self._peaks: dict[str, int] = {}
        self._process_peak = 0
        self._method = self._watch.method

    def load(self, build: Callable[[], Subject]) -> Subject:
        """Build the method and keep the peak of doing so."""
        self._process_peak = max(self._process_peak, self._watch.peak())
        before = self._settle()
        subject = build()
        self._keep("load_peak_bytes", before)
        return subject

    def run(self, subject: Subject, placed: Any) -> Any:
        """Make one forward pass and keep its peak: the first pass, as every fresh process would make it."""
        if subject.device == "cuda":
            return self._run_on_device(subject, placed)
        self._process_peak = max(self._process_peak, self._watch.peak())
        before = self._settle()
        output = subject.forward(placed)
        self._keep("run_peak_bytes", before)
        return output

    def values(self) -> dict[str, Any]:
        """Return a memory cell's values."""
        return {**self._peaks, "process_peak_bytes": self._process_peak, "method": self._method}

    def _run_on_device(self, subject: Subject, placed: Any) -> Any:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before, free = torch.cuda.memory_allocated(), torch.cuda.mem_get_info()[0]
        output = subject.forward(placed)
        torch.cuda.synchronize()
        self._peaks["run_peak_bytes"] = torch.cuda.max_memory_allocated() - before
        self._peaks["device_reserved_bytes"] = torch.cuda.max_memory_reserved()
        self._peaks["device_growth_bytes"] = max(free - torch.cuda.mem_get_info()[0], 0)
        self._process_peak = max(self._process_peak, self._watch.peak())
        self._method = "cuda-allocator"
        return output

    def _settle(self) -> int:
        """Give freed pages back, which would otherwise be used again unseen, and begin a new record."""
        gc.collect()
        trim_heap()
        return self._watch.reset()

    def _keep(self, name: str, before: int) -> None:
        peak = self._watch.peak()
        self._peaks[name] = max(peak - before, 0)
        self._process_peak = max(self._process_peak, peak)


def trim_heap() -> None:
    """Return the allocator's free pages to the kernel, where the C library can (glibc)."""
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _status(field: str) -> int:
    """Read a size from /proc/self/status in bytes."""
    with open("/proc/self/status", "rb", buffering=0) as stream:  # noqa: PTH123 -- no buffer that would count
        text = os.read(stream.fileno(), 65536)
    name = field.encode() + b":"
    line = next((line for line in text.splitlines() if line.startswith(name)), None)
    if line is None:
        raise LookupError(f"/proc/self/status has no {field}")
    return int(line.split()[1]) * 1024
