"""LPIPS: the `lpips` package's networks and weights, evaluated in bands, with the truth's features kept."""

from __future__ import annotations

import hashlib
import importlib.util
import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bench.metrics import backbone, images
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from torch import Tensor

    from bench.metrics.backbone import Net
    from bench.metrics.images import Image

Precision = Literal["fp32", "bf16"]
# What stands for 1 in the network, and for black.
Scale = tuple[float, float]

# Pixels between two features of the last level, in all networks.
STRIDE = 16
# The largest feature map that a band may have; AlexNet's first, at 12 megapixels, is 194 MB, one band.
MAP_BYTES = 512_000_000
# Features of truths are kept if they fit into this: AlexNet's do up to 25 megapixels, VGG16's up to 2.
KEPT_BYTES = 1_000_000_000
CHUNK_BYTES = 4_000_000


def available(net: Net = "alex") -> str | None:
    """Say why LPIPS is not available on this machine; None if it is. Imports nothing heavy."""
    for package in ("torch", "torchvision", "lpips"):
        if importlib.util.find_spec(package) is None:
            return f"{package} is not installed"
    if backbone.find(net) is None:
        if not backbone.BACKBONES[net].member:
            file = backbone.BACKBONES[net].torchvision
            return f"LPIPS's {net} network is not on this machine: put {file} into torchvision's cache"
        return f"LPIPS's {net} network is not on this machine: run `llbench fetch lpips`"
    return None


def lpips(
    prediction: Image | torch.Tensor,
    truth: Image | torch.Tensor,
    data_range: float | None = None,
    *,
    net: Net = "alex",
    signed: bool = True,
    precision: Precision = "fp32",
) -> float:
    """Learned perceptual distance (Zhang et al., CVPR 2018), version 0.1, images scaled to [-1, 1].

    Equals `lpips.LPIPS(net=net)` of one pair to 1e-5. Features of the last truth of each size are kept, so
    that scoring many predictions against one truth in a row costs half.

    Args:
        prediction: (H, W, 3) uint8, uint16 or float; a CUDA tensor is scored on its own device.
        truth: the same shape and kind.
        data_range: distance from black to white; 255 and 65535 for integers if None, required for floats.
        net: "alex" (the default everywhere), "vgg" or "squeeze".
        signed: whether the network gets [-1, 1], on which it was trained; else [0, 1], as from scripts that
            forget this step.
        precision: "bf16" for convolutions and features with 8 bits of mantissa, distances in fp32: within
            1e-3 of fp32; many times as slow on a processor without instructions for it. Every protocol
            computes in fp32.

    Returns:
        0 for identical images; lower is better.

    Raises:
        InputError: the images cannot be compared, are too small for the network, or hold NaN or infinity;
            or the network's weights are not on this machine, see `available`.
    """
    peak = images.checked_range(prediction, truth, data_range)
    smallest = backbone.BACKBONES[net].smallest
    if min(prediction.shape[:2]) < smallest:
        raise InputError(
            f"an image of {images.size(prediction)} is too small for LPIPS's {net} network: "
            f"its sides must be at least {smallest} pixels (or skip LPIPS)"
        )
    if not (images.is_cuda(prediction) and images.is_cuda(truth)):
        prediction, truth = images.as_array(prediction), images.as_array(truth)
    import torch

    with torch.inference_mode():
        scale = (peak / 2, -1.0) if signed else (peak, 0.0)
        return _distance(prediction, truth, scale, net, precision)


def _distance(prediction: Any, truth: Any, scale: Scale, net: Net, precision: Precision) -> float:
    device = str(prediction.device) if images.is_cuda(prediction) else "cpu"
    model = _model(net, device, precision)
    height, width = prediction.shape[:2]
    margin = backbone.BACKBONES[net].margin
    bands = list(_bands(height, _rows_of_a_band(model, width, margin), margin))
    key = (net, precision, device, scale, _digest(truth)) if len(bands) == 1 else None
    totals = np.zeros(len(model.lins))
    counts = np.zeros(len(model.lins))
    for first, last in bands:
        around = max(0, first - margin), min(height, last + margin)
        known = _TRUTHS.get(truth.shape, key)
        expected = known or [_unit(level) for level in _features(model, truth, scale, (first, last), around)]
        for i, level in enumerate(_features(model, prediction, scale, (first, last), around)):
            values = _differences(level, expected[i], model.lins[i].model[-1].weight.flatten())
            totals[i] += values.cpu().numpy().sum(dtype=np.float64)
            counts[i] += values.numel()
        if key and not known:
            _TRUTHS.keep(truth.shape, key, expected)
    result = float((totals / counts).sum())
    if not np.isfinite(result):
        raise InputError("an image contains NaN or infinity: clip it to its range first")
    return result


