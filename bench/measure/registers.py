"""What a core multiplies where it waits for no memory: a loop of fused multiply-adds within its registers.

A matrix product or a convolution says what a library reaches; libraries choose their instructions by the
processors they know, and some reach half. This loop has nothing to choose: vectors as wide as the processor
has them, as many independent sums as hide an instruction's latency. Beside it stands the clock, from a chain
of additions each of which needs the one before. The two together say how many vectors a core multiplies in a
cycle, and cores x lanes x 2 x units x clock is what no kernel of these instructions can exceed.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils as untyped
from numba.extending import intrinsic

from bench.machine.environment import machine
from llpacknet.runtimes.processor import lacks

if TYPE_CHECKING:
    from collections.abc import Callable

cgutils: Any = untyped
ROUNDS = 5
# How long a loop runs for one figure.
SECONDS = 0.05
# Independent sums: two units of six cycles' latency are kept busy, and AVX2 has registers for them.
SUMS = 12
STEPS = 200_000
# Units are counted in whole numbers: what is measured lies this near to one, or is called a fault.
TOLERANCE = 0.05


@dataclass(frozen=True)
class Bound:
    """What a number format's vector instructions allow on the threads given.

    Attributes:
        precision: "fp32", "bf16" or "int8".
        threads: cores that ran the loop at a time.
        lanes: multiply-adds of one instruction.
        clock_hz: cycles a second of each core, measured.
        flops: operations per second of the loop, best of its rounds; a multiply-add is two.
    """

    precision: str
    threads: int
    lanes: int
    clock_hz: float
    flops: float

    @property
    def units(self) -> float:
        """Instructions that a core finished in a cycle."""
        return self.flops / (2 * self.threads * self.lanes * self.clock_hz)

    @property
    def limit_flops(self) -> float:
        """Cores x lanes x 2 x units x clock, the units a whole number."""
        return 2 * self.threads * self.lanes * max(1, round(self.units)) * self.clock_hz

    @property
    def fault(self) -> str | None:
        """Say in one line where loop and clock contradict each other; None if they agree."""
        if abs(self.units / max(1, round(self.units)) - 1) <= TOLERANCE:
            return None
        return (
            f"{self.precision}: {self.units:.2f} vector multiply-adds a cycle is not a whole number of "
            "units: the cores were shared, or their clock changed"
        )


def bound(precision: str, threads: int) -> Bound | None:
    """Measure what the vector instructions of a number format allow; None if there is no such loop.

    Args:
        precision: "fp32", "bf16" or "int8"; products of the latter two are summed in 32 bits.
        threads: cores at a time.
    """
    lanes = lanes_of(precision)
    if lanes is None:
        return None
    loop = _loop(precision)
    clock = rates(_chain, 2.0 * STEPS, threads) / threads
    flops = rates(loop, 2.0 * lanes * SUMS * STEPS, threads)
    again = rates(_chain, 2.0 * STEPS, threads) / threads
    return Bound(precision, threads, lanes, max(clock, again), flops)


def lanes_of(precision: str) -> int | None:
    """Multiply-adds of the widest vector instruction this program knows and the processor has."""
    flags = set((machine()["cpu"]["flags"] or "").split())
    if precision == "fp32":
        widths = (("avx512f", 16), ("fma", 8), ("asimd", 4))
        return next((lanes for flag, lanes in widths if flag in flags), None)
    wanted = {"bf16": ("avx512_bf16", 32), "int8": ("avx512_vnni", 64)}[precision]
    return None if wanted[0] not in flags or lacks(precision) else wanted[1]


def rates(loop: Callable[[int, float], float], amount: float, threads: int) -> float:
    """Amount per second that a number of threads get through together, the best of `ROUNDS`."""

    def turn(_: int) -> None:
        loop(STEPS, 1e-9)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(turn, range(threads)))
        start = time.perf_counter()
        list(pool.map(turn, range(threads)))
        calls = max(1, round(SECONDS / (time.perf_counter() - start)))
        seconds = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            list(pool.map(lambda _: [loop(STEPS, 1e-9) for _ in range(calls)], range(threads)))
            seconds.append(time.perf_counter() - start)
    return amount * calls * threads / min(seconds)


@numba.njit(nogil=True)
def _chain(steps: int, seed: float) -> float:
    """Additions and exclusive ors in turn, each of the one before: two cycles a step on every core."""
    value, odd, mask = np.int64(seed * 1e12), np.int64(seed * 1e12 + 7), np.int64(seed * 1e12 + 29)
    for _ in range(steps):
        value = (value + odd) ^ mask
    return float(value)


@cache
def _loop(precision: str) -> Any:
    lanes = lanes_of(precision)
    assert lanes is not None
    body = _vector_loop(precision, lanes)

    @numba.njit(nogil=True)
    def loop(steps: int, seed: float) -> Any:
        return body(steps, seed)

    return loop


def _vector_loop(precision: str, lanes: int) -> Any:
    """Build the loop in LLVM's own terms, since its vectoriser may take narrower vectors than there are."""

    @intrinsic
    def body(_: Any, steps: Any, seed: Any) -> Any:  # noqa: ARG001 -- numba reads their types
        def generate(__: Any, builder: Any, ___: Any, arguments: Any) -> Any:
            count, start = arguments
            kind = ir.VectorType(ir.FloatType(), lanes if precision == "fp32" else 16)
            factor = _spread(builder, builder.fptrunc(start, ir.FloatType()), kind)
            multiply_add = _instruction(builder, precision, kind)
            places = [cgutils.alloca_once(builder, kind) for _ in range(SUMS)]
            for number, place in enumerate(places):
                # Different from one another: equal sums would be made once.
                first = builder.fmul(factor, ir.Constant(kind, [float(number)] * kind.count))
                builder.store(first, place)
            with cgutils.for_range(builder, count):
                for place in places:
                    builder.store(multiply_add(builder.load(place), factor), place)
            total = builder.load(places[0])
            for place in places[1:]:
                total = builder.fadd(total, builder.load(place))
            one = builder.extract_element(total, ir.Constant(ir.IntType(32), 0))
            return builder.fpext(one, ir.DoubleType())

        return types.float64(types.int64, types.float64), generate

    return body


def _spread(builder: Any, value: Any, kind: Any) -> Any:
    place = ir.Constant(ir.IntType(32), 0)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, place)
    mask = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), mask)


def _instruction(builder: Any, precision: str, kind: Any) -> Callable[[Any, Any], Any]:
    """Give sum + factor * factor in one instruction of the number format."""
    if precision == "fp32":
        signature = ir.FunctionType(kind, (kind, kind, kind))
        fma = cgutils.get_or_insert_function(builder.module, signature, f"llvm.fma.v{kind.count}f32")
        return lambda total, factor: builder.call(fma, (factor, factor, total))
    binding.initialize_native_asmparser()
    name = {"bf16": "vdpbf16ps", "int8": "vpdpbusd"}[precision]
    shape = ir.FunctionType(kind, (kind, kind, kind))
    code = ir.InlineAsm(shape, f"{name} $3, $2, $0", "=v,0,v,v", side_effect=False)
    return lambda total, factor: builder.call(code, (total, factor, factor))
