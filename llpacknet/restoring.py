"""Restore one dark raw photograph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from llpacknet.errors import InputError
from llpacknet.raw.read import read_raw
from llpacknet.red_gain import red_gain

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TURNS = {0: 0, 3: 2, 5: 1, 6: 3}
"""LibRaw's flip code to quarter turns, counter-clockwise."""


def restore(
    path_or_mosaic: str | Path | NDArray[np.float32],
    model: str | torch.nn.Module = "llpacknet",
    gain: float | Literal["auto"] = "auto",
    device: str = "cpu",
    runtime: str = "eager",
    precision: str = "fp32",
) -> NDArray[np.uint8]:
    """Restore a dark raw photograph with a network.

    Args:
        path_or_mosaic: a Bayer raw file, or a normalised RGGB mosaic (H, W), 0 black and 1 saturation.
        model: a learned method of the registry with its shipped weights, or a network called as LLPackNet is.
        gain: what the mosaic is multiplied by; "auto" leaves it to a method with its own amplifier and gives
            the others RED's estimate with m = 5.
        device: "cpu", "cuda" or another of torch's names.
        runtime: "eager".
        precision: "fp32".

    Returns:
        (H, W, 3) uint8 RGB, sRGB-encoded; a file's picture is turned upright as the file says.

    Raises:
        InputError: an unusable file, mosaic, gain, model, runtime or precision.

    """
    if (runtime, precision) != ("eager", "fp32"):
        raise InputError(
            f"restore runs eager in fp32, not {runtime} in {precision}; leave both at their defaults"
        )
    mosaic, turns = _mosaic(path_or_mosaic)
    network, needs_gain, clip = _network(model)
    factor = _factor(gain, needs_gain, mosaic)
    if factor is not None:
        mosaic = mosaic * np.float32(factor)
    if clip is not None:
        mosaic = np.minimum(mosaic, np.float32(clip))
    with torch.inference_mode():
        placed = torch.from_numpy(np.ascontiguousarray(mosaic))[None, None].to(device)
        rgb: torch.Tensor = network.to(device)(placed)[0].clamp(0, 1).mul(255).round()
        picture = rgb.to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(np.rot90(picture, turns))


def _mosaic(source: str | Path | NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    if isinstance(source, (str, Path)):
        frame = read_raw(Path(source))
        return frame.normalised(), _TURNS.get(frame.flip, 0)
    mosaic = np.asarray(source)
    if mosaic.ndim != 2 or mosaic.dtype.kind != "f":
        raise InputError(
            f"a mosaic must be a floating-point array (H, W), got {mosaic.dtype} of shape {mosaic.shape}; "
            "normalise it to 0 for black and 1 for saturation"
        )
    return mosaic.astype(np.float32, copy=False), 0


def _network(model: str | torch.nn.Module) -> tuple[torch.nn.Module, bool, float | None]:
    """Build a network; with it, whether it needs the gain, and its clip after the gain."""
    from baselines.registry import conventions, create, spec
    from llpacknet.network import fuse_weight_norm

    name, built = ("", model) if isinstance(model, torch.nn.Module) else (model, None)
    if built is None:
        if spec(name).kind != "network":
            raise InputError(f"restore takes a network, and {name} is none; choose llpacknet, for example")
        built = fuse_weight_norm(create(name))
        return built, *conventions(name, built)
    clip: Any = getattr(built, "input_clip", None)
    own_amplifier = getattr(built, "amplifier", None) is not None
    return built, bool(getattr(built, "needs_gain", not own_amplifier)), clip


def _factor(gain: float | str, needs_gain: bool, mosaic: NDArray[np.float32]) -> float | None:
    if gain == "auto":
        return red_gain(mosaic) if needs_gain else None
    if isinstance(gain, str) or not 0 < gain < float("inf"):
        raise InputError(f"a gain must be 'auto' or a positive number, got {gain!r}")
    if not needs_gain:
        raise InputError("this method finds its own gain: leave gain at 'auto'")
    return float(gain)
