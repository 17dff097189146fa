"""The checks of a network: each returns what it saw, or raises `Violation` with what to do."""

from __future__ import annotations

import copy
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import baselines
from bench.machine.wording import plural
from bench.measure.conformance.export import export
from bench.measure.conformance.findings import NotApplicable, Violation
from bench.measure.conformance.method import Method, brief, frame, numbers
from bench.measure.conformance.resources import memory, settings
from bench.measure.conformance.shared import conventions, determinism, gain_has_effect, unchanged_input

if TYPE_CHECKING:
    from collections.abc import Callable

# The smallest frame, narrow ones, and sides that are multiples of nothing but 2.
EVEN = ((16, 16), (18, 46), (34, 16), (50, 22), (16, 130), (62, 94))
EASY, ODD = (64, 96), (33, 47)
SIZES = (
    "accept every even height and width from 16 up: pad inside to the multiple you need and crop after, as "
    "llpacknet.padding.pad_to_multiple and crop do"
)
# Of the largest magnitude in an output: what another order of additions may change.
TOLERANCE = 1e-4


def sizes(method: Method) -> str:
    """Check that every even size from 16 up gives its image; odd ones are refused or restored correctly."""
    method.restore(frame(*EASY))
    for height, width in EVEN:
        try:
            method.restore(frame(height, width))
        except Violation as violation:
            raise Violation(violation.problem, SIZES) from violation
    odd = f"{ODD[0]}x{ODD[1]}"
    try:
        output = method.subject.forward(torch.rand(1, 1, *ODD) * 0.2)
    except Exception as error:  # noqa: BLE001 -- however it refuses
        refusal = brief(error)
    else:
        if tuple(output.shape) != (1, 3, *ODD):
            raise Violation(
                f"an odd frame of {odd} gives the shape {tuple(output.shape)}",
                "refuse what is not a Bayer mosaic, as llpacknet.padding.check_mosaic does, or keep its size",
            )
        refusal = "done"
    return f"{', '.join(f'{height}x{width}' for height, width in EVEN)}; odd {odd}: {refusal}"


def batch(method: Method) -> str:
    """Check that an image comes out the same alone and beside another one."""
    alone = [method.place(frame(48, 64, seed)) for seed in (1, 2)]
    # The second is darker: what is averaged over a batch shows.
    alone[1] = alone[1] * 0.3
    together = numbers(method.call(torch.cat(alone), "a batch of two"))
    if together.shape != (2, 3, 48, 64):
        raise Violation(f"a batch of two 48x64 frames gives the shape {together.shape}", BATCH)
    single = np.concatenate([numbers(method.call(one, "a batch of one")) for one in alone])
    worst = _difference(together, single)
    if worst > TOLERANCE:
        raise Violation(f"an image in a batch of two differs from the same image alone by {worst:.1e}", BATCH)
    return f"two frames together against each alone: {worst:.1e} of the largest value"


BATCH = (
    "treat every image independently: keep the batch first when reshaping, and average over channels, "
    "rows and columns, never over the batch"
)


def gain(method: Method) -> str:
    """Check that the conventions are stated, the gain has its effect, and no exposure gives NaN."""
    needs_gain, clip = conventions(method)
    base = frame(48, 64)
    for name, level in (("black", 0), ("saturated", base.white)):
        flat = replace(base, mosaic=np.full_like(base.mosaic, level))
        output = numbers(method.call(method.place(flat, 300.0), f"an all {name} frame"))
        if not np.isfinite(output).all():
            raise Violation(
                f"an all {name} frame gives NaN or infinity",
                "keep divisors away from zero (an estimated gain, a mean level, a norm)",
            )
    said = f"needs_gain {needs_gain}, input_clip {clip}; black and saturated frames give finite values"
    if needs_gain:
        gain_has_effect(method, base)
        return f"{said}; half the gain gives a different image"
    return said + _own_gain(method, base)


def _own_gain(method: Method, base: Any) -> str:
    own = getattr(method.built, "gain", None)
    if not callable(own):
        return "; it reports no gain"
    with torch.inference_mode():
        found = numbers(own(torch.cat([method.place(base), method.place(frame(48, 64, 1))])))
    if found.shape != (2,) or not np.isfinite(found).all() or (found <= 0).any():
        raise Violation(
            f"gain() of a batch of two gives {found.tolist()}, not two positive numbers",
            "gain(mosaic) must return the amplification per image, shape (B,), or not exist",
        )
    return f"; its own gain {found[0]:.3g}"


def dtype(method: Method) -> str:
    """Check that float32 gives float32, and that nothing is tied to one precision."""
    output = method.restore(frame(48, 64))
    if output.dtype != torch.float32:
        raise Violation(
            f"a float32 mosaic gives {output.dtype}",
            "return float32: NumPy constants are float64, and Python's float() in a tensor constructor too",
        )
    if not isinstance(method.built, torch.nn.Module):
        return "float32 gives float32"
    twin = copy.deepcopy(method.built).bfloat16()
    try:
        with torch.inference_mode():
            low = twin(method.place(frame(32, 32)).bfloat16())
    except Exception as error:
        raise Violation(f"after .bfloat16() the call fails with {brief(error)}", DTYPE) from error
    if low.dtype != torch.bfloat16:
        raise Violation(f"after .bfloat16() a bfloat16 mosaic gives {low.dtype}", DTYPE)
    return "float32 gives float32, bfloat16 gives bfloat16"


DTYPE = (
    "make constants in the input's type (x.new_tensor, torch.full_like, dtype=x.dtype) or register buffers"
)


def weights(method: Method) -> str:
    """Check that parameters saved as safetensors and loaded into a new instance give the same image."""
    if not isinstance(method.inner, torch.nn.Module) or not any(True for _ in method.inner.parameters()):
        raise NotApplicable("it has no parameters")
    from safetensors.torch import save_file

    mosaic = method.place(frame(48, 64))
    before = numbers(method.call(mosaic, "a frame of 48x64"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        state = {name: value.contiguous() for name, value in method.inner.state_dict().items()}
        try:
            save_file(state, path)
            loaded = replace(method, built=baselines.create(method.name, weights=path))
        except Exception as error:
            raise Violation(
                f"saving and loading its parameters fails with {brief(error)}", WEIGHTS
            ) from error
    after = numbers(loaded.call(mosaic, "a frame of 48x64 after loading"))
    if not np.array_equal(before, after):
        raise Violation(
            f"with its own parameters reloaded it differs by {_difference(after, before):.1e}", WEIGHTS
        )
    return f"{plural(len(state), 'tensor')}, {sum(value.numel() for value in state.values()):,} numbers"


WEIGHTS = (
    "state_dict() must contain everything that the image depends on, each tensor once: register "
    "buffers, share no memory between entries, and the factory must build the same network each time"
)


def _difference(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    if one.shape != other.shape:
        return float("inf")
    scale = max(float(np.abs(other).max()), 1e-12)
    worst = float(np.abs(one - other).max()) / scale
    return worst if np.isfinite(worst) else float("inf")


# In the order in which they run.
CHECKS: dict[str, Callable[[Method], str]] = {
    "sizes": sizes,
    "batch": batch,
    "determinism": determinism,
    "input": unchanged_input,
    "gain": gain,
    "dtype": dtype,
    "weights": weights,
    "settings": settings,
    "export": export,
    "memory": memory,
}
