"""Times of the forms of Pack, UnPack and PixelShuffle: a fresh process per round, as for every other time.

Within a process the forms are timed one after another, several times, each time beginning with another form,
so that what the machine does meanwhile hits all alike; the process contributes the median of each. The
present form is timed twice: the ratio of the two ought to be 1 and is this cell's own noise floor.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import pixel_shuffle

from llpacknet.packing import pack, pack_loop, unpack, unpack_2020, unpack_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

# LLPackNet's last step: 192 channels to RGB; its first: four planes of half the size.
FACTOR, COLOURS, PLANES = 8, 3, 4
# How often a process times each form, as many within these limits as `PROCESS_S` allows.
FEWEST, MOST = 3, 9
PROCESS_S = 1.5
SEED = 2020
# A process that has not answered by then hangs.
TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Tensors:
    """What the forms are given, the same for all.

    Attributes:
        channels: (1, 192, h, w) before UnPack.
        planes: (4, 1, 4h, 4w), the colours of a Bayer mosaic before Pack.
        kept: (1, 3, 8h, 8w), preallocated memory, for the forms that can use it.
    """

    channels: Tensor
    planes: Tensor
    kept: Tensor


def noise(batch: int, rows: int, columns: int) -> Tensor:
    """(batch, 192, rows, columns) of normal noise, the same at every call."""
    generator = torch.Generator().manual_seed(SEED)
    return torch.randn(batch, COLOURS * FACTOR**2, rows, columns, generator=generator)


def tensors(height: int, width: int, device: str) -> Tensors:
    """Noise for one image of a size, whose sides are rounded up to multiples of 16."""
    rows, columns = -(-height // (2 * FACTOR)) * 2, -(-width // (2 * FACTOR)) * 2
    channels = noise(1, rows, columns).to(device)
    half = FACTOR // 2
    planes = channels[0, : PLANES * half**2].reshape(PLANES, 1, half * rows, half * columns).clone()
    return Tensors(channels, planes, channels.new_empty(1, COLOURS, FACTOR * rows, FACTOR * columns))


def unpack_loop_kept(given: Tensors) -> Tensor:
    """Algorithm 1 into preallocated memory."""
    for r in range(FACTOR):
        for c in range(FACTOR):
            first = (r * FACTOR + c) * COLOURS
            given.kept[:, :, r::FACTOR, c::FACTOR] = given.channels[:, first : first + COLOURS]
    return given.kept


def unpack_kept(given: Tensors) -> Tensor:
    """Apply the one-liner of 2022 into preallocated memory."""
    _, _, rows, columns = given.channels.shape
    blocks = given.channels.reshape(1, FACTOR, FACTOR, COLOURS, rows, columns)
    given.kept.view(1, COLOURS, rows, FACTOR, columns, FACTOR).copy_(blocks.permute(0, 3, 4, 1, 5, 2))
    return given.kept


# PixelShuffle takes the same channels for other pixels, which costs the same.
TIMED: dict[str, Callable[[Tensors], Tensor]] = {
    "loop": lambda given: unpack_loop(given.channels, FACTOR),
    "unpack_2020": lambda given: unpack_2020(given.channels, FACTOR),
    "unpack": lambda given: unpack(given.channels, FACTOR),
    "pixelshuffle": lambda given: pixel_shuffle(given.channels, FACTOR),
    "loop_kept": unpack_loop_kept,
    "unpack_kept": unpack_kept,
    "pack_loop": lambda given: pack_loop(given.planes, FACTOR),
    "pack": lambda given: pack(given.planes, FACTOR),
    "unpack_twin": lambda given: unpack(given.channels, FACTOR),
}


def in_processes(height: int, width: int, device: str, threads: int, count: int) -> dict[str, list[float]]:
    """Seconds of each form, one value a process.

    Args:
        height: rows of the image.
        width: columns.
        device: "cpu" or "cuda".
        threads: of torch.
        count: processes, one after another.

    Raises:
        RuntimeError: one ended without an answer.
    """
    found: dict[str, list[float]] = {name: [] for name in TIMED}
    for number in range(count):
        asked = [height, width, device, threads, number]
        command = [sys.executable, "-P", "-m", "bench.measure.kernel_rounds", json.dumps(asked)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        if ended.returncode:
            last = (ended.stderr.strip().splitlines() or ["no message"])[-1]
            raise RuntimeError(f"a process that times UnPack ended with {ended.returncode}: {last}")
        for name, seconds in json.loads(ended.stdout).items():
            found[name].append(seconds)
    return found


def timed(given: Tensors, first: int = 0) -> dict[str, float]:
    """Median seconds of each form in this process, after one call of each that is not counted.

    Args:
        given: what the forms get.
        first: number of the form that begins.
    """
    forms = list(TIMED.items())
    for _, form in forms:
        _seconds(form, given)
    found: dict[str, list[float]] = {name: [] for name in TIMED}
    started = time.perf_counter()
    for number in range(MOST):
        if number >= FEWEST and time.perf_counter() - started > PROCESS_S:
            break
        start = (first + number) % len(forms)
        for name, form in (*forms[start:], *forms[:start]):
            found[name].append(_seconds(form, given))
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def _seconds(form: Callable[[Tensors], Tensor], given: Tensors) -> float:
    _wait(given)
    start = time.perf_counter()
    image = form(given)
    _wait(given)
    seconds = time.perf_counter() - start
    del image
    return seconds


def _wait(given: Tensors) -> None:
    if given.channels.device.type == "cuda":
        torch.cuda.synchronize()


def main(arguments: list[Any]) -> None:
    """Time all forms in this process; prints the seconds of each as JSON."""
    height, width, device, threads, number = arguments
    torch.set_num_threads(threads)
    with torch.inference_mode():
        print(json.dumps(timed(tensors(height, width, device), number)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
