"""How much faster, and in how much memory, the metrics run than the libraries that they are equal to.

    python benchmarks/metrics.py [--size HxW] [--rounds N] [--skip-lpips]

Methodology: one process for each side, so that each has its own peak of memory; the two sides take turns,
round by round, on the same images; compiled code is warmed up on a small image first; the ratio is that
of the medians. Extra memory is the growth of the process's peak (VmHWM, cleared first) over what it held
before the first full-size call. Values of the two sides are compared on every run. Nothing else should run
on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

SIDES = {
    "PSNR + SSIM": ("llbench", "scikit-image"),
    "LPIPS-alex, the same truth again": ("llbench-lpips", "lpips"),
}


def images(height: int, width: int) -> tuple[Any, Any, Any]:
    """One smooth truth and two noisy predictions, (H, W, 3) uint8, the same in every process."""
    rng = np.random.default_rng(0)
    coarse = rng.random((height // 64 + 2, width // 64 + 2, 3))
    rows, columns = np.arange(height) / 64, np.arange(width) / 64
    r, c = rows.astype(int), columns.astype(int)
    fr, fc = (rows - r)[:, None, None], (columns - c)[None, :, None]
    upper = coarse[r][:, c] * (1 - fc) + coarse[r][:, c + 1] * fc
    lower = coarse[r + 1][:, c] * (1 - fc) + coarse[r + 1][:, c + 1] * fc
    truth = (255 * (upper * (1 - fr) + lower * fr)).astype(np.int16)
    noisy = (truth + rng.integers(-level, level, truth.shape, np.int16) for level in (20, 40))
    first, second = (np.clip(image, 0, 255).astype(np.uint8) for image in noisy)
    # As decoders give images: rows one after another.
    return np.ascontiguousarray(truth, np.uint8), first, second


def llbench(prediction: Any, truth: Any) -> list[float]:
    """PSNR and SSIM as this suite computes them."""
    from bench.metrics import psnr, ssim

    return [psnr(prediction, truth), ssim(prediction, truth)]


def scikit_image(prediction: Any, truth: Any) -> list[float]:
    """PSNR and SSIM by scikit-image's default."""
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    return [
        float(peak_signal_noise_ratio(truth, prediction)),
        float(structural_similarity(truth, prediction, channel_axis=2)),
    ]


def llbench_lpips(prediction: Any, truth: Any) -> list[float]:
    """LPIPS as this suite computes it."""
    from bench.metrics import lpips

    return [lpips(prediction, truth)]


_PACKAGE: list[Any] = []


def package_lpips(prediction: Any, truth: Any) -> list[float]:
    """LPIPS as the package computes it, called once per pair without gradients."""
    import torch

    from bench.metrics import backbone
    from bench.metrics.torchvision_shim import import_lpips

    if not _PACKAGE:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = import_lpips().LPIPS(net="alex", pnet_rand=True, verbose=False)
        path = backbone.find("alex")
        assert path is not None
        weights = backbone.load(path, "alex")
        names = {name.partition(".")[2]: name for name in model.net.state_dict()}
        model.net.load_state_dict({names[key.removeprefix("features.")]: weights[key] for key in weights})
        _PACKAGE.append(model)
    with torch.inference_mode():
        tensors = (
            torch.from_numpy(image.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
            for image in (prediction, truth)
        )
        return [float(_PACKAGE[0](*tensors))]


CALLS = {
    "llbench": llbench,
    "scikit-image": scikit_image,
    "llbench-lpips": llbench_lpips,
    "lpips": package_lpips,
}


def serve(side: str, height: int, width: int) -> None:
    """Measure one call for every line on standard input, and print a line of JSON for it."""
    truth, *predictions = images(height, width)
    call = CALLS[side]
    call(predictions[0][:64, :64], truth[:64, :64])
    # Making the images took more than they take; the peak is counted from here on.
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_bytes()
    print("ready", flush=True)
    for number, _ in enumerate(sys.stdin):
        start = time.perf_counter()
        values = call(predictions[number % 2], truth)
        seconds = time.perf_counter() - start
        extra, peak = peak_bytes() - before, peak_bytes()
        print(json.dumps({"seconds": seconds, "values": values, "extra": extra, "peak": peak}), flush=True)


def peak_bytes() -> int:
    """Kernel's peak of the resident size since it was last cleared."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def compare(title: str, height: int, width: int, rounds: int) -> None:
    """Let both sides take turns, and print the ratio of their medians."""
    workers = {}
    for side in SIDES[title]:
        command = [sys.executable, __file__, "--serve", side, "--size", f"{height}x{width}"]
        workers[side] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert workers[side].stdout is not None
        workers[side].stdout.readline()  # type: ignore[union-attr]
    samples: dict[str, list[Any]] = {side: [] for side in workers}
    for _ in range(rounds + 1):
        for side, worker in workers.items():
            worker.stdin.write("\n")  # type: ignore[union-attr]
            worker.stdin.flush()  # type: ignore[union-attr]
            samples[side].append(json.loads(worker.stdout.readline()))  # type: ignore[union-attr]
    for worker in workers.values():
        worker.stdin.close()  # type: ignore[union-attr]
        worker.wait()
    ours, theirs = SIDES[title]
    differences = [
        abs(a - b)
        for mine, other in zip(samples[ours], samples[theirs], strict=True)
        for a, b in zip(mine["values"], other["values"], strict=True)
    ]
    # The first round meets a cold truth and cold pages; "the same truth again" begins with the second.
    seconds = {side: statistics.median(sample["seconds"] for sample in samples[side][1:]) for side in samples}
    print(f"{title}, {height}x{width}, {len(os.sched_getaffinity(0))} processors, median of {rounds}")
    for side in (ours, theirs):
        last = samples[side][-1]
        print(
            f"  {side:14} {seconds[side]:8.3f} s   first {samples[side][0]['seconds']:.3f} s   "
            f"extra memory {last['extra'] / 1e9:.3f} GB   peak {last['peak'] / 1e9:.3f} GB"
        )
    print(f"  ratio {seconds[theirs] / seconds[ours]:.1f}   largest difference {max(differences):.1e}")


def main() -> None:
    """Read the options and run both comparisons."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="2848x4256", help="height x width")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip-lpips", action="store_true")
    parser.add_argument("--serve", choices=CALLS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    height, width = map(int, options.size.split("x"))
    if options.serve:
        serve(options.serve, height, width)
        return
    for title in SIDES:
        if not (options.skip_lpips and title.startswith("LPIPS")):
            compare(title, height, width, options.rounds)


if __name__ == "__main__":
    main()
