"""Profile: where the time of one pass goes, operator by operator, as torch itself tells.

A few passes are profiled and the fastest is kept, since one that met other work says nothing; as many without
the profiler stand beside it, which shows what it costs. The first profiled pass, in which the profiler loads
its libraries, is never among them. Only operators of torch can be told apart: a form in another runtime is
one operator to it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import torch
from torch.profiler import ProfilerActivity, profile

from bench.machine import trace
from bench.measure import subjects
from bench.measure.inputs import cost_frame
from bench.measure.latency import LONG_CALL_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.records.jobs import Order

PASSES = 3
REST = "views, Python and what has no kind"
_MOVES = (
    "copy_",
    "clone",
    "contiguous",
    "pixel_shuffle",
    "pixel_unshuffle",
    "mul",
    "zero_",
    "fill_",
    "_to_copy",
)
KINDS = {
    "aten::cat": "concatenation",
    "aten::_weight_norm_interface": "weight-norm",
    **{
        f"aten::{name}": "activations" for name in ("clamp_min", "clamp", "relu", "leaky_relu", "leaky_relu_")
    },
    **{f"aten::{name}": "activations" for name in ("sigmoid", "sigmoid_", "gelu", "silu")},
    **{f"aten::{name}": "sums" for name in ("add", "add_")},
    "aten::sum": "check of the input",
    "aten::max_pool2d_with_indices": "pooling",
    **{f"aten::{name}": "moving and filling" for name in _MOVES},
}
# torch's convolution operators on processors, with the places of input, weight, padding and stride among what
# they are given.
CONVOLUTIONS = {
    "aten::mkldnn_convolution": (0, 1, 3, 4),
    "aten::_slow_conv2d_forward": (0, 1, 5, 4),
}
# oneDNN's convolution that adds into what it is given first, as `llpacknet.accumulate` calls it.
ACCUMULATING = "mkldnn::_convolution_pointwise_"


def begin(order: Order) -> Callable[[int], dict[str, Any]]:
    """Begin a job by profiling its one cell; returns what gives the values.

    These are `seconds` of the profiled pass, `unprofiled_s` of the fastest pass without the profiler, and
    `kinds`: for each kind of operator its `seconds`, which add up to the pass, and its `operations`, a
    multiplication and an addition being two (0 where it is not known).
    """
    with trace.span("input"):
        frame, gain = cost_frame(order.job)
    with trace.span("build"):
        subject = subjects.build(order.job.cell, order.job.weights)
    with trace.span("input"):
        placed = subject.place(frame, gain, subject.conventions.input_clip)
    with trace.span("method: profiled calls"):
        values = profiled(lambda: subject.forward(placed))
    return lambda _: {**values, **subject.facts()}


def profiled(call: Callable[[], Any]) -> dict[str, Any]:
    """Profile some calls and keep the fastest."""
    cold = _seconds(call)
    passes = PASSES if cold <= LONG_CALL_S else 1
    _once(lambda: torch.zeros(1).add_(1))
    plain = min(_seconds(call) for _ in range(passes))
    seconds, kinds = min((_once(call) for _ in range(passes)), key=lambda one: one[0])
    return {"seconds": seconds, "unprofiled_s": plain, "kinds": kinds}


def _once(call: Callable[[], Any]) -> tuple[float, dict[str, dict[str, float]]]:
    """Seconds of one call, and of its operators by kind."""
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as record:
        whole = _seconds(call)
    found: defaultdict[str, dict[str, float]] = defaultdict(lambda: {"seconds": 0.0, "operations": 0.0})
    for event in record.events():
        kind, operations = kind_of(event)
        if kind is not None:
            found[kind]["seconds"] += event.self_cpu_time_total / 1e6
            found[kind]["operations"] += operations
    told = sum(entry["seconds"] for entry in found.values())
    found[REST] = {"seconds": max(whole - told, 0.0), "operations": 0.0}
    return whole, dict(found)


def kind_of(event: Any) -> tuple[str | None, float]:
    """Kind of an operator, and its multiplications and additions; None for what counts as the rest."""
    if event.name == ACCUMULATING:
        output, weight = event.input_shapes[0], event.input_shapes[2]
        return _convolution(weight, output[0] * output[2] * output[3])
    if event.name in CONVOLUTIONS:
        x, weight, padding, stride = CONVOLUTIONS[event.name]
        (batch, _, *sides), (_, _, *kernel) = event.input_shapes[x], event.input_shapes[weight]
        pixels = batch
        for axis, side in enumerate(sides):
            margins = 2 * event.concrete_inputs[padding][axis]
            pixels *= (side + margins - kernel[axis]) // event.concrete_inputs[stride][axis] + 1
        return _convolution(event.input_shapes[weight], pixels)
    if "transpose" in event.name and "conv" in event.name:
        return "transposed convolutions", 0.0
    return KINDS.get(event.name), 0.0


def _convolution(weight: list[int], pixels: int) -> tuple[str, float]:
    outputs, inputs, rows, columns = weight
    kind = f"{rows}x{columns} convolutions to {outputs} channels"
    return kind, 2.0 * pixels * outputs * inputs * rows * columns


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
