"""The machine that a result was measured on, with nothing that identifies its user: no host name or path."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import psutil

LIBRARIES = (
    *("llpacknet-bench", "torch", "torchvision", "numpy", "rawpy", "scipy", "scikit-image", "numba", "lpips"),
    *("onnx", "onnxruntime", "openvino", "nncf", "distributed"),
)
_ABSOLUTE = re.compile(r"(?<![\w.:/~>])/(?:[^\s/:;,'\"]+/)+([^\s/:;,'\"]+)")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
# What else in a process's environment changes times or arithmetic; recorded as it was.
VARIABLES = (
    *(*THREAD_VARIABLES, "OMP_PROC_BIND", "OMP_WAIT_POLICY", "KMP_AFFINITY", "KMP_BLOCKTIME"),
    *("ONEDNN_DEFAULT_FPMATH_MODE", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "CUBLAS_WORKSPACE_CONFIG"),
    *("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES"),
    *("THP_MEM_ALLOC_ENABLE",),
)
# Allocators that are loaded in place of the C library's, as their files are called.
ALLOCATORS = ("jemalloc", "tcmalloc", "mimalloc", "hoard", "snmalloc")
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage")
# A quarter of this is subnormal in fp32; where such numbers are flushed it is 0.
SMALL = 2e-38
_ARITHMETIC = re.compile(r"^(sse4|avx|fma|f16c|amx|neon|asimd|sve|sme\d*$|bf16|i8mm|fphp|vnni)")


@cache
def machine() -> dict[str, Any]:
    """Describe what stays the same during a run; needs neither torch nor rawpy."""
    memory = psutil.virtual_memory()
    return {
        "cpu": {
            "model": _cpu_model(),
            "flags": _cpu_flags(),
            "physical_cores": psutil.cpu_count(logical=False),
            "logical_cores": psutil.cpu_count(),
            "affinity": affinity(),
            "quota_cores": cpu_quota(),
            "governor": _first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        },
        "memory": {
            "total_bytes": memory.total,
            "limit_bytes": memory_limit(),
            "swap_bytes": psutil.swap_memory().total,
            "huge_pages": huge_pages(),
        },
        "system": {
            "name": platform.system(),
            "kernel": platform.release(),
            "architecture": platform.machine(),
        },
        "python": {"version": platform.python_version(), "implementation": platform.python_implementation()},
        "libraries": library_versions(),
        "gpu": gpus(),
    }


def moment(*, gpu: bool = False) -> dict[str, Any]:
    """Describe what changes: load, pressure, clocks, available memory; if asked, the GPU too."""
    frequency = _frequency()
    load = os.getloadavg() if hasattr(os, "getloadavg") else None
    state = {
        "utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "load": [round(value, 2) for value in load] if load else None,
        "pressure": {name: _pressure(name) for name in ("cpu", "memory", "io")},
        "cpu_mhz": round(frequency) if frequency else None,
        "available_bytes": available_memory(),
    }
    return {**state, "gpu": gpus()} if gpu else state


def worker_settings() -> dict[str, Any]:
    """Describe torch's state in this process; to be called by a worker, which has imported torch."""
    import torch

    settings: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "blas": _blas(torch.__config__.show()),
        "onednn": torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
        "matmul_precision": torch.get_float32_matmul_precision(),
        "variables": {name: os.environ.get(name) for name in VARIABLES},
        "affinity": affinity(),
        "allocator": allocator(),
        "flushes_subnormals": bool((torch.full((1,), SMALL) * 0.25 == 0).all()),
    }
    if torch.cuda.is_available():
        settings["cuda"] = {
            "version": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
            "tf32_matmul": torch.backends.cuda.matmul.allow_tf32,
            "tf32_cudnn": torch.backends.cudnn.allow_tf32,
        }
    return settings


def huge_pages() -> dict[str, str] | None:
    """How the kernel gives out transparent huge pages, by the names of its settings; None without them."""
    found = {}
    for name in ("enabled", "defrag"):
        chosen = re.search(r"\[(.+?)\]", _text(HUGE_PAGES / name))
        if chosen:
            found[name] = chosen[1]
    return found or None


def allocator() -> str:
    """Name the allocator of this process: one that was loaded in place of the C library's, or that one's."""
    loaded = _text("/proc/self/maps")
    other = next((name for name in ALLOCATORS if re.search(rf"/lib{name}[^/]*$", loaded, re.MULTILINE)), None)
    return other or " ".join(filter(None, platform.libc_ver())) or platform.system()


def library_versions() -> dict[str, str]:
    """Versions of the installed libraries that results depend on, read only from their metadata."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def affinity() -> list[int] | None:
    """Cores this process may run on; None if the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def usable_cores() -> int:
    """Cores that a measurement may keep busy: affinity and the control group's quota counted, at least 1."""
    cores = len(affinity() or ()) or os.cpu_count() or 1
    quota = cpu_quota()
    return max(1, min(cores, int(quota))) if quota else cores


