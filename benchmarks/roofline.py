"""How near each runtime comes to what this machine's processor and memory allow, and where the rest goes.

    python benchmarks/roofline.py [--size HxW] [--rounds N] [--threads N] [--model NAME]
                                  [--runtimes A,B] [--out FILE.json]

Methodology: the roof is the fastest of several compute-bound kernels (products by torch's and NumPy's
library, convolutions, an inner product, a loop within the registers), before and after the passes, and a copy
within memory far beyond the caches; the floor of a pass is its multiplications and additions over that roof.
A form above it, or a kernel above what the vector instructions allow, is printed as a fault of the roof. All
forms that exist here are called in turn, round by round, none twice in a row, in one process after a cold and
a warm call of each; shown is the median of the rounds. The profile is the fastest of three more passes, by
torch: operators by kind, with what each convolution reaches of the roof. Number formats for which the
processor has no instructions are named and left out of the roof. Nothing else should run on the machine
meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

import baselines
from baselines.complexity import macs
from bench.machine.environment import machine
from bench.measure import peaks
from bench.measure.subjects import dress
from bench.records.cells import Cell
from bench.records.forms import PRECISIONS, RUNTIMES, why_unsupported
from bench.run.turns import order
from llpacknet.runtimes.processor import lacks

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "int8": torch.int8}
# Profiled passes, of which the fastest is shown: one that met other work says nothing.
PROFILES = 3
# A rate within the noise of the best round is not above the roof.
SLACK = 1.03
# torch's convolution operators here, with the places of input and weight among what they are given.
CONVOLUTIONS = {
    "aten::mkldnn_convolution": (0, 1),
    "aten::_slow_conv2d_forward": (0, 1),
    "mkldnn::_convolution_pointwise_": (1, 2),
}
MOVES = ("copy_", "clone", "contiguous", "pixel_shuffle", "pixel_unshuffle", "mul", "zero_", "fill_")
KINDS = {
    "aten::cat": "concatenation",
    "aten::_weight_norm_interface": "weight-norm",
    "aten::clamp_min": "activations",
    "aten::clamp": "activations",
    "aten::relu": "activations",
    "aten::sigmoid": "activations",
    "aten::sigmoid_": "activations",
    "aten::add": "sums",
    "aten::sum": "check of the input",
    **{f"aten::{name}": "moving and filling" for name in MOVES},
}


def roofs(threads: int) -> dict[str, dict[str, float]]:
    """Operations a second by number format and kernel, and bytes a second of a copy.

    `registers` is the loop that touches no memory; `limit` is what it and the clock allow, and no kernel.
    """
    found: dict[str, dict[str, float]] = {}
    for precision, dtype in DTYPES.items():
        if precision == "fp32" or not lacks(precision):
            best = {name: max(rates) for name, rates in peaks.kernels("cpu", dtype).items()}
            allowed = peaks.of_instructions(precision, threads)
            found[precision] = best | {name.removesuffix("_flops"): max(r) for name, r in allowed.items()}
    return {**found, "bytes": {"copy": max(peaks.copy("cpu", torch.float32))}}


def better(before: dict[str, dict[str, float]], after: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Take the better figure of every kernel: a roof is what the machine can do."""
    return {
        form: {name: max(rate, before[form].get(name, 0)) for name, rate in kernels.items()}
        for form, kernels in after.items()
    }


def roof(kernels: dict[str, float]) -> tuple[str, float]:
    """Name the fastest kernel, and its rate."""
    real = {name: rate for name, rate in kernels.items() if name not in {"limit", "clock_hz"}}
    name = max(real, key=lambda kernel: real[kernel])
    return name, real[name]


