"""Restore dark raw photographs: `restore` for one, a `Restorer` for many."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from llpacknet.adapting import Adaptation, adaptation
from llpacknet.conventions import conventions_of
from llpacknet.errors import InputError, UsageError
from llpacknet.raw.read import read_raw
from llpacknet.red_gain import red_gain
from llpacknet.runtimes import Calibration, prepare
from llpacknet.runtimes import calibration as training
from llpacknet.shipped import shipped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llpacknet.raw.frame import RawFrame

# No image from 0 to 1 has a larger mean, overexposed by far or not; one from 0 to 255 mostly has.
BRIGHTEST_MEAN = 16.0
# LibRaw's flip code to quarter turns, counter-clockwise.
TURNS = {0: 0, 3: 2, 5: 1, 6: 3}


def restore(
    path_or_mosaic: str | Path | NDArray[np.float32],
    model: str | torch.nn.Module = "llpacknet",
    gain: float | Literal["auto"] = "auto",
    device: str = "cpu",
    runtime: str = "eager",
    precision: str = "fp32",
) -> NDArray[np.uint8]:
    """Restore a dark raw photograph with a network. For several, build one `Restorer`.

    Args:
        path_or_mosaic: a Bayer raw file, or a normalised RGGB mosaic (H, W), 0 black and 1 saturation.
        model: one of LLPackNet's own networks by name, with its shipped weights ("llpacknet",
            "llpacknet-2020", "llpacknet-2020-conv", "llpacknet-pixelshuffle"), or a built network that is
            called like LLPackNet; see `llpacknet.conventions` for what it may declare.
        gain: what the mosaic is multiplied by; "auto" lets a network with its own amplifier choose, and uses
            RED's estimate with m = 5 for the others.
        device: "cpu", "cuda" or another of torch's names.
        runtime: "published", "eager", "compile", "onnxruntime" or "openvino".
        precision: "fp32", "bf16", "fp16" (CUDA) or "int8".

    Returns:
        (H, W, 3) uint8 RGB, sRGB-encoded; the image of a file is rotated upright as the file says.

    Raises:
        InputError: an unusable file, mosaic, gain or model, or a form that is not available here.

    """
    restorer = Restorer(model, gain, device, runtime, precision)
    if isinstance(path_or_mosaic, (str, Path)):
        return restorer.restore(read_raw(Path(path_or_mosaic))).image
    return restorer.run(restorer.place_mosaic(_checked(path_or_mosaic))).image


@dataclass(frozen=True)
class Placed:
    """A photograph prepared for the network.

    Attributes:
        mosaic: (1, 1, H, W), amplified where the network needs it.
        gain: what it was multiplied by; None if the network finds its own.
        adaptation: how it was converted to the trained colours; None for the trained camera.
        turns: counter-clockwise quarter turns that make the image upright.
        frame: the raw frame itself, for a network from raw to raw; None for others.
    """

    mosaic: torch.Tensor
    gain: float | None
    adaptation: Adaptation | None = None
    turns: int = 0
    frame: RawFrame | None = None


@dataclass(frozen=True)
class Restored:
    """A restored photograph.

    Attributes:
        image: (H, W, 3) RGB, uint8 or uint16, upright.
        gain: the gain behind it, given, estimated or the network's own; None if it does not tell.
        raw: the denoised raw frame, of a network from raw to raw; None of others.
    """

    image: NDArray[Any]
    gain: float | None
    raw: RawFrame | None = None


class Restorer:
    """A network in one form, ready for photographs from any camera.

    Args:
        model: see `restore`.
        gain: see `restore`.
        device: see `restore`.
        runtime: see `restore`.
        precision: see `restore`.
        kept: cache folder for quantised models, which take a minute to make; None for no cache.

    Raises:
        InputError: an unusable gain or model, or a form that is not available here.

    """

    def __init__(
        self,
        model: str | torch.nn.Module = "llpacknet",
        gain: float | str = "auto",
        device: str = "cpu",
        runtime: str = "eager",
        precision: str = "fp32",
        *,
        kept: Path | None = None,
    ) -> None:
        network = shipped(model) if isinstance(model, str) else model
        called = conventions_of(network)
        self.needs_gain, self._clip = called.needs_gain, called.input_clip
        self._keeps_negatives = called.keeps_negatives
        self.given = _checked_gain(gain, self.needs_gain)
        self._device = device
        calibration = None
        if precision == "int8":
            calibration = Calibration(training.placed(called), kept)
        self._form = prepare(
            network, runtime, precision, multiple=called.size_multiple, device=device, calibration=calibration
        )
        self._own_gain = getattr(network.to(device), "gain", None)

    @property
    def note(self) -> str | None:
        """What is to be known of the number format on this processor; None if all is as named."""
        return self._form.note

    def restore(self, frame: RawFrame, bits: Literal[8, 16] = 8) -> Restored:
        """Restore a frame from any camera to 8 or 16 bits per channel, upright."""
        return self.run(self.place(frame), bits)

    def place(self, frame: RawFrame, ev: float = 0.0, mosaic: NDArray[np.float32] | None = None) -> Placed:
        """Normalise a frame, convert it to the trained colours and amplify it, by `ev` stops more.

        Args:
            frame: the raw frame.
            ev: stops.
            mosaic: what `frame.normalised()` gave, which is overwritten; None if it has not been called.

        Raises:
            InputError: `ev` is given to a network that finds its own gain.
        """
        self.check_bracket(ev)
        mosaic, adapted = self._normalised(frame, mosaic), adaptation(frame)
        if adapted is not None:
            adapted.apply(mosaic)
        return self.place_mosaic(mosaic, adapted, TURNS.get(frame.flip, 0), ev)

    def _normalised(self, frame: RawFrame, mosaic: NDArray[np.float32] | None) -> NDArray[np.float32]:
        if mosaic is None or self._keeps_negatives:
            return frame.normalised(keeps_negatives=self._keeps_negatives)
        return mosaic

    def check_bracket(self, ev: float) -> None:
        """Refuse with a UsageError to change the exposure, in stops, of a network that finds its own gain."""
        if ev and not self.needs_gain:
            raise UsageError("this method finds its own gain and cannot give a bracket: drop --ev")

    def place_mosaic(
        self, mosaic: NDArray[np.float32], adapted: Adaptation | None = None, turns: int = 0, ev: float = 0.0
    ) -> Placed:
        """Amplify a normalised mosaic (H, W), which is not changed."""
        factor = self._factor(mosaic) * 2.0**ev if self.needs_gain else None
        if factor is not None:
            mosaic = mosaic * np.float32(factor)
        if self._clip is not None:
            mosaic = np.minimum(mosaic, np.float32(self._clip))
        tensor = torch.from_numpy(np.ascontiguousarray(mosaic))[None, None].to(self._device)
        return Placed(tensor, factor, adapted, turns)

    def _factor(self, mosaic: NDArray[np.float32]) -> float:
        return red_gain(np.maximum(mosaic, 0)) if self.given is None else self.given

    def run(self, placed: Placed, bits: Literal[8, 16] = 8) -> Restored:
        """Run the network on a prepared photograph."""
        with torch.inference_mode():
            image = self._image(placed, bits)
            gain = placed.gain
            if gain is None and self._own_gain is not None:
                gain = float(self._own_gain(placed.mosaic).item())
        return Restored(np.ascontiguousarray(np.rot90(image, placed.turns)), gain)

    def _image(self, placed: Placed, bits: Literal[8, 16]) -> NDArray[Any]:
        if bits == 8 and placed.adaptation is None and self._form.levels is not None:
            levels: NDArray[Any] = self._form.levels(placed.mosaic)[0].numpy()
            return levels
        output = self._form(placed.mosaic)
        _check_output(output, placed.mosaic.shape)
        rgb = output[0].float().clamp(0, 1)
        if placed.adaptation is not None:
            placed.adaptation.correct(rgb)
        return _quantised(rgb, bits)


def _quantised(rgb: torch.Tensor, bits: int) -> NDArray[Any]:
    """(3, H, W) in [0, 1], overwritten -> (H, W, 3) uint8 or uint16, rounded."""
    scaled = rgb.mul_((1 << bits) - 1).round_().permute(1, 2, 0)
    kind = torch.uint8 if bits == 8 else torch.uint16
    return np.ascontiguousarray(scaled.to(kind).cpu().numpy())


def _check_output(output: Any, shape: torch.Size) -> None:
    """Refuse what is not an image of its input: `clamp` would make one of it silently."""
    expected = (1, 3, *shape[-2:])
    if not isinstance(output, torch.Tensor) or tuple(output.shape) != expected:
        found = tuple(getattr(output, "shape", ())) or type(output).__name__
        raise InputError(f"the network gives {found}, not RGB of the frame's size {expected}")
    if not output.is_floating_point():
        raise InputError(f"the network gives {output.dtype} values: it must return floats from 0 to 1")
    mean = float(output.mean(dtype=torch.float64))
    if not np.isfinite(mean):
        raise InputError("the network gives NaN or infinity")
    if mean > BRIGHTEST_MEAN:
        raise InputError(
            f"the network's output has a mean of {mean:.3g}, where 1 is white: scale it to 0 to 1"
        )


def _checked(source: NDArray[np.float32]) -> NDArray[np.float32]:
    mosaic = np.asarray(source)
    if mosaic.ndim != 2 or mosaic.dtype.kind != "f":
        raise UsageError(
            f"a mosaic must be a floating-point array (H, W), got {mosaic.dtype} of shape {mosaic.shape}; "
            "normalise it to 0 for black and 1 for saturation"
        )
    if not np.isfinite(mosaic).all() or mosaic.max(initial=0) > BRIGHTEST_MEAN:
        raise UsageError(
            "a mosaic must be normalised to 0 for black and 1 for saturation; "
            f"this one contains NaN, infinity, or values up to {mosaic.max(initial=0):g}"
        )
    return mosaic.astype(np.float32, copy=False)


def _checked_gain(gain: float | str, needs_gain: bool) -> float | None:
    """Return a gain that can be applied; None if it has to be found."""
    if gain == "auto":
        return None
    if isinstance(gain, str) or not 0 < gain < float("inf"):
        raise UsageError(f"a gain must be 'auto' or a positive number, got {gain!r}")
    if not needs_gain:
        raise UsageError("this method finds its own gain: leave gain at 'auto'")
    return float(gain)
