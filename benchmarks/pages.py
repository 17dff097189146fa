"""What fresh pages of memory cost a network's published form.

    python benchmarks/pages.py [--size HxW] [--rounds N] [--threads N] [--model NAME]

Methodology: one process for each setting, all with the same mosaic, called in turn, round by round, none
twice in a row: `fresh`, as torch and the C library are, which give a large block back to the kernel as
soon as it is freed; a twin of it, whose ratio to it ought to be 1; `kept`, the C library told to keep
what is freed (as `bench.machine.pages.kept`); `huge`, torch told to ask for pages of 2 MB. Printed are
the median, range and ratio to `fresh` of the warm calls, with the page faults of a call and the seconds
it spent in the kernel. Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import sys
import time
from typing import Any

from serving import measure

from bench.machine import pages

SETTINGS = ("fresh", "twin", "kept", "huge")


def serve(setting: str, model: str, height: int, width: int, threads: int) -> None:
    """Make one call for every line on standard input, and print a line of JSON for it."""
    if setting == "huge":
        pages.ask_for_huge()
    import torch

    import baselines

    torch.set_num_threads(threads)
    network = baselines.create(model, weights="none")
    mosaic = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(0))
    print(json.dumps({"ready": True}), flush=True)
    within = pages.kept() if setting == "kept" else contextlib.nullcontext()
    with within, torch.inference_mode():
        for _ in sys.stdin:
            before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
            network(mosaic)
            seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
            facts = {
                "seconds": seconds,
                "faults": after.ru_minflt - before.ru_minflt,
                "kernel_s": after.ru_stime - before.ru_stime,
            }
            print(json.dumps(facts), flush=True)


def report(arguments: argparse.Namespace, samples: dict[str, list[dict[str, Any]]]) -> None:
    """Print a line per setting."""
    height, width = arguments.size
    print(f"{arguments.model}, {height}x{width}, {arguments.threads} threads, {arguments.rounds} rounds")
    print(f"{'pages':8} {'cold s':>8} {'warm s':>20} {'of fresh':>18} {'faults':>9} {'in the kernel':>14}")
    reference = [sample["seconds"] for sample in samples["fresh"][1:]]
    for setting, (cold, *warm) in samples.items():
        seconds = [sample["seconds"] for sample in warm]
        ratios = [one / other for one, other in zip(seconds, reference, strict=True)]
        spread = f"{statistics.median(seconds):.3f} ({min(seconds):.2f}–{max(seconds):.2f})"
        ratio = f"{statistics.median(ratios):.3f} ({min(ratios):.2f}–{max(ratios):.2f})"
        faults, kernel = (statistics.median(one[key] for one in warm) for key in ("faults", "kernel_s"))
        print(f"{setting:8} {cold['seconds']:8.2f} {spread:>20} {ratio:>18} {faults:9.0f} {kernel:12.2f} s")


def main() -> None:
    """Measure and print, or serve one setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="2848x4256", type=lambda text: tuple(map(int, text.split("x"))))
    parser.add_argument("--rounds", default=7, type=int)
    parser.add_argument("--threads", default=len(os.sched_getaffinity(0)), type=int)
    parser.add_argument("--model", default="llpacknet")
    parser.add_argument("--serve", choices=SETTINGS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.model, *arguments.size, arguments.threads)
    else:
        report(arguments, measure(__file__, SETTINGS, arguments))


if __name__ == "__main__":
    main()
