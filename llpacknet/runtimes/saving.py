"""Save a whole network in one file for use without this package: ONNX or TorchScript."""

from __future__ import annotations

import io
import json
import warnings
from typing import TYPE_CHECKING, Any

import torch

from llpacknet.conventions import conventions_of
from llpacknet.errors import UnsupportedError
from llpacknet.runtimes import calibration, exporting, forms
from llpacknet.runtimes.portable import Portable
from llpacknet.whole import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor, nn

    from llpacknet.conventions import Conventions

    Run = Callable[[Tensor], tuple[Tensor, ...]]

KINDS = ("onnx", "torchscript")
GAIN, RESTORED = "gain", "restored"
# Name of the part of a TorchScript file that holds the metadata, as JSON.
ABOUT = "about.json"
# Largest difference from the network in torch, relative to the largest value: sums in another order.
TOLERANCE = 1e-4
# A frame of the network's own multiple mostly, and one that needs margins.
_CHECKED_SIZES = ((128, 192), (70, 90))


def save(network: nn.Module, path: Path, kind: str, about: Mapping[str, str]) -> dict[str, str]:
    """Write a network as one graph for any frame size, after comparing it with the network in torch.

    Args:
        network: in eval mode; it is not changed. It may state its conventions, see `llpacknet.conventions`.
        path: the file, written completely or not at all.
        kind: one of `KINDS`.
        about: further facts for the file's metadata.

    Returns:
        The metadata: `about`, a description of input and output, and the largest difference found.

    Raises:
        UnsupportedError: it cannot be exported, or the export gives different results; nothing is written.
    """
    called = conventions_of(network)
    portable = Portable(network, called.size_multiple).eval()
    outputs = ((exporting.OUTPUT if portable.channels == 3 else RESTORED), GAIN)[: 1 + portable.has_amplifier]
    facts = dict(about) | _stated(portable, called, outputs[0])
    export: Any = _as_onnx if kind == "onnx" else _as_torchscript
    content, run, finish = export(portable, outputs)
    facts["largest_difference"] = f"{_apart(run, network, called, portable.smallest):.1e}"
    with whole(path) as partial:
        partial.write_bytes(finish(content, facts))
    return facts


def _stated(portable: Portable, called: Conventions, output: str) -> dict[str, str]:
    """Describe input and output, for people and for programs."""
    clip = f", then clipped to at most {called.input_clip:g}" if called.input_clip is not None else ""
    below = "negative below black" if called.keeps_negatives else "at least 0"
    gain = f"given: multiply the mosaic by the exposure ratio, or another gain, beforehand{clip}"
    if portable.has_amplifier:
        gain = f"found inside from the unamplified mosaic; the second output, {GAIN}, reports it"
    elif not called.needs_gain:
        gain = f"none is given{clip}"
    image = "RGB, sRGB-encoded, from 0 to 1: clip it" if portable.channels == 3 else "a mosaic like the input"
    return {
        "input": f"mosaic (1, 1, height, width) float32: RGGB, 0 black, 1 saturation, {below}",
        "gain": gain,
        "output": f"{output} (1, {portable.channels}, height, width) float32: {image}",
        "sides": f"even, at least {portable.smallest}",
        "smallest_side": str(portable.smallest),
        "needs_gain": str(called.needs_gain).lower(),
        "input_clip": "none" if called.input_clip is None else f"{called.input_clip:g}",
        "keeps_negatives": str(called.keeps_negatives).lower(),
        "amplifier": str(portable.has_amplifier).lower(),
    }


def _as_onnx(portable: Portable, outputs: tuple[str, ...]) -> tuple[bytes, Run, Any]:
    reason = forms.why_unsupported("onnxruntime", "fp32")
    if reason:
        raise UnsupportedError(reason)
    import onnx
    import onnxruntime as ort

    content = exporting.to_onnx(portable, outputs=outputs)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(mosaic: Tensor) -> tuple[Tensor, ...]:
        found = session.run(None, {exporting.INPUT: mosaic.numpy()})
        return tuple(torch.from_numpy(one) for one in found)

    def finish(graph: bytes, facts: Mapping[str, str]) -> bytes:
        model = onnx.load_model_from_string(graph)
        onnx.helper.set_model_props(model, dict(facts))
        written: bytes = model.SerializeToString()
        return written

    return content, run, finish


def _as_torchscript(portable: Portable, _: tuple[str, ...]) -> tuple[Any, Run, Any]:
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            traced: Any = torch.jit.trace(portable, (exporting.sample(2),), check_trace=False)  # type: ignore[no-untyped-call]
    except Exception as error:
        words = " ".join(str(error).split())[:300]
        raise UnsupportedError(f"it cannot be traced by torch: {type(error).__name__}: {words}") from error

    def run(mosaic: Tensor) -> tuple[Tensor, ...]:
        found = traced(mosaic)
        return found if isinstance(found, tuple) else (found,)

    def finish(module: Any, facts: Mapping[str, str]) -> bytes:
        stream = io.BytesIO()
        extra = {ABOUT: json.dumps(facts, indent=1, ensure_ascii=False)}
        torch.jit.save(module, stream, _extra_files=extra)
        return stream.getvalue()

    return traced, run, finish


def _apart(run: Run, network: nn.Module, called: Conventions, smallest: int) -> float:
    """Find the largest difference from the network in torch on a training scene; raises if it is large."""
    scene = calibration.placed(called)[0]
    worst = 0.0
    for height, width in _CHECKED_SIZES:
        mosaic = scene[..., : max(height, smallest), : max(width, smallest)].contiguous()
        with torch.inference_mode():
            expected = [network(mosaic)]
            own: Any = getattr(network, "gain", None)
            expected += [own(mosaic)] if own is not None and not called.needs_gain else []
            found = run(mosaic)
        for given, wanted in zip(found, expected, strict=False):
            scale = float(wanted.abs().max()) or 1.0
            worst = max(worst, float((given - wanted).abs().max()) / scale)
    if not worst <= TOLERANCE:
        raise UnsupportedError(f"the export differs from the network by {worst:.2g} of its largest value")
    return worst