def wanted_threads() -> int:
    """Threads where none are asked for: OMP_NUM_THREADS, as other libraries follow it, else usable cores."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return max(1, min(int(wanted), usable_cores())) if wanted.isdecimal() else usable_cores()


def available_memory() -> int:
    """Bytes that are available without swapping: the system's figure, or what the control group leaves."""
    free = int(psutil.virtual_memory().available)
    for limit, used in _memory_groups():
        free = min(free, max(limit - used, 0))
    return free


def memory_limit() -> int | None:
    """Bytes the control groups allow; None without a limit."""
    return min((limit for limit, _ in _memory_groups()), default=None)


def cpu_quota() -> float | None:
    """Cores' worth of time the control group allows; None without a limit."""
    quotas = []
    for folder in _groups("cpu"):
        unified = (_first_line(folder / "cpu.max") or "max").split()
        quota = unified[0] if unified[0] != "max" else _first_line(folder / "cpu.cfs_quota_us")
        period = unified[1] if len(unified) == 2 else _first_line(folder / "cpu.cfs_period_us")
        if quota and period and int(quota) > 0:
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def oom_kills() -> int | None:
    """How often the kernel has killed a process because memory ran out; None if it does not say."""
    counter = re.search(r"^oom_kill (\d+)$", _text("/proc/vmstat"), re.MULTILINE)
    return int(counter[1]) if counter else None


def scrub(text: str) -> str:
    """Remove folders that identify a user or an installation from a text for a result.

    Known folders get short names; of any other absolute path only the last part is kept.
    """
    places = {
        str(Path.cwd()): ".",
        str(Path(__file__).resolve().parents[2]): ".",
        sys.prefix: "<python>",
        sys.base_prefix: "<python>",
        os.path.expanduser("~"): "~",  # noqa: PTH111 -- stays as it is where there is no home
    }
    for place in sorted(places, key=len, reverse=True):
        if len(place) > 1:
            text = text.replace(place, places[place])
    return _ABSOLUTE.sub(r"\1", text)


def gpus() -> list[dict[str, str]]:
    """NVIDIA devices as the driver names them: memory, clocks, temperature, power, causes of throttling."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    wanted = (
        *("name", "driver_version", "memory.total", "clocks.sm", "clocks.max.sm", "temperature.gpu"),
        "power.draw",
    )
    # What drivers call the causes of a lowered clock: the second name before release 535.
    for throttling in ("clocks_event_reasons.active", "clocks_throttle_reasons.active"):
        names = (*wanted, throttling)
        command = [program, f"--query-gpu={','.join(names)}", "--format=csv,noheader"]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
        except (OSError, subprocess.SubprocessError):
            continue
        rows = (line.split(", ") for line in answer.splitlines() if line.strip())
        return [dict(zip(names, row, strict=False)) for row in rows]
    return []


def _groups(controller: str) -> list[Path]:
    """Folders of this process's control group and its ancestors, for both versions of the interface."""
    folders: list[Path] = []
    for line in _text("/proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            root = Path("/sys/fs/cgroup")
        elif controller in controllers.split(","):
            root = Path("/sys/fs/cgroup") / controllers
        else:
            continue
        folder = root / path.lstrip("/")
        folders += [part for part in (folder, *folder.parents) if part.is_relative_to(root)]
    return folders


def _memory_groups() -> list[tuple[int, int]]:
    found = []
    for folder in _groups("memory"):
        for limit_file, used_file in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            limit, used = _first_line(folder / limit_file), _first_line(folder / used_file)
            # Version 1 writes "no limit" as a number near 2^63.
            if limit and used and limit.isdigit() and int(limit) < 1 << 60:
                found.append((int(limit), int(used) - _reclaimable(folder)))
    return found


def _reclaimable(folder: Path) -> int:
    """Page cache that counts as used but is given up on demand."""
    match = re.search(r"^(?:total_)?inactive_file (\d+)$", _text(folder / "memory.stat"), re.MULTILINE)
    return int(match[1]) if match else 0


def _cpu_model() -> str:
    match = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    return match[1].strip() if match else platform.processor() or platform.machine()


def _cpu_flags() -> str:
    match = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    return " ".join(sorted(filter(_ARITHMETIC.match, match[1].split()))) if match else ""


def _frequency() -> float | None:
    speeds = re.findall(r"^cpu MHz\s*:\s*([\d.]+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    return sum(map(float, speeds)) / len(speeds) if speeds else None


def _pressure(name: str) -> float | None:
    """Share of the last ten seconds, in per cent, in which something waited for this resource."""
    match = re.search(r"^some avg10=([\d.]+)", _text(f"/proc/pressure/{name}"))
    return float(match[1]) if match else None


def _blas(configuration: str) -> str | None:
    match = re.search(r"BLAS_INFO=(\w+)", configuration)
    return match[1] if match else None


def _first_line(path: str | Path) -> str | None:
    lines = _text(path).splitlines()
    return lines[0].strip() if lines else None


def _text(path: str | Path) -> str:
    """Content of a small system file, empty if there is none or it may not be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