def seconds(call: Any) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def forms(model: str, threads: int, runtimes: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Every form of a network that can be made here, and why the others cannot."""
    made, missing = {}, {}
    for runtime in runtimes:
        for precision in PRECISIONS:
            cell = Cell(model, "latency", device="cpu", runtime=runtime, precision=precision, threads=threads)
            reason = why_unsupported(cell, baselines.spec(model))
            if reason is None:
                made[f"{runtime} {precision}"] = dress(cell, baselines.create(model, weights="none")).form
            else:
                missing[f"{runtime} {precision}"] = reason
    return made, missing


def timed(made: dict[str, Any], mosaic: torch.Tensor, rounds: int) -> dict[str, list[float]]:
    """Seconds of each form per round."""
    for call in made.values():
        call(mosaic)
        call(mosaic)
    found: dict[str, list[float]] = {name: [] for name in made}
    for number in range(rounds):
        for name in order(list(made), number):
            found[name].append(seconds(lambda name=name: made[name](mosaic)))
    return found


def profiled(call: Any, mosaic: torch.Tensor) -> dict[str, dict[str, float]]:
    """Profile some passes and keep the fastest."""
    return min((profiled_once(call, mosaic) for _ in range(PROFILES)), key=whole_of)


def whole_of(kinds: dict[str, dict[str, float]]) -> float:
    """Seconds of a profiled pass."""
    return sum(entry["seconds"] for entry in kinds.values())


def profiled_once(call: Any, mosaic: torch.Tensor) -> dict[str, dict[str, float]]:
    """Seconds and operations of one pass by kind of operator; Python and what no kind names is `rest`."""
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as record:
        whole = seconds(lambda: call(mosaic))
    found: defaultdict[str, dict[str, float]] = defaultdict(lambda: {"seconds": 0.0, "operations": 0.0})
    for event in record.events():
        kind, operations = kind_of(event)
        if kind is not None:
            found[kind]["seconds"] += event.self_cpu_time_total / 1e6
            found[kind]["operations"] += operations
    found["rest"]["seconds"] = whole - sum(entry["seconds"] for entry in found.values())
    return dict(found)


def kind_of(event: Any) -> tuple[str | None, float]:
    """Kind of an operator, and its multiplications and additions."""
    if event.name not in CONVOLUTIONS:
        return KINDS.get(event.name), 0.0
    place, weights = CONVOLUTIONS[event.name]
    x, weight = event.input_shapes[place], event.input_shapes[weights]
    outputs, inputs, kernel, _ = weight
    # The pass without a halo reads a row above and below of what it gives.
    rows = x[2] - (kernel - 1 if place else 0)
    name = f"{kernel}x{kernel} convolutions, {'192' if outputs == 192 else 'to ' + str(outputs)} channels"
    return name, 2.0 * x[0] * rows * x[3] * outputs * inputs * kernel**2


def report(arguments: argparse.Namespace, result: dict[str, Any]) -> None:
    """Print roofs, floors, forms and profiles."""
    height, width = arguments.size
    print(f"{result['processor']}, {arguments.threads} threads, {result['date']}")
    best = {form: roof(kernels) for form, kernels in result["roofs"].items()}
    for form, (kernel, peak) in best.items():
        unit = "GB/s" if form == "bytes" else f"GFLOP/s, floor {result['work'] / peak:.3f} s"
        limit = result["roofs"][form].get("limit")
        allowed = f"; instructions allow {limit / 1e9:.1f}" if limit else ""
        print(f"  {form:6} {peak / 1e9:8.1f} {unit} ({kernel}){allowed}")
        if limit and peak > SLACK * limit:
            print(f"  fault of the roof: {kernel} exceeds what the instructions allow")
    print(f"{arguments.model}, {height}x{width}, {result['work'] / 1e9:.1f} GFLOP, {arguments.rounds} rounds")
    reference = result["seconds"]["published fp32"]
    for name, times in result["seconds"].items():
        _, peak = best.get(result["computes"][name], ("", 0.0))
        floor = (
            f"{result['work'] / peak / statistics.median(times):6.1%} of the floor's speed" if peak else ""
        )
        ratio = statistics.median(a / b for a, b in zip(times, reference, strict=True))
        note = result["notes"].get(name, "")
        if peak and result["work"] / statistics.median(times) > SLACK * peak:
            note += " fault of the roof: this form exceeds it"
        print(f"  {name:18} {statistics.median(times):7.3f} s {ratio:7.3f} of published {floor} {note}")
    for name, reason in result["missing"].items():
        print(f"  {name:18} – {reason}")
    for name, kinds in result["profiles"].items():
        whole = sum(entry["seconds"] for entry in kinds.values())
        print(f"{name}, one profiled pass of {whole:.3f} s")
        for kind, entry in sorted(kinds.items(), key=lambda item: -item[1]["seconds"]):
            rate = entry["operations"] / max(entry["seconds"], 1e-9)
            reached = f"{rate / 1e9:6.0f} GFLOP/s" if rate else ""
            print(f"  {kind:34} {entry['seconds']:7.3f} s {entry['seconds'] / whole:7.1%} {reached}")


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="2848x4256", type=lambda text: tuple(map(int, text.split("x"))))
    parser.add_argument("--rounds", default=5, type=int)
    parser.add_argument("--threads", default=len(os.sched_getaffinity(0)), type=int)
    parser.add_argument("--model", default="llpacknet")
    parser.add_argument("--runtimes", default=",".join(RUNTIMES), help="`published` is among them")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    mosaic = torch.rand(1, 1, *arguments.size, generator=torch.Generator().manual_seed(0))
    made, missing = forms(arguments.model, arguments.threads, arguments.runtimes.split(","))
    # Not in inference mode, in which operators are not counted.
    work = 2.0 * macs(baselines.create(arguments.model, weights="none"), *arguments.size)
    with torch.inference_mode():
        before = roofs(arguments.threads)
        result: dict[str, Any] = {
            "processor": machine()["cpu"]["model"],
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "work": work,
            "seconds": timed(made, mosaic, arguments.rounds),
            "missing": missing,
            "computes": {name: form.computes for name, form in made.items()},
            "notes": {name: form.note for name, form in made.items() if form.note},
            "profiles": {
                name: profiled(made[name], mosaic)
                for name in ("published fp32", "eager fp32", "eager bf16")
                if name in made
            },
        }
        result["roofs"] = better(before, roofs(arguments.threads))
    report(arguments, result)
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
