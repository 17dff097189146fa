"""What torch's own int8 convolutions would gain for LLPackNet's eager form.

    python benchmarks/int8_convolutions.py [--size HxW] [--rounds N] [--threads N] [--model NAME]

Methodology: one pass of the eager form in fp32 is recorded for the shape of every convolution that it
calls. Then each shape is convolved on its own, in turn and round by round, by oneDNN's operators inside
torch: as the eager form does it in fp32 and in bf16 (added to existing sums), and in int8 from unsigned
8-bit activations and 8-bit weights per output channel, added to sums in fp32, added to sums in bf16, or
written as 8 bits. Printed is the median of the rounds, times how often a pass calls it, by kernel and in
all; beside it, in the same process, whole passes of the eager forms and of OpenVINO's int8, which show
what is left for everything else. The eager form adds the convolutions of a dense block's inputs one after
another: in int8 their sums must be kept in more than 8 bits, which the third and fourth column are for;
writing 8 bits at once would need concatenated inputs. Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import torch

import baselines
from bench.run.turns import order
from llpacknet import accumulate
from llpacknet.runtimes.calibration import placed
from llpacknet.runtimes.preparing import Calibration, prepare

if TYPE_CHECKING:
    from collections.abc import Callable

# Outputs' shape, inputs' shape, weights' shape of a convolution, and how many rows and columns it pads.
Shape = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, int]]
ONES = (1, 1)
KINDS = ("fp32", "bf16", "int8 into fp32", "int8 into bf16", "int8 to 8 bits")
FORMS = (("eager", "fp32"), ("eager", "bf16"), ("openvino", "fp32"), ("openvino", "int8"))


def calls(network: torch.nn.Module, mosaic: torch.Tensor) -> Counter[Shape]:
    """Count the convolutions of a pass of the eager form by their shapes."""
    form = prepare(network, "eager", "fp32")
    form(mosaic)
    found: Counter[Shape] = Counter()
    kept = accumulate._fused_add  # noqa: SLF001

    def listening(out: Any, x: Any, weight: Any, bias: Any, padding: Any, *, relu: bool) -> None:
        found[tuple(out.shape), tuple(x.shape), tuple(weight.shape), tuple(padding)] += 1
        kept(out, x, weight, bias, padding, relu=relu)

    accumulate._fused_add = listening  # noqa: SLF001
    try:
        form(mosaic)
    finally:
        accumulate._fused_add = kept  # noqa: SLF001
    return found


def laid_out(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor channels-last."""
    return tensor.contiguous(memory_format=torch.channels_last)


def plain(shape: Shape, dtype: torch.dtype) -> Callable[[], object]:
    """Make the convolution as the eager form calls it."""
    outputs, inputs, weights, padding = shape
    out, x = (laid_out(torch.rand(one).to(dtype)) for one in (outputs, inputs))
    weight = torch.rand(weights).to(dtype).clone(memory_format=torch.channels_last) / 1000
    return lambda: accumulate._fused_add(out, x, weight, None, padding, relu=False)  # noqa: SLF001


def quantised(shape: Shape, dtype: torch.dtype | None) -> Callable[[], object]:
    """Make the convolution in int8, added to sums of a number format, or written as 8 bits if None."""
    outputs, inputs, weights, padding = shape
    x = laid_out(torch.randint(0, 255, inputs, dtype=torch.uint8))
    scales, zeros = torch.full((weights[0],), 1e-3), torch.zeros(weights[0], dtype=torch.int64)
    integers = torch.randint(-127, 127, weights, dtype=torch.int8)
    packed = torch.ops.onednn.qconv_prepack(integers, scales, 0.01, 0, ONES, padding, ONES, 1, list(inputs))
    given = (x, 0.01, 0, packed, scales, zeros)
    how = (None, ONES, padding, ONES, 1)
    if dtype is None:
        convolve = torch.ops.onednn.qconv2d_pointwise.default
        return lambda: convolve(*given, *how, 0.1, 0, torch.uint8, "relu", [], None)
    out = laid_out(torch.rand(outputs).to(dtype))
    add = torch.ops.onednn.qconv2d_pointwise.binary
    return lambda: add(*given, out, *how, 1.0, 0, dtype, 1.0, 0, "sum", 1.0, "none", [], None)


def makers(shape: Shape) -> dict[str, Callable[[], object]]:
    """Make every kind of a convolution."""
    return {
        "fp32": plain(shape, torch.float32),
        "bf16": plain(shape, torch.bfloat16),
        "int8 into fp32": quantised(shape, torch.float32),
        "int8 into bf16": quantised(shape, torch.bfloat16),
        "int8 to 8 bits": quantised(shape, None),
    }


def timed(made: dict[str, Callable[[], object]], rounds: int, times: int) -> dict[str, float]:
    """Median seconds of a call, from alternating rounds of this many calls each."""
    found: dict[str, list[float]] = {name: [] for name in made}
    for call in made.values():
        call()
        call()
    for number in range(rounds):
        for name in order(list(made), number):
            start = time.perf_counter()
            for _ in range(times):
                made[name]()
            found[name].append((time.perf_counter() - start) / times)
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def whole(network: torch.nn.Module, mosaic: torch.Tensor, arguments: argparse.Namespace) -> dict[str, float]:
    """Median seconds of whole passes."""
    made = {}
    for runtime, precision in FORMS:
        calibration = Calibration(placed(network.conventions)) if precision == "int8" else None
        form = prepare(network, runtime, precision, threads=arguments.threads, calibration=calibration)
        form.fit(*arguments.size)
        made[f"{runtime} {precision}"] = lambda form=form: form(mosaic)
    return timed(made, arguments.rounds, 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="2848x4256", type=lambda text: tuple(map(int, text.split("x"))))
    parser.add_argument("--rounds", default=5, type=int)
    parser.add_argument("--threads", default=len(os.sched_getaffinity(0)), type=int)
    parser.add_argument("--model", default="llpacknet")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    network = baselines.create(arguments.model, weights="none")
    mosaic = torch.rand(1, 1, *arguments.size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        totals: dict[tuple[str, str], float] = Counter()
        for shape, count in calls(network, mosaic).items():
            side = shape[2][-1]
            for kind, seconds in timed(makers(shape), arguments.rounds, 3).items():
                totals[f"{side}x{side} to {shape[2][0]}", kind] += count * seconds
        height, width = arguments.size
        print(f"{arguments.model}, {height}x{width}, {arguments.threads} threads, {arguments.rounds} rounds")
        print(f"{'convolutions':16}" + "".join(f"{kind:>16}" for kind in KINDS))
        for name in dict.fromkeys(name for name, _ in totals):
            print(f"{name:16}" + "".join(f"{totals[name, kind]:14.3f} s" for kind in KINDS))
        sums = {kind: sum(s for (_, one), s in totals.items() if one == kind) for kind in KINDS}
        print(f"{'all':16}" + "".join(f"{sums[kind]:14.3f} s" for kind in KINDS))
        for name, seconds in whole(network, mosaic, arguments).items():
            print(f"whole pass, {name:16} {seconds:.3f} s")


if __name__ == "__main__":
    main()
