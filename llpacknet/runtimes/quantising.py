"""int8 after training: activation ranges are calibrated on training scenes, weights are rounded per channel.

The first two convolutions on every way from the mosaic stay in fp32: amplified, a lamp reaches hundreds of
times what the rest of the image spans, and eight bits cannot hold both. Ranges leave out a few values in a
hundred thousand, for the same reason.

A quantised model is kept in a folder if one is given, named by a hash of the network, the scenes and the
versions of what made it: finding the ranges takes longer than everything else about a form.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import tempfile
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llpacknet.runtimes.processor import lacks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Mosaics = Sequence[NDArray[np.float32]]

# Changes with the way of quantising, so that kept models are made anew.
SCHEME = "3"
# Share of an activation's values that may lie outside its range, at either end.
OUTSIDE = 1e-5
# Convolutions on every way from the mosaic that stay in fp32.
KEPT = 2
_CONVOLUTIONS = frozenset(
    {"Convolution", "GroupConvolution", "ConvolutionBackpropData", "Conv", "ConvTranspose"}
)


def for_openvino(onnx: bytes, mosaics: Mosaics, folder: Path | None) -> Any:
    """Quantise an exported trunk with NNCF.

    Args:
        onnx: the trunk, its sides free.
        mosaics: (1, 1, h, w) float32 each, as the trunk takes them.
        folder: where quantised models are cached; None for no cache.

    Returns:
        an `openvino.Model`, its sides free.
    """
    import openvino as ov

    def quantise(target: Path) -> None:
        import nncf

        source = ov.Core().read_model(onnx)
        with _silence():
            model = nncf.quantize(
                source,
                nncf.Dataset(list(mosaics)),
                preset=nncf.QuantizationPreset.MIXED,
                target_device=nncf.TargetDevice.CPU,
                subset_size=len(mosaics),
                ignored_scope=nncf.IgnoredScope(names=_first_in_openvino(source)),
                advanced_parameters=nncf.AdvancedQuantizationParameters(
                    overflow_fix=nncf.OverflowFix.ENABLE if lacks("int8", "openvino") else None,
                    activations_range_estimator_params=_ranges(),
                ),
            )
        ov.serialize(model, target, target.with_suffix(".bin"))

    name = "openvino-7bit" if lacks("int8", "openvino") else "openvino"
    with _kept(onnx, mosaics, folder, name, ("openvino", "nncf"), ".xml", quantise) as path:
        core = ov.Core()
        # Not mapped into memory: a temporary folder goes before the model does.
        core.set_property({"ENABLE_MMAP": False})
        return core.read_model(path)


def _ranges() -> Any:
    """Range of an activation in NNCF's words: quantiles of each scene, averaged over the scenes."""
    from nncf.quantization import range_estimator as ranges

    end = ranges.StatisticsCollectorParameters(
        statistics_type=ranges.StatisticsType.QUANTILE,
        aggregator_type=ranges.AggregatorType.MEAN,
        quantile_outlier_prob=OUTSIDE,
    )
    return ranges.RangeEstimatorParameters(min=end, max=end)


def _first_in_openvino(model: Any) -> list[str]:
    """Names of the convolutions nearest to the mosaic."""
    steps = [
        (
            node.get_friendly_name(),
            node.get_type_name(),
            [entry.get_source_output().get_node().get_friendly_name() for entry in node.inputs()],
            [node.get_friendly_name()],
        )
        for node in model.get_ordered_ops()
    ]
    return _first(steps)


def _first(steps: Sequence[tuple[str, str, list[str], list[str]]], most: int = KEPT) -> list[str]:
    """Of steps in order (name, kind, inputs, outputs), find the first `most` convolutions on every way."""
    depth: dict[str, int] = {}
    found = []
    for name, kind, takes, gives in steps:
        here = max((depth.get(one, 0) for one in takes), default=0) + (kind in _CONVOLUTIONS)
        if kind in _CONVOLUTIONS and here <= most:
            found.append(name)
        depth.update(dict.fromkeys(gives, here))
    return found


@contextmanager
def _silence() -> Iterator[None]:
    """Keep progress bars and advice of quantisers off the terminal."""
    logging.disable(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


@contextmanager
def _kept(
    onnx: bytes,
    mosaics: Mosaics,
    folder: Path | None,
    name: str,
    packages: tuple[str, ...],
    suffix: str,
    make: Callable[[Path], None],
) -> Iterator[Path]:
    """Provide the path of a quantised model, which is made unless it already exists."""
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            path = Path(temporary) / f"model{suffix}"
            make(path)
            yield path
        return
    digest = hashlib.sha256(onnx)
    for mosaic in mosaics:
        digest.update(mosaic.tobytes())
    digest.update(repr([SCHEME, *((package, version(package)) for package in packages)]).encode())
    home = folder / f"{name}-{digest.hexdigest()[:24]}"
    if not home.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            part = Path(temporary) / "whole"
            part.mkdir()
            make(part / f"model{suffix}")
            _settle(part, home)
    yield home / f"model{suffix}"


def _settle(part: Path, home: Path) -> None:
    """Put a finished folder under its name; another process may have been first, with the same content."""
    try:
        os.rename(part, home)  # noqa: PTH104 -- Path.rename would replace nothing either, but says so less clearly
    except OSError:
        if not home.is_dir():
            raise