class _Truths:
    """Features of the truths scored last, one of each size, as long as they are small enough together.

    An image and its central part are scored in turn, so that the last truth alone would never be met again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[int, ...], tuple[Any, list[Tensor]]] = {}

    def get(self, size: tuple[int, ...], key: Any) -> list[Tensor] | None:
        with self._lock:
            if key is None or size not in self._kept:
                return None
            if self._kept[size][0] != key:
                del self._kept[size]  # freed before the next truth's features are made
                return None
            return self._kept[size][1]

    def keep(self, size: tuple[int, ...], key: Any, features: list[Tensor]) -> None:
        with self._lock:
            self._kept[size] = (key, features)
            while sum(level.nbytes for _, levels in self._kept.values() for level in levels) > KEPT_BYTES:
                del self._kept[next(iter(self._kept))]


_TRUTHS = _Truths()


def _digest(image: Any) -> bytes:
    array = np.ascontiguousarray(image.cpu().numpy() if images.is_cuda(image) else image)
    digest = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
    digest.update(array.view(np.uint8).data)
    return digest.digest()


@cache
def _model(net: Net, device: str, precision: Precision) -> Any:
    import torch

    from bench.metrics.torchvision_shim import import_lpips

    reason = available(net)
    path = backbone.find(net)
    if reason or path is None:
        raise InputError(f"LPIPS cannot be computed: {reason}")
    package = import_lpips()
    # On the meta device nothing is allocated or drawn at random: VGG16's classifier alone would take 0.5 GB.
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")  # lpips calls torchvision in a manner that it deprecates
        model = package.LPIPS(net=net, pretrained=False, pnet_rand=True, verbose=False)
    model.scaling_layer = package.ScalingLayer()
    state = dict(model.scaling_layer.state_dict(prefix="scaling_layer."))
    folder = importlib.util.find_spec("lpips").submodule_search_locations[0]  # type: ignore[union-attr,index]
    state |= torch.load(f"{folder}/weights/v0.1/{net}.pth", map_location="cpu", weights_only=True)
    features = backbone.load(path, net)
    slices = {name.partition(".")[2]: name for name in model.net.state_dict()}
    for name, tensor in features.items():
        state["net." + slices[name.removeprefix("features.")]] = tensor
    model.load_state_dict(state, strict=False, assign=True)
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    model.net.to(dtype)
    return model.to(device, memory_format=torch.channels_last).eval()


def _rows_of_a_band(model: Any, width: int, margin: int) -> int:
    first = next(module for module in model.net.slice1.modules() if hasattr(module, "out_channels"))
    stride = first.stride[0]
    bytes_per_row = 4 * first.out_channels * (width // stride) / stride
    return max(STRIDE, int(MAP_BYTES / bytes_per_row) - 2 * margin) // STRIDE * STRIDE


def _bands(height: int, rows: int, margin: int) -> Iterator[tuple[int, int]]:
    """Cut an image into bands that begin at multiples of STRIDE; one where margins would not pay."""
    if height <= rows + 2 * margin:
        yield 0, height
        return
    for first in range(0, height, rows):
        yield first, min(first + rows, height)


def _features(
    model: Any, image: Any, scale: Scale, band_rows: tuple[int, int], around: tuple[int, int]
) -> Iterator[Tensor]:
    """Each level's features of a band's rows, (1, C, rows / stride, columns / stride), as of the whole.

    The network sees the rows `around` it, and what its zero padding there touches is cut away.
    """
    import torch

    height, (first, last), (begin, end) = image.shape[0], band_rows, around
    rows = image[begin:end]
    if images.is_cuda(rows):
        band = rows.to(torch.float32, copy=True)
    else:
        band = torch.from_numpy(rows.astype(np.float32))
    # In place, and colours innermost as the image has them: convolutions are fastest so.
    x = band.permute(2, 0, 1)[None].mul_(1 / scale[0]).add_(scale[1])
    x = x.sub_(model.scaling_layer.shift).div_(model.scaling_layer.scale).to(_dtype(model))
    level_stride = 1
    for number in range(1, model.net.N_slices + 1):
        piece = getattr(model.net, f"slice{number}")
        for module in piece:
            level_stride *= _stride(module)
            x = module(x)
        stop = x.shape[2] if last == height else (last - begin) // level_stride
        yield x[:, :, (first - begin) // level_stride : stop]


def _dtype(model: Any) -> torch.dtype:
    found: torch.dtype = next(model.net.parameters()).dtype
    return found


def _stride(module: Any) -> int:
    stride = getattr(module, "stride", 1)
    return int(stride[0] if isinstance(stride, tuple) else stride)


def _chunks(level: Tensor) -> Iterator[slice]:
    """Rows that stay in a processor's cache while they are worked on."""
    rows = max(1, CHUNK_BYTES // (4 * level.shape[1] * level.shape[3]))
    for first in range(0, level.shape[2], rows):
        yield slice(first, first + rows)


def _unit(level: Tensor) -> Tensor:
    """Features scaled to length 1 over the channels, in their own memory: a copy of the level."""
    import torch

    result = torch.empty_like(level, dtype=torch.float32)
    for rows in _chunks(level):
        result[:, :, rows] = _scaled(level[:, :, rows])
    return result


def _scaled(features: Tensor) -> Tensor:
    features = features.float()
    return features / (features.square().sum(1, keepdim=True).sqrt() + 1e-10)  # as lpips guards against zero


def _differences(level: Tensor, expected: Tensor, weights: Tensor) -> Tensor:
    """(rows, columns): weighted squared distance of two levels' unit features at every place."""
    import torch

    values = torch.empty(level.shape[2:], device=level.device)
    for rows in _chunks(level):
        apart = (_scaled(level[:, :, rows]) - expected[:, :, rows]).square_()
        values[rows] = torch.einsum("c,nchw->hw", weights, apart)
    return values
