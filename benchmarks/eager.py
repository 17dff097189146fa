"""Speed and memory of LLPackNet's inference form compared with its published form.

    python benchmarks/eager.py [--size HxW] [--rounds N] [--threads N] [--model NAME]

Methodology: one process for each form, so that each has its own peak of memory; all get the same made-up
mosaic; the forms take turns, round by round, none twice in a row, and the published form has a twin
whose ratio to it should be 1. Ratios are taken round by round; printed are their median and range. Extra
memory is the growth of the process's peak (VmHWM) in the first call over what was resident before it: the
output counts, weights and input do not. `strips` is the same form writing 8-bit pixels, whose memory beside
input and output is printed too. Outputs are compared with the published form's. Nothing else should run on
the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from serving import measure, status

FORMS = ("published", "twin", "fused", "fast", "strips")


def build(form: str, model: str) -> Any:
    """Make a form of a network, called with a mosaic."""
    import baselines
    from llpacknet.fast import fast
    from llpacknet.network import fuse_weight_norm

    network = baselines.create(model, weights="none")
    if form == "fused":
        return fuse_weight_norm(network)
    if form in {"fast", "strips"}:
        quick = fast(network)
        return quick.image if form == "strips" else quick
    return network


def serve(form: str, model: str, height: int, width: int, threads: int) -> None:
    """Make one call for every line on standard input, and print a line of JSON for it."""
    import torch

    torch.set_num_threads(threads)
    call = build(form, model)
    mosaic = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(0))
    print(json.dumps({"ready": True}), flush=True)
    Path("/proc/self/clear_refs").write_text("5")
    before, extra = status("VmRSS"), None
    with torch.inference_mode():
        for _ in sys.stdin:
            start = time.perf_counter()
            rgb = call(mosaic)
            seconds = time.perf_counter() - start
            extra = extra or status("VmHWM") - before
            output = rgb.numel() * rgb.element_size()
            sample = (rgb if form != "strips" else rgb.permute(0, 3, 1, 2) / 255)[..., ::97, ::89]
            values = sample.float().flatten().tolist()
            del rgb
            facts = {"seconds": seconds, "extra": extra, "output": output, "values": values}
            print(json.dumps(facts), flush=True)


def report(arguments: argparse.Namespace, samples: dict[str, list[dict[str, Any]]]) -> None:
    """Print a line per form."""
    height, width = arguments.size
    print(f"{arguments.model}, {height}x{width}, {arguments.threads} threads, {arguments.rounds} rounds")
    print(
        f"{'form':10} {'cold s':>8} {'warm s':>8} {'ratio':>16} {'memory GB':>10} {'less output':>12}  apart"
    )
    reference = [sample["seconds"] for sample in samples["published"][1:]]
    for form, (cold, *warm) in samples.items():
        seconds = [sample["seconds"] for sample in warm]
        ratios = [one / other for one, other in zip(seconds, reference, strict=True)]
        ratio = f"{statistics.median(ratios):.3f} ({min(ratios):.2f}–{max(ratios):.2f})"
        extra, beside = cold["extra"] / 1e9, (cold["extra"] - cold["output"]) / 1e9
        published = samples["published"][0]["values"]
        apart = max(abs(a - b) for a, b in zip(cold["values"], published, strict=True))
        print(
            f"{form:10} {cold['seconds']:8.2f} {statistics.median(seconds):8.3f} {ratio:>16} "
            f"{extra:10.3f} {beside:12.3f}  {apart:.1e}"
        )


def main() -> None:
    """Measure and print, or serve one form."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="2848x4256", type=lambda text: tuple(map(int, text.split("x"))))
    parser.add_argument("--rounds", default=5, type=int)
    parser.add_argument("--threads", default=len(os.sched_getaffinity(0)), type=int)
    parser.add_argument("--model", default="llpacknet")
    parser.add_argument("--serve", choices=FORMS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.model, *arguments.size, arguments.threads)
    else:
        report(arguments, measure(__file__, FORMS, arguments))


if __name__ == "__main__":
    main()
